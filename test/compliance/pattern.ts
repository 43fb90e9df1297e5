// Which octet belongs at this place of a stream? Two streams without end, one for each direction, so that a loss, a
// doubling, an exchange of pieces and an octet of the other direction all show, without keeping what was sent.

import { octetsFrom } from '../support/octets.ts';

// A prime, so that no buffer, page or segment fits in a whole number of times.
const period = 1_048_573;
/** Longest piece of a stream that is looked at in one go. */
export const pieceMax = 65_536;

export interface Pattern {
  /** The octets of the stream from that position on, at most `pieceMax`; a view. */
  piece(from: number, octets: number): Uint8Array;
}

function pattern(seed: number): Pattern {
  const once = octetsFrom(seed, period);
  const octets = Buffer.concat([once, once.subarray(0, pieceMax)]);
  return {
    piece: (from, count) => octets.subarray(from % period, (from % period) + Math.min(count, pieceMax)),
  };
}

export const fromClient = pattern(0x5eed1);
export const fromServer = pattern(0x5eed2);
