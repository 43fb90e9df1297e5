// The first octets of a peer, whole lines or not, because some protocols never send an end of a line: is it FTP at all?
// Browsers are made to speak to FTP ports, and back doors are known to stand behind them.

import { type ForeignProtocol, foreignBeginning, foreignGreeting } from '../wire/foreign-protocol.ts';
import type { Action } from './action.ts';
import { endControl, sendAway } from './ending.ts';
import type { Side } from './expectation.ts';
import type { Session } from './session.ts';

export function onFirstOctets(
  session: Session,
  { from, octets }: { readonly from: Side; readonly octets: Uint8Array },
  out: Action[],
): Session {
  const foreign = from === 'client' ? foreignBeginning(octets) : foreignGreeting(octets);
  if (foreign === undefined) return session;
  return from === 'client' ? turnOut(session, foreign, out) : turnFrom(session, foreign, out);
}

/** Ends the session of a client that speaks another protocol. */
export function turnOut(session: Session, protocol: ForeignProtocol, out: Action[]): Session {
  out.push({ kind: 'record', record: { kind: 'foreign-protocol', from: 'client', protocol } });
  const farewell = 'Only FTP is spoken here; closing the control connection.';
  return sendAway(session, { outcome: 'protocol-error', reason: spoken('client', protocol), farewell }, out);
}

function turnFrom(session: Session, protocol: ForeignProtocol, out: Action[]): Session {
  out.push({ kind: 'record', record: { kind: 'foreign-protocol', from: 'server', protocol } });
  const farewell = 'The server does not speak FTP; closing the control connection.';
  return endControl(session, { outcome: 'protocol-error', reason: spoken('server', protocol), farewell }, out);
}

function spoken(who: Side, protocol: ForeignProtocol): string {
  return protocol === 'binary' ? `the ${who} sends no text` : `the ${who} speaks ${protocol.toUpperCase()}`;
}
