// Which events can happen when? The shell keeps an order on which the session relies: a client's line only when it
// accepts one, the answer to what it asked before anything else, news of ways that it has opened. An event out of this
// order is a mistake of ours, and an assertion: the shell ends this session for it, and no other. A race is no mistake:
// what was under way when the session went on arrives all the same. Those that are tolerated are listed here by name.

import type { SessionEvent } from './event.ts';
import { acceptsClientLine, holdsRange, type Session } from './session.ts';
import { findWay } from './ways.ts';

/**
 * `after-the-end`: the last data connection has gone, and sockets and timers are still to be closed.
 * `control-after-its-end`: the control connection is being closed, and its peers have said or done something meanwhile.
 * `news-of-a-gone-way`: the session has given the way up, or knows its end, and something was on its way to it.
 */
export type ToleratedRace = 'after-the-end' | 'control-after-its-end' | 'news-of-a-gone-way';

/** The shell has told of an event that cannot happen in this phase: a mistake of ours. */
export class IllegalEvent extends Error {
  constructor(event: SessionEvent, { phase }: Session) {
    super(`${event.kind} in phase ${phase.kind}`);
    this.name = 'IllegalEvent';
  }
}

/** The race that this event has lost, if any; it then changes nothing. Throws IllegalEvent. */
export function raceOf(session: Session, event: SessionEvent): ToleratedRace | undefined {
  if (session.phase.kind === 'closed') return 'after-the-end';
  switch (event.kind) {
    case 'accepted':
    case 'server-connected':
    case 'server-unreachable':
    case 'first-octets':
    case 'line':
    case 'leg-ending':
    case 'leg-ended':
    case 'tls-up':
    case 'tls-failed':
    case 'tls-down':
    case 'clear-text-discarded':
    case 'octets':
    case 'leg-cleared':
    case 'passive-range-lost':
      if (session.phase.kind === 'lingering') return 'control-after-its-end';
      break;
    case 'data-leg-arrived':
    case 'data-path-attempted':
    case 'data-path-joined':
    case 'data-path-ended':
      if (event.way < session.nextWay && !isAlive(session, event.way)) return 'news-of-a-gone-way';
      break;
    default:
      break;
  }
  if (!isLegal(session, event)) throw new IllegalEvent(event, session);
  return undefined;
}

function isAlive(session: Session, id: number): boolean {
  const way = findWay(session, id);
  return way !== undefined && way.stage.kind !== 'ended';
}

/** Of an event that has lost no race. */
function isLegal(session: Session, event: SessionEvent): boolean {
  const { phase, said, nextWay, opaque } = session;
  switch (event.kind) {
    case 'accepted':
    case 'server-connected':
    case 'server-unreachable':
      return phase.kind === 'expect-server';
    case 'first-octets':
      return event.from === 'client' ? said === 'nothing' : phase.kind === 'expect-greeting';
    case 'line':
      if (opaque?.[event.from] === 'tls') return false;
      return event.from === 'client' ? acceptsClientLine(session) : phase.kind !== 'expect-server';
    case 'tls-up':
      return phase.kind === 'expect-handshake' && phase.leg === event.leg;
    case 'tls-failed':
    case 'clear-text-discarded':
      return opaque?.[event.leg] === 'tls' || (phase.kind === 'expect-handshake' && phase.leg === event.leg);
    case 'octets':
      return opaque?.[event.from] === 'tls';
    case 'leg-cleared':
      return opaque?.[event.leg] === 'tls';
    case 'passive-range-opened':
    case 'passive-range-unavailable':
      return phase.kind === 'expect-passive-range';
    case 'passive-range-looked':
      return phase.kind === 'opaque';
    case 'passive-range-lost':
      return holdsRange(session);
    case 'tls-down':
      return phase.kind === 'expect-clear';
    case 'data-path-opened':
    case 'data-path-unavailable':
      return phase.kind === 'expect-data-path' && phase.expectation.way === event.way;
    case 'data-leg-arrived':
    case 'stranger':
    case 'data-path-attempted':
    case 'data-path-joined':
    case 'data-path-ended':
      return event.way < nextWay;
    case 'leg-ending':
    case 'leg-ended':
    case 'ways-looked':
    case 'rules-changed':
    case 'clock':
    case 'drain':
    case 'end':
      return true;
  }
}
