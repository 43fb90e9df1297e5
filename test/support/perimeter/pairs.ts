// Which pairs of addresses did a host see, as it saw them? Sharper than witness.ts where a host has several addresses and a
// peer that is right for one of them would be wrong for another.

import type { Network } from './network.ts';
import { elements, loadNft } from './nft.ts';

/** `source > destination` of every TCP connection's first packet, sorted. */
export interface PairsSeen {
  readonly came: readonly string[];
  readonly went: readonly string[];
}

const pairsTable = `
table inet pairs {
  set came { type ipv4_addr . ipv4_addr; size 65536; flags dynamic; }
  set went { type ipv4_addr . ipv4_addr; size 65536; flags dynamic; }
  chain came {
    type filter hook input priority filter;
    iifname != "lo" tcp flags & (syn | ack) == syn add @came { ip saddr . ip daddr }
  }
  chain went {
    type filter hook output priority filter;
    oifname != "lo" tcp flags & (syn | ack) == syn add @went { ip saddr . ip daddr }
  }
}`;

/** From now on the host's kernel remembers them. */
export async function watchPairs(host: Network): Promise<void> {
  await loadNft(host, pairsTable);
}

export async function pairsSeen(host: Network): Promise<PairsSeen> {
  const pairs = async (set: string): Promise<string[]> =>
    (await elements(host, 'pairs', set)).map(({ key }) => key.replace(' ', ' > ')).sort();
  return { came: await pairs('came'), went: await pairs('went') };
}
