// Which data connections must be looked at before this event can be judged? A data path may learn of their steps late, and
// what a session does next may depend on them. Whom nothing depends on is not asked after: it costs as much as a line.

import type { SessionEvent } from './event.ts';
import type { Session } from './session.ts';
import { isInUse, type Way } from './way.ts';

const FOUR = 52;
const FIVE = 53;

export function waysInDoubt(session: Session, event: SessionEvent): readonly Way[] {
  if (session.ways.length === 0) return session.ways;
  switch (event.kind) {
    case 'line':
      // A client speaks again once it has closed; what it may do now depends on whether all of its transfer is over.
      if (event.from === 'client') return session.ways.filter((way) => isInUse(way) && isAnswered(way));
      // Whether data has flowed decides what a refusal of the transfer means.
      return isNegative(event.line.octets[0]) ? session.ways.filter(isInUse) : [];
    case 'leg-ended':
    case 'end':
      // Whatever has not ended by now is ended, and told so.
      return session.ways.filter(isInUse);
    default:
      return [];
  }
}

function isAnswered({ transfer }: Way): boolean {
  return transfer?.replyCode !== undefined;
}

/** 4yz and 5yz, RFC 959 §4.2.1. */
function isNegative(first: number | undefined): boolean {
  return first === FOUR || first === FIVE;
}
