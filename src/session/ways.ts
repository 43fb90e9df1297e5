// What happens to a session's data connections: the events of the data path, and the ends that the session itself sets.
// Law: every way that was opened ends exactly once, and every transfer that a way carried is told exactly once.

import type { Action, TransferRecord, WayOutcome } from './action.ts';
import type { DataResult, Side } from './expectation.ts';
import { activeAt, changed, noWays, type Session, withWays } from './session.ts';
import {
  awaitingMark,
  carrying,
  expected,
  expiryMs,
  flowing,
  freeAgain,
  inStage,
  isUnused,
  joining,
  keptAt,
  renewed,
  type Transfer,
  transferRecord,
  type Way,
  type WayStage,
} from './way.ts';

// With the shortest expectationTimeout enough for a first packet that is lost twice.
const renewalsMax = 4;

export function findWay(session: Session, id: number | undefined): Way | undefined {
  if (id !== undefined) for (const way of session.ways) if (way.id === id) return way;
  return undefined;
}

function withWay(session: Session, way: Way): Session {
  // Nearly always the only one.
  const ways = isOnlyWay(session, way.id) ? [way] : session.ways.map((each) => (each.id === way.id ? way : each));
  return withWays(session, ways, session.currentWay);
}

function withoutWay(session: Session, id: number): Session {
  const ways = isOnlyWay(session, id) ? noWays : session.ways.filter((way) => way.id !== id);
  return withWays(session, ways, session.currentWay === id ? undefined : session.currentWay);
}

function isOnlyWay(session: Session, id: number): boolean {
  return session.ways.length === 1 && session.ways[0]?.id === id;
}

/** The admitted peer has connected: the other leg is dialled, unless the server has not accepted the PORT yet. */
export function onArrived(session: Session, id: number, leg: Side, out: Action[]): Session {
  const way = findWay(session, id);
  if (way === undefined) return session;
  if (way.stage.kind === 'unconfirmed') {
    const stage: WayStage = leg === 'server' ? { kind: 'unconfirmed', serverArrived: 'yes' } : way.stage;
    return withWay(session, inStage(way, stage));
  }
  // A leg that the gateway dialled itself is no arrival: the other one is dialled already, or waits for the mark.
  if (way.stage.kind !== 'expected') return session;
  return join(session, way, leg, out);
}

/**
 * It would be judged for having had no data connection, and one is being made: its first packets may have been lost. So
 * it is given as much time again. Attempts can be forged, so it is given it a few times only.
 */
export function onAttempted(session: Session, id: number, nowMs: number): Session {
  const way = findWay(session, id);
  if (way === undefined || !isUnused(way)) return session;
  const late = nowMs >= expiryMs(way, session.terms.limits.expectationTimeoutMs);
  return late && way.renewals < renewalsMax ? withWay(session, renewed(way, nowMs)) : session;
}

/** The server has accepted the endpoint that it was told, so whoever came early is let through now. */
export function confirmWay(session: Session, id: number, out: Action[]): Session {
  const way = findWay(session, id);
  if (way?.stage.kind !== 'unconfirmed') return session;
  if (way.stage.serverArrived === 'no') return withWay(session, inStage(way, expected));
  return join(session, way, 'server', out);
}

function join(session: Session, way: Way, arrived: Side, out: Action[]): Session {
  recordWay(way, 'used', undefined, undefined, out);
  const leg = arrived === 'client' ? 'server' : 'client';
  if (way.expectation[leg].mode === 'dial') out.push({ kind: 'dial-data-leg', way: way.id, leg });
  return withWay(session, inStage(way, joining));
}

export function onJoined(session: Session, id: number, out: Action[]): Session {
  const way = findWay(session, id);
  if (way === undefined) return session;
  // Both came before the server had accepted the endpoint, the client by guessing: whoever it was, nobody was told yet.
  if (way.stage.kind === 'unconfirmed') return closeWay(session, way, 'failed', 'used before it was announced', out);
  // Else whose arrival has used it was told.
  if (isUnused(way) || isDialledOnly(way)) recordWay(way, 'used', undefined, undefined, out);
  // A short file is there, and its reply too, before a path that learns of its steps late has told of the connection.
  if (typeof way.transfer?.reply === 'number') out.push({ kind: 'conclude-data-path', way: id });
  return withWay(session, inStage(way, flowing));
}

