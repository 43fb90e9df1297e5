// A command goes to the server as it came, octet for octet, and its reply is awaited.

import { argumentText } from '../wire/command.ts';
import type { Verb } from '../wire/verbs.ts';
import type { Action } from './action.ts';
import { type AwaitedFromServer, certaintyOf, plainly, withAsked } from './awaited-replies.ts';
import type { Protection } from './security.ts';
import { awaiting, type ClientCommand, type Session } from './session.ts';
import { beginTransfer, freeWay } from './ways.ts';
import { afterCommand } from './working-directory.ts';

/** @param protection What PROT asks for. */
export function passOn(session: Session, given: ClientCommand, out: Action[], protection?: Protection): Session {
  const { command, verb, octets, interrupt } = given;
  // RFC 959 §4.1.3: servers that look at the control connection only on urgent data need the Synch before ABOR.
  if (interrupt) out.push({ kind: 'send-urgent', to: 'server', octets: telnetSynch });
  out.push({ kind: 'send', to: 'server', octets });
  const next = afterCommand(session, given);
  if (verb !== undefined && isPlain(verb) && protection === undefined) return asking(next, plainly(verb));
  const starts = verb?.starts;
  const begun =
    starts === undefined
      ? next
      : beginTransfer(next, { verb: command.verb, path: argumentText(command.argument), direction: starts }, out);
  return asking(begun, {
    kind: 'server',
    asker: 'client',
    verb: command.verb,
    way: starts === undefined ? undefined : freeWay(session)?.id,
    setUp: undefined,
    user: command.verb === 'USER' ? argumentText(command.argument) : undefined,
    protection,
    progress: 'asked',
    answer: certaintyOf(command.verb, begun.awaited),
  });
}

function asking(session: Session, asked: AwaitedFromServer): Session {
  return awaiting(session, withAsked(session.awaited, asked, session.terms.limits.commandsInFlightMax));
}

/** Nothing but its verb matters once it has been asked. */
function isPlain({ name, starts }: Verb): boolean {
  return starts === undefined && name !== 'USER' && name !== 'ABOR';
}

// IAC IP, then IAC DM of which the DM goes out urgent (RFC 959 §4.1.3).
const telnetSynch = Uint8Array.of(0xff, 0xf4, 0xff, 0xf2);
