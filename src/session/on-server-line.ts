// A line from the server: part of a reply that is passed on as it comes, collected because it answers a set-up, or
// withheld because it carries an address that nobody asked for. RFC 959 §4.2; a reply belongs to a command.

import type { ControlLine } from '../wire/line-splitter.ts';
import { cleanReplyLine, type ReplyLine, readReplyLine } from '../wire/reply.ts';
import { inNormalForm } from '../wire/reply-normal-form.ts';
import { takeTelnet } from '../wire/telnet.ts';
import type { Action } from './action.ts';
import { sendOwedReplies, sendPastDoubtful } from './answer.ts';
import { answersAbort } from './awaited-replies.ts';
import { endControl } from './ending.ts';
import { onReply, resumeHeld } from './on-reply.ts';
import { recordRefusal } from './refuse.ts';
import { changed, collecting, type OpenReply, type ReplyTreatment, type Session } from './session.ts';

export function onServerLine(session: Session, received: ControlLine, nowMs: number, out: Action[]): Session {
  if (received.fault === 'overlong' || received.fault === 'endless')
    return breakOff(session, 'overlong-reply', 'a reply line over the limit', out);
  const asRead = readable(session, received, out);
  const read = readReplyLine(asRead.octets, session.openReply?.code);
  const line = unambiguous(asRead, read, session.openReply?.code, out);
  switch (read.kind) {
    case 'malformed':
      return breakOff(session, 'malformed-reply', read.reason, out);
    case 'single':
    case 'first':
      return onReplyBegun(session, line, read, nowMs, out);
    case 'inner':
    case 'last':
      return session.openReply === undefined
        ? session
        : onReplyPart(session, line, session.openReply, read, nowMs, out);
  }
}

function onReplyBegun(
  session: Session,
  line: ControlLine,
  read: Extract<ReplyLine, { kind: 'single' | 'first' }>,
  nowMs: number,
  out: Action[],
): Session {
  const { code } = read;
  // It answers a command behind the replies that wait for a doubtful ABOR: these go out first.
  const ready = answersAbort(code) ? session : sendPastDoubtful(session, out);
  const treatment = treatmentOf(ready, code);
  if (read.kind === 'single') return onWholeReply(ready, line, code, treatment, nowMs, out);
  return onReplyPart(ready, line, { code, lines: 0, octets: 0, treatment }, read, nowMs, out);
}

function onReplyPart(
  session: Session,
  line: ControlLine,
  before: OpenReply,
  read: ReplyLine,
  nowMs: number,
  out: Action[],
): Session {
  const { limits } = session.terms;
  const reply = { ...before, lines: before.lines + 1, octets: before.octets + line.wire.length };
  if (reply.lines > limits.replyLinesMax || reply.octets > limits.replyOctetsMax) {
    return breakOff(session, 'overlong-reply', 'a multi-line reply over the limit', out);
  }
  if (read.kind === 'last')
    return onWholeReply(changed(session, { openReply: undefined }), line, reply.code, reply.treatment, nowMs, out);
  return changed(pass(session, line, reply.treatment, out), { openReply: reply });
}

function onWholeReply(
  session: Session,
  line: ControlLine,
  code: number,
  treatment: ReplyTreatment,
  nowMs: number,
  out: Action[],
): Session {
  out.push({ kind: 'record', record: { kind: 'reply', code, origin: 'server' } });
  const answered = onReply(pass(session, line, treatment, out), code, treatment, nowMs, out);
  return resumeHeld(sendOwedReplies(answered, out), out);
}

function pass(session: Session, line: ControlLine, treatment: ReplyTreatment, out: Action[]): Session {
  switch (treatment) {
    case 'forward':
      out.push({ kind: 'send', to: 'client', octets: line.wire });
      return session;
    case 'collect':
      return collecting(session, [...session.collected, line]);
    case 'withhold':
      return session;
  }
}

function treatmentOf(session: Session, code: number): ReplyTreatment {
  if (session.phase.kind === 'expect-set-up-reply') {
    // A lone ABOR before the set-up may still get its answer.
    const abortFirst = session.awaited.length > 0 && (code === 225 || code === 226 || code === 426);
    return abortFirst ? 'forward' : 'collect';
  }
  // A 227, 228 or 229 that answers no set-up could steer a client that takes it for the next reply to its own PASV.
  return code >= 227 && code <= 229 ? 'withhold' : 'forward';
}

/** The line without leading Telnet commands and without octets at which readers disagree. */
function readable(session: Session, line: ControlLine, out: Action[]): ControlLine {
  // Inside a multi-line reply, or behind anything but IAC, these octets are text (Latin-1 letters), not Telnet.
  if (session.openReply === undefined && line.octets[0] === 0xff) return cleaned(withoutTelnet(line, out), out);
  return line.fault === undefined ? line : cleaned(line, out);
}

function withoutTelnet(line: ControlLine, out: Action[]): ControlLine {
  const telnet = takeTelnet(line.octets);
  if (telnet.answer.length > 0) out.push({ kind: 'send', to: 'server', octets: telnet.answer });
  const shorter = line.octets.length - telnet.octets.length;
  return { ...line, octets: telnet.octets, wire: line.wire.subarray(shorter) };
}

function cleaned(line: ControlLine, out: Action[]): ControlLine {
  if (line.fault === undefined) return line;
  out.push({ kind: 'record', record: { kind: 'rewrite', what: 'line-normalised' } });
  const wire = cleanReplyLine(line);
  return { octets: wire.subarray(0, wire.length - 2), wire, fault: undefined };
}

/** The line as every client ends its reply where we do; it is read as it came. */
function unambiguous(line: ControlLine, read: ReplyLine, openCode: number | undefined, out: Action[]): ControlLine {
  const normal = inNormalForm(line, read.kind, openCode);
  if (normal !== line) out.push({ kind: 'record', record: { kind: 'rewrite', what: 'line-normalised' } });
  return normal;
}

/** The server does not speak FTP, or without end: what follows cannot be paired with commands, so the session ends. */
function breakOff(
  session: Session,
  cause: 'malformed-reply' | 'overlong-reply',
  reason: string,
  out: Action[],
): Session {
  recordRefusal({ cause, reason: `from the server: ${reason}` }, out);
  return endControl(
    session,
    'protocol-error',
    reason,
    'The server sent a reply that is not FTP; closing the control connection.',
    out,
  );
}
