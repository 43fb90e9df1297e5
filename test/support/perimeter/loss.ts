// What if the first packet of its kind is lost on the last stretch of its way? The receiver's own packet filter drops
// it once per connection, behind everything that the router does, and remembers it by its sequence number: what comes
// again later is then known to be the same one. Control connections are left alone.

import { becomes } from '../watch.ts';
import type { Network } from './network.ts';
import { type Counted, counted, elements, loadNft, type SetElement } from './nft.ts';

export type Lost = 'SYN' | 'SYN-ACK' | 'data';

// Two rules: nft 1.0.6 makes one comparison of two `!=` beside each other, and that excepts next to nothing.
const exceptControl = ['sport', 'dport'].map((port) => `tcp ${port} 21 accept`).join('; ');
const opening = 'tcp flags & (fin | syn | rst | ack) ==';
const matches: Readonly<Record<Lost, string>> = {
  SYN: `${opening} syn`,
  'SYN-ACK': `${opening} (syn | ack)`,
  // No packet without octets of the file is as long: 40 octets of IPv6 and at most 60 of TCP.
  data: 'meta length > 100',
};

const connectionOf = (family: 4 | 6): string => {
  const ip = family === 4 ? 'ip' : 'ip6';
  return `${ip} saddr . tcp sport . ${ip} daddr . tcp dport`;
};
/**
 * With the packet's sequence number, too, where it has been made its mark: nft 1.0.6 cannot list sets of plain numbers.
 */
const printSet = (name: string, family: 4 | 6, { mark = '', counter = '' } = {}): string => {
  const end = `ipv${family}_addr . inet_service`;
  return `set ${name} { type ${end} . ${end}${mark}; flags dynamic; size 1024; ${counter}}`;
};
const anew = (table: string): string => `add table inet ${table}; delete table inet ${table}; table inet ${table}`;

function lossTable(what: Lost, family: 4 | 6): string {
  const connection = connectionOf(family);
  const packet = `${connection} . meta mark`;
  return `${anew('loss')} {
  ${printSet('connections', family)}
  ${printSet('lost', family, { mark: ' . mark' })}
  ${printSet('again', family, { mark: ' . mark', counter: 'counter; ' })}
  counter lost_packets { }
  chain gate { drop; }
  chain lose {
    meta mark set tcp sequence
    ${connection} != @connections add @connections { ${connection} } \\
      add @lost { ${packet} } counter name lost_packets drop
    jump gate
    ${packet} @lost add @again { ${packet} }
  }
  chain came {
    type filter hook prerouting priority raw; policy accept;
    ${exceptControl}
    iifname != "lo" ${matches[what]} jump lose
  }
}`;
}

export class Loss {
  readonly #at: Network;

  private constructor(at: Network) {
    this.#at = at;
  }

  /** From now on the first one on each data connection is lost, and nothing else of its kind arrives until `goesOn`. */
  static async at(at: Network, what: Lost, family: 4 | 6): Promise<Loss> {
    await loadNft(at, lossTable(what, family));
    return new Loss(at);
  }

  /** Resolves once one is lost. */
  async happened(): Promise<void> {
    await becomes(async () => (await this.lost()).length, 1);
  }

  /** Only the first ones stay lost. */
  async goesOn(): Promise<void> {
    await this.#at.must('nft', 'flush', 'chain', 'inet', 'loss', 'gate');
  }

  /** The lost packets: the ends of their connections and their sequence numbers. */
  async lost(): Promise<string[]> {
    return (await elements(this.#at, 'loss', 'lost')).map(({ key }) => key);
  }

  /** Those of them that have come again and arrived, and how often. */
  again(): Promise<SetElement[]> {
    return elements(this.#at, 'loss', 'again');
  }

  /** How many packets those were, with how many octets, headers included. */
  extent(): Promise<Counted> {
    return counted(this.#at, 'loss', 'lost_packets');
  }

  async end(): Promise<void> {
    await this.#at.must('nft', 'delete', 'table', 'inet', 'loss');
  }
}

/** Remembers, from now on and nothing of before, which connections come to this host; before any loss. */
export async function watchSyns(host: Network, family: 4 | 6): Promise<void> {
  const connection = connectionOf(family);
  await loadNft(
    host,
    `${anew('syns')} {
  ${printSet('came', family, { counter: 'counter; ' })}
  chain came {
    type filter hook prerouting priority raw - 1; policy accept;
    ${exceptControl}
    iifname != "lo" ${matches.SYN} add @came { ${connection} }
  }
}`,
  );
}

/** The connections, with the number of their SYNs. */
export function synsSeen(host: Network): Promise<SetElement[]> {
  return elements(host, 'syns', 'came');
}
