// Who connected to whom, and what did the router forward? Counted by the kernels of the laboratory, in tables of the
// test's own: no gateway and no server has to be believed.

import type { Network } from './network.ts';
import { type Counted, counted, elements, loadNft } from './nft.ts';

/** TCP connections as a host saw them: the addresses that dialled in, and those that it dialled itself. Sorted. */
export interface Seen {
  readonly callers: readonly string[];
  readonly callees: readonly string[];
}

// Both families in one chain; `counter` counts the first packets, so a second attempt shows.
const seenTable = `
table inet seen {
  set callers4 { type ipv4_addr . inet_service; size 65536; flags dynamic; counter; }
  set callers6 { type ipv6_addr . inet_service; size 65536; flags dynamic; counter; }
  set callees4 { type ipv4_addr . inet_service; size 65536; flags dynamic; counter; }
  set callees6 { type ipv6_addr . inet_service; size 65536; flags dynamic; counter; }
  chain came {
    type filter hook input priority filter;
    iifname != "lo" tcp flags & (syn | ack) == syn add @callers4 { ip saddr . tcp dport }
    iifname != "lo" tcp flags & (syn | ack) == syn add @callers6 { ip6 saddr . tcp dport }
  }
  chain went {
    type filter hook output priority filter;
    oifname != "lo" tcp flags & (syn | ack) == syn add @callees4 { ip daddr . tcp dport }
    oifname != "lo" tcp flags & (syn | ack) == syn add @callees6 { ip6 daddr . tcp dport }
  }
}`;

/** From now on the host's kernel remembers its peers. */
export async function watchPeers(host: Network): Promise<void> {
  await loadNft(host, seenTable);
}

export async function peersSeen(host: Network): Promise<Seen> {
  const addresses = async (set: string): Promise<string[]> => {
    const found = [...(await elements(host, 'seen', `${set}4`)), ...(await elements(host, 'seen', `${set}6`))];
    return [...new Set(found.map(({ key }) => key.split(' ')[0] ?? ''))].sort();
  };
  return { callers: await addresses('callers'), callees: await addresses('callees') };
}

/** How many first packets came from an address to a port of this host. */
export async function attemptsSeen(host: Network, from: string, port: number): Promise<number> {
  const found = await elements(host, 'seen', from.includes(':') ? 'callers6' : 'callers4');
  return found.find(({ key }) => key === `${from} ${port}`)?.packets ?? 0;
}

// What an operator has beside Portcullis: everything is dropped but what is established and what Portcullis has marked.
const operatorsTable = `
table inet filter {
  counter begun { }
  counter passed { }
  counter refused { }
  chain forward {
    type filter hook forward priority filter; policy drop;
    tcp flags syn counter name begun
    ct state established,related counter name passed accept
    ct mark 0xf7b counter name passed accept
    counter name refused drop
  }
}`;

/** An operator's own firewall on the router, which knows nothing of FTP. */
export async function installOperatorsFirewall(router: Network): Promise<void> {
  await loadNft(router, operatorsTable);
}

// All that is new, but for control connections, goes to a host that is not there, as if from the router itself.
const operatorsTranslation = `
table inet translation {
  chain destinations {
    type nat hook prerouting priority dstnat;
    tcp dport != 21 dnat ip to 192.0.2.250
    tcp dport != 21 dnat ip6 to 2001:db8:66::250
  }
  chain sources {
    type nat hook postrouting priority srcnat;
    oifname != "lo" masquerade
  }
}`;

/** An operator's own translation, which would break every data connection that it got hold of. */
export async function installOperatorsTranslation(router: Network): Promise<void> {
  await loadNft(router, operatorsTranslation);
}

/**
 * The first packets that the firewall was asked to let through. A connection that passes through the process has none:
 * of it, at the most, an acknowledgement is forwarded that comes again when its socket is gone already.
 */
export function begunByForwarding(router: Network): Promise<Counted> {
  return counted(router, 'filter', 'begun');
}

/** What that firewall let through: data connections of the kernel's. */
export function forwarded(router: Network): Promise<Counted> {
  return counted(router, 'filter', 'passed');
}
