// What do the targets that run in the kernel need of the gateway's namespace? Rules and routes, put there before a cell
// and taken away after it, because `direct` must meet a kernel without connection tracking.

import { spawnSync } from 'node:child_process';
import { backends } from './backends.ts';
import { CannotRun } from './cannot-run.ts';
import { addresses, type Lab } from './lab.ts';

// Thousands of transfers a second would fill the table with connections that are over: two minutes of them.
const trackingSysctls = [
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait=5',
  'net.netfilter.nf_conntrack_tcp_timeout_close=5',
  'net.netfilter.nf_conntrack_acct=1',
];

/** The kernel's helper in its usual place: destination NAT, masquerading, and a forward chain that drops all else. */
export function loadHelper(lab: Lab): () => void {
  const server = `${addresses.server}:${backends.plain.port}`;
  setUpTracking(lab);
  inGateway(
    lab,
    ['nft', '-f', '-'],
    `table ip helper {
  ct helper ftp-standard { type "ftp" protocol tcp; }
  chain assign { type filter hook prerouting priority filter; policy accept;
    iifname "outside" ip daddr ${addresses.server} tcp dport ${backends.plain.port} ct helper set "ftp-standard"
  }
  chain publish { type nat hook prerouting priority dstnat; policy accept;
    iifname "outside" ip daddr ${addresses.gateway} tcp dport 21 dnat to ${server}
  }
  chain hide { type nat hook postrouting priority srcnat; policy accept;
    oifname "inside" masquerade
  }
  chain forward { type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "outside" ip daddr ${addresses.server} tcp dport ${backends.plain.port} ct state new accept
  }
}
`,
  );
  return () => inGateway(lab, ['nft', 'delete', 'table', 'ip', 'helper']);
}

/** Connection tracking as every target in the kernel has it. */
export function setUpTracking(lab: Lab): void {
  inGateway(lab, ['sysctl', '-qw', ...trackingSysctls]);
}

function inGateway(lab: Lab, argv: readonly string[], input?: string): void {
  const options = { encoding: 'utf8', ...(input === undefined ? {} : { input }) } as const;
  const result = spawnSync('nsenter', [`--net=/run/netns/${lab.gateway}`, ...argv], options);
  if (result.status !== 0) throw new CannotRun(`${argv.join(' ')}: ${(result.stderr ?? '').trim()}`);
}
