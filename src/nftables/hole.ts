// Which elements of our sets and maps let one expected data connection through the kernel?
//
// The initiator dials `advertised`; the responder listens at `responder` and sees `source` as its peer. What is equal
// on both sides needs no translation. The pinhole itself is looked up in the forward hook, where the destination has
// been translated and the source has not. All fields in network order, each padded to four octets.

import { type Address, type Endpoint, sameAddress, sameEndpoint } from '../address/endpoint.ts';
import type { ElementChange } from '../sys/nfnetlink.ts';
import { concatenated } from './element-octets.ts';
import { completedLabel, type Family, opaqueLabel, pinholes, redirects, sources } from './table-plan.ts';

export interface Hole {
  readonly initiator: Address;
  /** What the initiator was told. */
  readonly advertised: Endpoint;
  /** Who really listens. */
  readonly responder: Endpoint;
  /** Whom the responder shall see. */
  readonly source: Address;
}

// A SYN that a pinhole lets through at its last moment must still leave with the right source a hook later.
const graceMs = 1000;

/**
 * To be committed as one transaction, the pinhole itself last. Throws RangeError where the addresses are not of one
 * family.
 */
export function opening({ initiator, advertised, responder, source }: Hole, timeoutMs: number): ElementChange[] {
  const family = familyOf(initiator, advertised.address, responder.address, source);
  const through = concatenated(initiator, responder.address, responder.port);
  const changes: ElementChange[] = [];
  if (!sameEndpoint(advertised, responder)) {
    const key = concatenated(initiator, advertised.address, advertised.port);
    const value = concatenated(responder.address, responder.port);
    changes.push({ kind: 'add', set: redirects(family), key, value, timeoutMs });
  }
  if (!sameAddress(source, initiator)) {
    const value = concatenated(source);
    changes.push({ kind: 'add', set: sources(family), key: through, value, timeoutMs: timeoutMs + graceMs });
  }
  changes.push({ kind: 'add', set: pinholes(family), key: through, timeoutMs });
  return changes;
}

/**
 * Takes away what is left of what was opened so; a completed connection has taken the pinhole, a time-out perhaps all.
 */
export function closing(opened: readonly ElementChange[]): ElementChange[] {
  return opened.map(({ set, key }) => ({ kind: 'delete', set, key }));
}

/**
 * What remains once a completed connection has taken the pinhole: the translations, which the kernel remembers by then.
 */
export function spent(opened: readonly ElementChange[]): ElementChange[] {
  return closing(opened.slice(0, -1));
}

/** The element that is gone once a connection is completed. */
export function passing(opened: readonly ElementChange[]): ElementChange {
  return opened.at(-1)!;
}

/** Whether the flow with this ct label has taken its pinhole. */
export function hasPassed(label: Uint8Array | undefined): boolean {
  return hasBit(label, completedLabel);
}

/** Whether the flow with this ct label was let through for a session that is not read. */
export function isOpaque(label: Uint8Array | undefined): boolean {
  return hasBit(label, opaqueLabel);
}

function hasBit(label: Uint8Array | undefined, bit: number): boolean {
  return label !== undefined && (label[bit >> 3]! & (1 << (bit & 7))) !== 0;
}

function familyOf(first: Address, ...others: Address[]): Family {
  if (others.every(({ family }) => family === first.family)) return first.family;
  throw new RangeError('the addresses of a pinhole are of two families');
}
