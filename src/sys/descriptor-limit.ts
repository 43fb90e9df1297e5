// How many descriptors may this process have, and can it have more? A session needs two, a transfer four to six,
// so the usual soft limit of 1,024 ends an FTP gateway at a few hundred users. getrlimit(2).

import * as libc from './libc.ts';

/** Raises the soft limit towards `wanted` as far as this process is allowed to; returns what is in force. */
export function raiseDescriptorLimit(wanted: number): number {
  const limit = new BigUint64Array(2);
  const octets = new Uint8Array(limit.buffer);
  if (libc.getrlimit(libc.RLIMIT_NOFILE, octets) < 0) return 0;
  const [soft, hard] = [Number(limit[0]), Number(limit[1])];
  if (soft >= wanted) return soft;
  // Above the hard limit only with CAP_SYS_RESOURCE; without it the hard limit is what can be had.
  for (const target of [wanted, Math.min(wanted, hard)]) {
    limit[0] = BigInt(target);
    limit[1] = BigInt(Math.max(target, hard));
    if (libc.setrlimit(libc.RLIMIT_NOFILE, octets) === 0) return target;
  }
  return soft;
}
