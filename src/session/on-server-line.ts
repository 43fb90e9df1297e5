// A line from the server: part of a reply that is passed on as it comes, kept because it answers a set-up or may end
// otherwise than it began, or withheld because it carries an address that nobody asked for. RFC 959 §4.2; a reply
// belongs to a command. Must not break: what is kept is bounded; what passes needs no bound.

import type { ControlLine } from '../wire/line-splitter.ts';
import { cleanReplyLine, type ReplyLine, readReplyLine } from '../wire/reply.ts';
import { inNormalForm, looksLikeReply } from '../wire/reply-normal-form.ts';
import { numberAt } from '../wire/reply-number.ts';
import { takeTelnet } from '../wire/telnet.ts';
import type { Action } from './action.ts';
import { sendOwedBefore } from './answer.ts';
import { type AwaitedFromServer, indexAnswered } from './awaited-replies.ts';
import { endsOtherwise, keep, type Place, release } from './collected-reply.ts';
import { endControl } from './ending.ts';
import { editOfFeatures, isUntrueFeature, ownFeatures, sendOffered } from './features.ts';
import { isMasked, maskFor, shownLine } from './masks.ts';
import { onReply } from './on-reply.ts';
import { recordRefusal } from './refuse.ts';
import { changed, type OpenReply, type ReplyTreatment, type Session } from './session.ts';
import { keepWays } from './ways.ts';

export function onServerLine(session: Session, received: ControlLine, out: Action[]): Session {
  if (received.fault === 'overlong' || received.fault === 'endless')
    return breakOff(session, 'overlong-reply', 'a reply line over the limit', out);
  const asRead = readable(session, received, out);
  const { openReply } = session;
  const other = openReply === undefined ? undefined : endsOtherwise(session, openReply, asRead);
  if (other !== undefined) return onOtherEnd(session, asRead, other, out);
  const read = readReplyLine(asRead.octets, openReply?.code);
  const line = unambiguous(asRead, read.kind, openReply?.code, out);
  switch (read.kind) {
    case 'malformed':
      return onNoReply(session, line, read.reason, out);
    case 'single':
    case 'first':
      return onReplyBegun(session, line, read, out);
    case 'inner':
    case 'last':
      return openReply === undefined ? session : onReplyPart(session, line, openReply, read, out);
  }
}

function onReplyBegun(
  session: Session,
  line: ControlLine,
  read: Extract<ReplyLine, { kind: 'single' | 'first' }>,
  out: Action[],
): Session {
  const { code } = read;
  const isGreeting = session.phase.kind === 'expect-greeting';
  if (isGreeting && !greets(code)) {
    const reason = `the server greets with ${code}, which is no greeting of FTP`;
    return breakOff(session, 'malformed-reply', reason, out);
  }
  const index = isGreeting ? undefined : indexAnswered(session.awaited, code);
  const ready = index === undefined ? session : sendOwedBefore(session, index, out);
  const treatment = treatmentOf(session, index, code, read.kind);
  if (read.kind === 'single') return onWholeReply(ready, line, code, treatment, out);
  const passed = pass(ready, line, { code, place: 'inner' }, treatment, out);
  return sayAtWork(changed(passed, { openReply: { code, treatment, style: 'repeated' } }), code, out);
}

// RFC 959 §5.4: 120, 220 and 421. Where no login is needed some greet with 230, and what will not serve says so in many
// ways (`500 OOPS` of vsftpd). A 227 or 229 is left to the rule on those that nobody asked for, which counts them.
const greetings: ReadonlySet<number> = new Set([120, 220, 230, 227, 229]);

function greets(code: number): boolean {
  return greetings.has(code) || code >= 400;
}

function onReplyPart(session: Session, line: ControlLine, open: OpenReply, read: ReplyLine, out: Action[]): Session {
  if (read.kind === 'last')
    return onWholeReply(changed(session, { openReply: undefined }), line, open.code, open.treatment, out);
  const part = { code: open.code, place: 'inner' } as const;
  return sayAtWork(pass(styled(session, open, line), line, part, open.treatment, out), open.code, out);
}

/** The reply that was held ends in another code, with which it leaves from its first line on. */
function onOtherEnd(session: Session, asRead: ControlLine, code: number, out: Action[]): Session {
  const whole = release(changed(session, { openReply: undefined }), code, out);
  return onWholeReply(whole, unambiguous(asRead, 'single', undefined, out), code, 'forward', out);
}

/** Remembers whether a held reply goes on as the replies of scripts do. */
function styled(session: Session, open: OpenReply, { octets }: ControlLine): Session {
  if (open.treatment !== 'hold' || open.style === 'free') return session;
  const again = readReplyLine(octets, undefined);
  const repeated = again.kind === 'first' && again.code === open.code;
  return repeated ? session : changed(session, { openReply: { ...open, style: 'free' } });
}

function onWholeReply(
  session: Session,
  line: ControlLine,
  code: number,
  treatment: ReplyTreatment,
  out: Action[],
): Session {
  out.push({ kind: 'record', record: { kind: 'reply', code, origin: 'server' } });
  const passed = sayAtWork(pass(session, line, { code, place: 'last' }, treatment, out), code, out);
  if (passed.phase.kind === 'lingering' || passed.phase.kind === 'closed') return passed;
  return treatment === 'hold'
    ? onReply(release(passed, undefined, out), code, 'forward', out)
    : onReply(passed, code, treatment, out);
}

/** Of which reply a line is, and where in it. */
interface Part {
  readonly code: number;
  readonly place: Place;
}

