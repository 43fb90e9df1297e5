// In which directory of the server's is the client? Only the server knows (links, virtual roots, folders of users), so
// where a rule wants to know it, the gateway asks PWD of its own accord; neither peer sees that.
// Must not break: what is known is what the server said after the last command that may have changed it.
// RFC 959 §4.1.3 (PWD), Appendix II (257).

import { directoryIn } from '../wire/directory-reply.ts';
import { latin1Octets } from '../wire/latin1.ts';
import { groupsOf } from '../wire/verb-groups.ts';
import type { Action } from './action.ts';
import { type AwaitedFromServer, withAsked } from './awaited-replies.ts';
import { linesOf } from './collected-reply.ts';
import { awaiting, type ClientCommand, changed, type Session, type WorkingDirectory } from './session.ts';

/** `unknown`: nobody has asked since it may have changed. */
const unknownDirectory: WorkingDirectory = { kind: 'unknown' };
const untold: WorkingDirectory = { kind: 'untold' };

export function askDirectory(session: Session, out: Action[]): Session {
  out.push({ kind: 'send', to: 'server', octets: latin1Octets('PWD\r\n') });
  const asked: AwaitedFromServer = {
    kind: 'server',
    asker: 'gateway',
    verb: 'PWD',
    way: undefined,
    setUp: undefined,
    user: undefined,
    protection: undefined,
    progress: 'asked',
    answer: 'certain',
  };
  return awaiting(session, withAsked(session.awaited, asked, session.terms.limits.commandsInFlightMax));
}

/** The reply to it, which `session.collected` holds. */
export function onDirectoryReply(session: Session, { answer }: AwaitedFromServer, code: number): Session {
  const [first] = linesOf(session.collected);
  const read = changed(session, { collected: undefined });
  // One that comes too late was asked before other commands.
  if (answer === 'overdue') return read;
  const octets = code === 257 && first !== undefined ? directoryIn(first.octets.subarray(4)) : undefined;
  return changed(read, { directory: octets === undefined ? untold : { kind: 'known', octets } });
}

/** The session behind a command that goes to the server. */
export function afterCommand(session: Session, { command, verb }: ClientCommand): Session {
  if (session.directory.kind === 'unknown' || !mayMove(command.verb, verb !== undefined)) return session;
  return changed(session, { directory: unknownDirectory });
}

const staying: ReadonlySet<string> = new Set(['PWD', 'XPWD']);

function mayMove(verb: string, known: boolean): boolean {
  if (!known) return true;
  if (staying.has(verb)) return false;
  return groupsOf(verb, 0).some((group) => group === 'navigate' || group === 'login' || group === 'site');
}