/** The data connection is over: its transfer is told when the final reply is known too. */
export function onDataEnded(session: Session, id: number, result: DataResult, nowMs: number, out: Action[]): Session {
  const way = findWay(session, id);
  if (way === undefined) return session;
  recordWay(way, result.outcome, result.reason, result, out);
  // Nobody has been told of it, and nobody will be.
  if (way.stage.kind === 'unconfirmed') {
    if (way.transfer !== undefined) tell(way, way.transfer, 'failed', result.reason, out);
    return withoutWay(session, id);
  }
  const ended: Way = inStage(way, { kind: 'ended', result });
  const active = activeAt(session, nowMs);
  return settle(withWay(active, ended), ended, out);
}

/**
 * The way that a transfer command sent now would use; none while the transfer before it on the same way has no answer.
 */
export function freeWay(session: Session): Way | undefined {
  const way = findWay(session, session.currentWay);
  return way?.transfer?.reply === 'awaited' ? undefined : way;
}

/** A transfer command goes to the server: it uses the current way, if that is free. */
export function beginTransfer(session: Session, asked: Omit<Transfer, 'user' | 'reply'>, out: Action[]): Session {
  const way = freeWay(session);
  if (way === undefined) return session;
  // MODE B: a second transfer over one data connection; the first is told with what is known of it.
  if (way.transfer !== undefined) {
    const sound = isPositive(way.transfer.reply) && carriedData(way);
    const reason = sound ? 'data connection kept for the next transfer' : 'no data connection before the next transfer';
    tell(way, way.transfer, sound ? 'completed' : 'failed', reason, out);
  }
  const { verb, path, direction } = asked;
  if (way.expectation.tls === 'by-transfer') {
    const { clientData, serverData } = session.security;
    out.push({ kind: 'protect-data-path', way: way.id, client: clientData, server: serverData });
  }
  const claimed = carrying(way, { verb, path, direction, user: userOf(session), reply: 'awaited' });
  if (isDialledOnly(way) && isUnused(way)) {
    out.push({ kind: 'dial-data-leg', way: way.id, leg: 'server' });
    return withWay(session, inStage(claimed, awaitingMark));
  }
  if (!isUnused(way)) return withWay(session, claimed);
  // What a command has claimed waits for as long as the server is at work on it.
  out.push({ kind: 'keep-data-path', way: way.id });
  return withWay(session, keptAt(claimed, session.lastActivityMs));
}

/** Only who is in; a name that the server has not let in yet names nobody. */
function userOf({ login }: Session): string | undefined {
  return login.kind === 'in' ? login.user : undefined;
}

function isPositive(reply: Transfer['reply']): boolean {
  return typeof reply === 'number' && reply < 400;
}

// The data path counts in tens of seconds.
const keepEveryMs = 1_000;

/** The server has said that it is at work on its transfers: their ways are kept, and not asked for too often. */
export function keepWays(session: Session, out: Action[]): Session {
  const nowMs = session.lastActivityMs;
  let next = session;
  for (const way of session.ways) {
    const atWork = way.transfer?.reply === 'awaited' && way.stage.kind !== 'ended';
    if (!atWork || way.keptMs + keepEveryMs > nowMs) continue;
    out.push({ kind: 'keep-data-path', way: way.id });
    next = withWay(next, keptAt(way, nowMs));
  }
  return next;
}

function isDialledOnly({ expectation }: Way): boolean {
  return expectation.server.mode === 'dial' && expectation.client.mode === 'dial';
}

function carriedData({ stage }: Way): boolean {
  return stage.kind === 'flowing' || (stage.kind === 'ended' && stage.result.outcome === 'completed');
}

/** A 1yz to a transfer command: where the gateway dials both, the client is dialled now, as a server would do. */
export function onTransferMark(session: Session, id: number | undefined, out: Action[]): Session {
  const way = findWay(session, id);
  if (way?.stage.kind !== 'awaiting-mark') return session;
  out.push({ kind: 'dial-data-leg', way: way.id, leg: 'client' });
  return withWay(session, inStage(way, joining));
}

/**
 * The first answer to a transfer command: commands may overtake the answers to a login, so only now it is known who was
 * in.
 */
export function settleUser(session: Session, id: number | undefined): Session {
  const way = findWay(session, id);
  const user = userOf(session);
  if (way?.transfer === undefined || way.transfer.user === user) return session;
  return withWay(session, carrying(way, { ...way.transfer, user }));
}

