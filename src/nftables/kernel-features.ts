// Which of the things that our table is made of does this machine not have? Each is tried by itself, so that each that
// is missing gets its own sentence.

import type { NftRun } from '../sys/libnftables.ts';

/** What is missing, each in one sentence. `dryRun` asks whether the kernel would take a script. */
export function missingFeatures(dryRun: (script: string) => NftRun): string[] {
  return features.flatMap(({ name, needs, body }) => {
    const tried = dryRun(`table inet portcullis_probe {\n${body}\n}\n`);
    return tried.ok ? [] : [`nftables cannot do ${name} here, which needs ${needs} (${firstLine(tried.reason)})`];
  });
}

/** What is wrong; the further lines of nft show where in a script that its reader does not have. */
export function firstLine(problem: string): string {
  return problem.trim().split('\n', 1)[0]!;
}

const prerouting = 'type filter hook prerouting priority raw';
const forward = 'type filter hook forward priority filter';
const key = 'ipv4_addr . ipv4_addr . inet_service';
const fields = 'ip saddr . ip daddr . tcp dport';

const features: readonly { readonly name: string; readonly needs: string; readonly body: string }[] = [
  {
    name: 'interception (tproxy)',
    needs: 'the kernel module nft_tproxy',
    body: `chain a { ${prerouting};
      tcp dport 21 tproxy ip to :2121 accept
      tcp dport 21 tproxy ip6 to :2121 accept
    }`,
  },
  {
    name: 'matching of local sockets (socket transparent, socket wildcard)',
    needs: 'Linux 5.11 and the kernel module nft_socket',
    body: `chain b {
      socket wildcard 1 return
    }
    chain a { ${prerouting};
      meta l4proto tcp socket transparent 1 jump b
    }`,
  },
  {
    name: 'sets whose elements time out and are taken out by a rule',
    needs: 'Linux 5.4',
    body: `set s { type ${key}; flags dynamic,timeout; timeout 30s; size 16; }
    chain a { ${forward};
      ${fields} @s delete @s { ${fields} } accept
    }`,
  },
  {
    name: 'limits in the elements of sets (limit rate over)',
    needs: 'Linux 5.7 and the kernel module nft_limit',
    body: `set s { type ${key}; flags dynamic,timeout; timeout 5s; size 16; }
    chain a { ${forward};
      add @s { ${fields} limit rate over 100/second burst 4096 packets } drop
    }`,
  },
  {
    name: 'address translation by maps in tables of both families (inet nat)',
    needs: 'Linux 5.8 and the kernel modules nft_chain_nat and nft_nat',
    body: `map d { type ${key} : ipv4_addr . inet_service; flags timeout; size 16; }
    map s { type ${key} : ipv4_addr; flags timeout; size 16; }
    chain a { type nat hook prerouting priority dstnat;
      dnat ip to ${fields} map @d
    }
    chain b { type nat hook postrouting priority srcnat;
      snat ip to ${fields} map @s
    }`,
  },
  {
    name: 'marks on tracked connections (ct mark)',
    needs: 'the kernel modules nft_ct and nf_conntrack with CONFIG_NF_CONNTRACK_MARK',
    body: `chain a { ${forward};
      ct state new,untracked ct mark set 1 accept
    }`,
  },
  {
    name: 'labels on tracked connections (ct label)',
    needs: 'the kernel module nft_ct and nf_conntrack with CONFIG_NF_CONNTRACK_LABELS',
    body: `chain a { ${forward};
      ct direction original ct status assured ct label set 111 accept
    }`,
  },
];
