// How are addresses and ports written as keys and values of our sets and maps? One behind the other, in network order,
// each padded to four octets.

import { type Address, octetsOfAddress } from '../address/endpoint.ts';

/** An address, then perhaps another, then perhaps a port. */
export function concatenated(...fields: readonly (Address | number)[]): Uint8Array {
  let length = 0;
  for (const field of fields) length += typeof field === 'number' || field.family === 4 ? 4 : 16;
  const octets = new Uint8Array(length);
  let at = 0;
  for (const field of fields) {
    if (typeof field === 'number') {
      octets[at] = field >> 8;
      octets[at + 1] = field & 255;
      at += 4;
    } else {
      const address = octetsOfAddress(field);
      octets.set(address, at);
      at += address.length;
    }
  }
  return octets;
}
