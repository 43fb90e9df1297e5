// Which data connections must be looked at before this event can be judged? A data path may learn of their steps late,
// and what a session does next may depend on them. To look costs as much as to handle a line, so only those are looked
// at on which the judgement depends; a way to which nobody has connected yet costs nothing.

import { parseCommand } from '../wire/command.ts';
import { takeTelnet } from '../wire/telnet.ts';
import type { SessionEvent } from './event.ts';
import { isSetUpVerb } from './requested-set-up.ts';
import type { Session } from './session.ts';
import { isInUse, isUnused, type Way } from './way.ts';

const FOUR = 52;
const FIVE = 53;
const none: readonly Way[] = [];

export function waysInDoubt(session: Session, event: SessionEvent): readonly Way[] {
  if (session.ways.length === 0) return none;
  switch (event.kind) {
    case 'line':
      // A client speaks again once it has closed; what it may do now depends on whether all of its transfer is over.
      if (event.from === 'client') {
        const answered = waysAnswered(session);
        const inDoubt = answered.length > 0 && mayWait(session, event.line.octets) ? none : answered;
        const superseded = session.ways.filter((way) => mayBeSuperseded(way, event.line.octets[0]));
        return superseded.length === 0 ? inDoubt : [...inDoubt, ...superseded];
      }
      // Whether data has flowed decides what a refusal of the transfer means.
      return isNegative(event.line.octets[0]) ? session.ways.filter(isUnobserved) : none;
    case 'leg-ended':
    case 'end':
      // The end of the session ends every way: what has ended by itself before must be told apart from those.
      return session.ways.filter(isUnobserved);
    case 'clock':
      // To an unused way somebody may have come at the last moment.
      return session.ways.filter((way) => isUnobserved(way) && isUnused(way));
    default:
      return none;
  }
}

/** A set-up leaves the connections before it alone, as long as there may be one more of them. */
function mayWait({ ways, terms }: Session, line: Uint8Array): boolean {
  if (ways.length >= terms.limits.waysPerSessionMax) return false;
  const command = parseCommand(takeTelnet(line).octets);
  return command.ok && isSetUpVerb(command.value.verb);
}

/** The relay hears of everything as it happens; what the kernel carries must be asked about. */
function isUnobserved({ plane, stage }: Way): boolean {
  return plane === 'kernel' && stage.kind !== 'ended';
}

/** Those whose transfer the server has answered, and whose end has not been seen. */
export function waysAnswered({ ways }: Session): readonly Way[] {
  const isAnswered = (way: Way) => isUnobserved(way) && isInUse(way) && typeof way.transfer?.reply === 'number';
  return ways.length === 0 ? none : ways.filter(isAnswered);
}

/** Its transfer is over, or the line may be a set-up (PASV, PORT, EPSV, EPRT), which ends what nobody has used. */
function mayBeSuperseded(way: Way, first: number | undefined): boolean {
  if (!isUnobserved(way) || !isUnused(way)) return false;
  if (way.transfer !== undefined && way.transfer.reply !== 'awaited') return true;
  return first !== undefined && ((first | 0x20) === 0x70 || (first | 0x20) === 0x65);
}

/** 4yz and 5yz, RFC 959 §4.2.1. */
function isNegative(first: number | undefined): boolean {
  return first === FOUR || first === FIVE;
}
