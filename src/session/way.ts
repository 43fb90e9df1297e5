// The life of one data connection inside its session: expected, opened, used once, ended exactly once.
// Nothing here decides who may connect (policy) or how octets move (datapath).

import type { TransferRecord } from './action.ts';
import type { DataResult, Expectation, OpenedPorts, Plane } from './expectation.ts';

export type WayStage =
  /** Open, but the server has not accepted the PORT that names it; a server that dials early is kept waiting. */
  | { readonly kind: 'unconfirmed'; readonly serverArrived: 'no' | 'yes' }
  | { readonly kind: 'expected' }
  /** The gateway dials both: the server's leg is dialled, the client's will be when the server marks the transfer. */
  | { readonly kind: 'awaiting-mark' }
  /** One leg is there, the other is being dialled or awaited. */
  | { readonly kind: 'joining' }
  | { readonly kind: 'flowing' }
  | { readonly kind: 'ended'; readonly result: DataResult };

export interface Transfer {
  readonly verb: string;
  readonly path: string;
  readonly direction: TransferRecord['direction'];
  /** Who was in when the server answered it for the first time, until then who was in when it was sent. */
  readonly user: string | undefined;
  /** The code of its final reply; `missing` where none can come any more. */
  readonly reply: number | 'awaited' | 'missing';
}

export interface Way {
  readonly id: number;
  readonly plane: Plane;
  readonly expectation: Expectation;
  /** Where its listening legs listen. */
  readonly ports: OpenedPorts;
  readonly stage: WayStage;
  /** Since when it waits for a command that uses it. */
  readonly freeSinceMs: number;
  /** When the data path was last told that its transfer is being worked on. */
  readonly keptMs: number;
  /** How often it was given time anew, because somebody was about to connect. */
  readonly renewals: number;
  readonly transfer: Transfer | undefined;
}

export const expected: WayStage = { kind: 'expected' };
export const awaitingMark: WayStage = { kind: 'awaiting-mark' };
export const joining: WayStage = { kind: 'joining' };
export const flowing: WayStage = { kind: 'flowing' };

/** Does it still wait for its data connection, so that a new set-up or the clock ends it? */
export function isUnused(way: Way): boolean {
  return way.stage.kind === 'unconfirmed' || way.stage.kind === 'expected';
}

/**
 * Until when a command has to claim it; Infinity once one has, because how long that may take is the server's to say.
 */
export function expiryMs(way: Way, timeoutMs: number): number {
  return isUnused(way) && way.transfer === undefined ? way.freeSinceMs + timeoutMs : Number.POSITIVE_INFINITY;
}

/** Is a data connection there or on its way, so that the session is not idle? */
export function isInUse(way: Way): boolean {
  return way.stage.kind === 'awaiting-mark' || way.stage.kind === 'joining' || way.stage.kind === 'flowing';
}

/** The one audit record of the transfer that used, or was going to use, this way. */
export function transferRecord(
  way: Way,
  transfer: Transfer,
  outcome: TransferRecord['outcome'],
  reason: string,
): TransferRecord {
  const result = way.stage.kind === 'ended' ? way.stage.result : undefined;
  return {
    way: way.id,
    plane: way.plane,
    user: transfer.user,
    verb: transfer.verb,
    path: transfer.path,
    direction: transfer.direction,
    outcome,
    reason,
    replyCode: typeof transfer.reply === 'number' ? transfer.reply : undefined,
    octetsToClient: result?.octetsToClient ?? 0,
    octetsToServer: result?.octetsToServer ?? 0,
    durationMs: result?.durationMs ?? 0,
    clientPeer: result?.clientPeer,
    serverPeer: result?.serverPeer,
  };
}

/** A way as it begins. */
export function newWay(way: Way): Way {
  return new WayCopy(way);
}

// A class with a copying constructor, not a spread, for the reason given in session.ts at `changed`.

export function inStage(way: Way, stage: WayStage): Way {
  const next = new WayCopy(way);
  next.stage = stage;
  return next;
}

export function keptAt(way: Way, nowMs: number): Way {
  const next = new WayCopy(way);
  next.keptMs = nowMs;
  return next;
}

/** Its transfer was refused: it waits for the next one. */
export function freeAgain(way: Way, nowMs: number): Way {
  const next = new WayCopy(way);
  next.transfer = undefined;
  next.freeSinceMs = nowMs;
  return next;
}

export function carrying(way: Way, transfer: Transfer): Way {
  const next = new WayCopy(way);
  next.transfer = transfer;
  return next;
}

/** The same way with its time anew: it expires as one that was opened at `nowMs`. */
export function renewed(way: Way, nowMs: number): Way {
  const next = new WayCopy(way);
  next.freeSinceMs = nowMs;
  next.renewals = way.renewals + 1;
  return next;
}

class WayCopy implements Way {
  readonly id: Way['id'];
  readonly plane: Way['plane'];
  readonly expectation: Way['expectation'];
  readonly ports: Way['ports'];
  stage: Way['stage'];
  freeSinceMs: Way['freeSinceMs'];
  keptMs: Way['keptMs'];
  renewals: Way['renewals'];
  transfer: Way['transfer'];

  constructor(from: Way) {
    this.id = from.id;
    this.plane = from.plane;
    this.expectation = from.expectation;
    this.ports = from.ports;
    this.stage = from.stage;
    this.freeSinceMs = from.freeSinceMs;
    this.keptMs = from.keptMs;
    this.renewals = from.renewals;
    this.transfer = from.transfer;
  }
}
