// Which pairs of addresses did a host see, as it saw them? Sharper than witness.ts where a host has several addresses
// and a peer that is right for one of them would be wrong for another.

import type { Network } from './network.ts';
import { elements, loadNft } from './nft.ts';

/** `source > destination` of every TCP connection's first packet, sorted. */
export interface PairsSeen {
  readonly came: readonly string[];
  readonly went: readonly string[];
}

// Both families in one chain, as in witness.ts.
const pairsTable = `
table inet pairs {
  set came4 { type ipv4_addr . ipv4_addr; size 65536; flags dynamic; }
  set came6 { type ipv6_addr . ipv6_addr; size 65536; flags dynamic; }
  set went4 { type ipv4_addr . ipv4_addr; size 65536; flags dynamic; }
  set went6 { type ipv6_addr . ipv6_addr; size 65536; flags dynamic; }
  chain came {
    type filter hook input priority filter;
    iifname != "lo" tcp flags & (syn | ack) == syn add @came4 { ip saddr . ip daddr }
    iifname != "lo" tcp flags & (syn | ack) == syn add @came6 { ip6 saddr . ip6 daddr }
  }
  chain went {
    type filter hook output priority filter;
    oifname != "lo" tcp flags & (syn | ack) == syn add @went4 { ip saddr . ip daddr }
    oifname != "lo" tcp flags & (syn | ack) == syn add @went6 { ip6 saddr . ip6 daddr }
  }
}`;

/** From now on the host's kernel remembers them. */
export async function watchPairs(host: Network): Promise<void> {
  await loadNft(host, pairsTable);
}

export async function pairsSeen(host: Network): Promise<PairsSeen> {
  const pairs = async (set: string): Promise<string[]> => {
    const found = [...(await elements(host, 'pairs', `${set}4`)), ...(await elements(host, 'pairs', `${set}6`))];
    return found.map(({ key }) => key.replace(' ', ' > ')).sort();
  };
  return { came: await pairs('came'), went: await pairs('went') };
}