function pass(session: Session, line: ControlLine, part: Part, treatment: ReplyTreatment, out: Action[]): Session {
  const { code, place } = part;
  switch (treatment) {
    case 'forward':
      out.push({ kind: 'send', to: 'client', octets: shownLine(session, line, code).wire });
      return session;
    case 'collect':
      return (
        keep(session, line, place) ?? breakOff(session, 'overlong-reply', 'a multi-line reply over the limit', out)
      );
    case 'hold': {
      const shown = shownLine(session, line, code);
      return keep(session, shown, place) ?? letGo(session, shown, part, out);
    }
    case 'withhold':
      return session;
    case 'features':
      if (place === 'last') sendOffered(session, out);
      if (place === 'last' || !isUntrueFeature(session, line.octets))
        out.push({ kind: 'send', to: 'client', octets: line.wire });
      return session;
    case 'own-features': {
      const own = place === 'last' ? ownFeatures(session) : undefined;
      if (own !== undefined) out.push({ kind: 'send', to: 'client', octets: own });
      return session;
    }
    case 'masked':
      if (place === 'last') out.push({ kind: 'send', to: 'client', octets: maskFor(session, code) });
      return session;
  }
}

/** What was held is too long for that, and passes as it comes from now on. */
function letGo(session: Session, line: ControlLine, part: Part, out: Action[]): Session {
  const free = release(session, undefined, out);
  const { openReply } = free;
  const passing = openReply === undefined ? free : changed(free, { openReply: { ...openReply, treatment: 'forward' } });
  return pass(passing, line, part, 'forward', out);
}

function treatmentOf(
  session: Session,
  index: number | undefined,
  code: number,
  kind: 'single' | 'first',
): ReplyTreatment {
  const entry = index === undefined ? undefined : session.awaited[index];
  const ownOrSetUp = entry?.kind === 'server' ? treatmentOfAsked(entry) : undefined;
  if (ownOrSetUp !== undefined) return ownOrSetUp;
  const edited = entry?.kind === 'server' && entry.verb === 'FEAT' ? editOfFeatures(session, code, kind) : undefined;
  if (edited !== undefined) return edited;
  if (isMasked(session, entry?.kind === 'server' ? entry.verb : undefined, code)) return 'masked';
  // 1yz to a set-up is in no standard, and its client waits for the final reply alone.
  if (code < 200 && index === undefined && session.phase.kind === 'expect-set-up-reply') return 'withhold';
  // A 227, 228 or 229 that answers no set-up could steer a client that takes it for the next reply to its own PASV.
  if (code >= 227 && code <= 229) return 'withhold';
  return kind === 'first' && code >= 400 && index !== undefined ? 'hold' : 'forward';
}

/** Of what the gateway asks, and of what it has to understand; undefined for what is between the peers. */
function treatmentOfAsked({ asker, verb, setUp }: AwaitedFromServer): ReplyTreatment | undefined {
  if (asker === 'gateway') return verb === 'PWD' ? 'collect' : 'withhold';
  return setUp === undefined ? undefined : 'collect';
}

/**
 * z/OS answers RETR with lines of a 125 for minutes before it dials: 1yz says that the server is at work on its
 * transfer.
 */
function sayAtWork(session: Session, code: number, out: Action[]): Session {
  if (code >= 200 || session.ways.length === 0) return session;
  return keepWays(session, out);
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
  normalised(out);
  const wire = cleanReplyLine(line);
  return { octets: wire.subarray(0, wire.length - 2), wire, fault: undefined };
}

/** The line in the form in which every client reads it as the gateway does. */
function unambiguous(
  line: ControlLine,
  kind: ReplyLine['kind'],
  openCode: number | undefined,
  out: Action[],
): ControlLine {
  if (kind === 'malformed') return line;
  const normal = inNormalForm(line, kind, openCode);
  if (normal !== line) normalised(out);
  return normal;
}

function normalised(out: Action[]): void {
  out.push({ kind: 'record', record: { kind: 'rewrite', what: 'line-normalised' } });
}

/** Between replies stands a line that is none. */
function onNoReply(session: Session, line: ControlLine, reason: string, out: Action[]): Session {
  if (line.octets.length === 0) {
    // Texts whose lines end in CR LF already get another one; no reader of replies expects it.
    normalised(out);
    return session;
  }
  const rule = 'malformedReply';
  if (session.terms.ruleset.malformedReply === 'close' || couldBeReply(line))
    return breakOff(session, 'malformed-reply', reason, out);
  recordRefusal({ cause: 'malformed-reply', reason: `from the server: ${reason}; it is passed on`, rule }, out);
  out.push({ kind: 'send', to: 'client', octets: line.wire });
  return session;
}

/** It stands in no reply that it could go on. */
const noCode = 0;

/**
 * Does it begin as a reply does, behind blanks or a sign or in digits of other scripts, so that a reader may take it?
 */
function couldBeReply({ octets }: ControlLine): boolean {
  return numberAt(octets, 0) !== undefined || looksLikeReply(octets, noCode);
}

/** The server does not speak FTP, or without end: what follows cannot be paired with commands, so the session ends. */
function breakOff(
  session: Session,
  cause: 'malformed-reply' | 'overlong-reply',
  reason: string,
  out: Action[],
): Session {
  recordRefusal({ cause, reason: `from the server: ${reason}` }, out);
  const farewell = 'The server sent a reply that is not FTP; closing the control connection.';
  return endControl(session, { outcome: 'protocol-error', reason, farewell }, out);
}
