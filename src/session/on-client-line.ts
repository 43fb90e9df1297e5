// A line from the client: a command, no command at all, or another protocol than FTP.
// A line that no two parsers would read alike (bare CR, NUL, cut for its length) never reaches the server.

import { parseCommand } from '../wire/command.ts';
import { type ForeignProtocol, foreignLine } from '../wire/foreign-protocol.ts';
import type { ControlLine } from '../wire/line-splitter.ts';
import { takeTelnet } from '../wire/telnet.ts';
import { lookupVerb } from '../wire/verbs.ts';
import type { Action } from './action.ts';
import { sendAway } from './ending.ts';
import { onCommand } from './on-command.ts';
import { turnOut } from './on-first-octets.ts';
import { type Refusal, refuse } from './refuse.ts';
import { changed, type Session } from './session.ts';

/** The phase is expect-command. */
export function onClientLine(session: Session, line: ControlLine, out: Action[]): Session {
  // After its goodbye nobody says anything that could be answered.
  if (session.service === 'leaving') return session;
  if (line.fault === 'endless') {
    // A flood without a line end: its buffer is bounded already, and now it costs its session too.
    const farewell = 'This is no command line; closing the control connection.';
    const reason = 'the client sends without end and without a line';
    return sendAway(session, { outcome: 'protocol-error', reason, farewell }, out);
  }
  const foreign = foreignSpeech(session, line);
  if (foreign !== undefined) return turnOut(session, foreign, out);
  const heard: Session = session.said === 'something' ? session : changed(session, { said: 'something' });
  const fault = refusedLine(line);
  if (fault !== undefined) return refuse(heard, fault, out);
  const telnet = takeTelnet(line.octets);
  if (telnet.answer.length > 0) out.push({ kind: 'send', to: 'client', octets: telnet.answer });
  // Telnet commands alone on a line are no FTP command: nothing to answer.
  if (telnet.octets.length === 0 && line.octets.length > 0) return heard;
  const command = parseCommand(telnet.octets);
  if (!command.ok) {
    const text = 'Command not understood.';
    return refuse(heard, { cause: 'malformed-command', code: 500, text, reason: command.reason }, out);
  }
  const octets =
    telnet.octets === line.octets ? line.wire : line.wire.subarray(line.octets.length - telnet.octets.length);
  const verb = lookupVerb(command.value.verb);
  out.push({ kind: 'record', record: { kind: 'command', verb: verb?.name ?? 'other' } });
  return onCommand(
    heard,
    { command: command.value, verb, octets, interrupt: telnet.interrupt, access: 'not-judged' },
    'may-wait',
    out,
  );
}

// Who is in has spoken FTP.
function foreignSpeech({ login, said }: Session, { octets }: ControlLine): ForeignProtocol | undefined {
  if (login.kind === 'in') return undefined;
  return foreignLine(octets, said === 'nothing' ? 'first' : 'later');
}

function refusedLine(line: ControlLine): Refusal | undefined {
  switch (line.fault) {
    case undefined:
      return undefined;
    case 'overlong':
      return {
        cause: 'overlong-line',
        code: 500,
        text: 'Command line too long.',
        reason: 'a command line over the limit was refused whole',
      };
    default:
      // A smuggled second command: one reader ends the line at a bare CR or a NUL, the next does not.
      return {
        cause: 'ambiguous-line',
        code: 500,
        text: 'A bare CR or a NUL is not allowed in a command.',
        reason: `a command line with a ${line.fault === 'nul' ? 'NUL' : 'bare CR'} was refused whole`,
      };
  }
}
