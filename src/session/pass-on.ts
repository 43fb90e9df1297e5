// A command goes to the server as it came, octet for octet, and its reply is awaited.

import { argumentText } from '../wire/command.ts';
import type { Action } from './action.ts';
import { type AwaitedFromServer, certaintyOf, withAsked } from './awaited-replies.ts';
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
  const starts = verb?.starts;
  let next = afterCommand(session, given);
  let way: number | undefined;
  if (starts !== undefined) {
    way = freeWay(session)?.id;
    next = beginTransfer(next, { verb: command.verb, path: argumentText(command.argument), direction: starts }, out);
  }
  const asked: AwaitedFromServer = {
    kind: 'server',
    asker: 'client',
    verb: command.verb,
    way,
    setUp: undefined,
    user: command.verb === 'USER' ? argumentText(command.argument) : undefined,
    protection,
    progress: 'asked',
    answer: certaintyOf(command.verb, next.awaited),
  };
  return awaiting(next, withAsked(next.awaited, asked, session.terms.limits.commandsInFlightMax));
}

// IAC IP, then IAC DM of which the DM goes out urgent (RFC 959 §4.1.3).
const telnetSynch = Uint8Array.of(0xff, 0xf4, 0xff, 0xf2);