/** The final reply to a transfer command. */
export function onTransferReply(session: Session, id: number | undefined, code: number, out: Action[]): Session {
  // Servers that leave out the 1yz mark the transfer with its end.
  const marked = code < 400 ? onTransferMark(session, id, out) : session;
  const way = findWay(marked, id);
  if (way?.transfer === undefined) return marked;
  const answered: Way = carrying(way, { ...way.transfer, reply: code });
  if (answered.stage.kind === 'flowing' || answered.stage.kind === 'joining')
    out.push({ kind: 'conclude-data-path', way: answered.id });
  if (code < 400) return settle(withWay(marked, answered), answered, out);
  if (isUnused(answered)) {
    // RETR of a file that is not there: the way stays for the next try, as it does at the server.
    tell(answered, answered.transfer!, 'refused', 'the server refused the transfer', out);
    return withWay(marked, freeAgain(answered, marked.lastActivityMs));
  }
  if (answered.stage.kind === 'joining' || answered.stage.kind === 'awaiting-mark')
    return closeWay(marked, answered, 'failed', 'the server gave up the transfer', out);
  return settle(withWay(marked, answered), answered, out);
}

/** No reply to the transfer command can be told from others any more. */
export function onTransferLost(session: Session, id: number | undefined, out: Action[]): Session {
  const way = findWay(session, id);
  if (way?.transfer?.reply !== 'awaited') return session;
  const lost: Way = carrying(way, { ...way.transfer, reply: 'missing' });
  if (isUnused(lost)) return closeWay(session, lost, 'failed', 'the server has gone on without a final reply', out);
  return settle(withWay(session, lost), lost, out);
}

/** Ends a way that the session no longer wants, and resets what flows in it. */
export function closeWay(session: Session, way: Way, outcome: WayOutcome, reason: string, out: Action[]): Session {
  if (way.stage.kind !== 'ended') {
    out.push({ kind: 'close-data-path', way: way.id });
    recordWay(way, outcome, reason, undefined, out);
  }
  if (way.transfer !== undefined) tell(way, way.transfer, transferOutcome(outcome), reason, out);
  return withoutWay(session, way.id);
}

function transferOutcome(outcome: WayOutcome): TransferRecord['outcome'] {
  switch (outcome) {
    case 'expired':
    case 'session-closed':
    case 'refused':
      return outcome;
    default:
      return 'failed';
  }
}

/** Ends the unused way, if there is one: a new set-up takes its place (RFC 959 §4.1.2 PORT, PASV). */
export function supersedeUnused(session: Session, out: Action[]): Session {
  const way = findWay(session, session.currentWay);
  if (way === undefined) return session;
  if (isUnused(way)) return closeWay(session, way, 'superseded', 'a new set-up took its place', out);
  if (way.stage.kind === 'ended' && way.transfer === undefined) return withoutWay(session, way.id);
  return changed(session, { currentWay: undefined });
}

/**
 * Ends all ways that still wait. Of those with data in them `flowing` spares all, and `answered` those whose transfer
 * the server has answered: it has sent everything, and the rest is on its way.
 */
export function closeWays(session: Session, sparing: 'flowing' | 'answered' | 'none', out: Action[]): Session {
  let next = session;
  for (const way of session.ways) {
    const inUse = way.stage.kind === 'flowing' || way.stage.kind === 'joining';
    const spared =
      inUse && (sparing === 'flowing' || (sparing === 'answered' && typeof way.transfer?.reply === 'number'));
    if (!spared) next = closeWay(next, way, 'session-closed', 'the control connection ended', out);
  }
  return next;
}

/** A way whose data connection has ended is forgotten once its transfer has been answered; nothing more can come. */
function settle(session: Session, way: Way, out: Action[]): Session {
  if (way.stage.kind !== 'ended') return session;
  if (way.transfer === undefined) {
    // Ended before any transfer command: the record waits for none, a server will answer 425 by itself. One may still
    // come, as long as there is a control connection.
    const mayBeUsed = session.currentWay === way.id && session.phase.kind !== 'lingering';
    return mayBeUsed && way.stage.result.outcome === 'completed' ? session : withoutWay(session, way.id);
  }
  const { reply } = way.transfer;
  if (reply === 'awaited' && session.phase.kind !== 'lingering') return session;
  const { outcome, reason } = way.stage.result;
  // A server that dies closes its data connection as cleanly as one that has sent all: only its final reply tells them
  // apart.
  if (typeof reply !== 'number') tell(way, way.transfer, 'failed', `${reason}, without a final reply`, out);
  else tell(way, way.transfer, outcome === 'completed' && reply < 400 ? 'completed' : 'failed', reason, out);
  return withoutWay(session, way.id);
}

function tell(way: Way, transfer: Transfer, outcome: TransferRecord['outcome'], reason: string, out: Action[]): void {
  out.push({ kind: 'record', record: { kind: 'transfer', transfer: transferRecord(way, transfer, outcome, reason) } });
}

function recordWay(
  { id, plane }: Way,
  outcome: WayOutcome,
  reason: string | undefined,
  result: DataResult | undefined,
  out: Action[],
): void {
  out.push({ kind: 'record', record: { kind: 'way', way: id, plane, outcome, reason, result } });
}
