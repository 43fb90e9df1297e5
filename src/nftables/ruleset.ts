// How is our table written in the language of nft(8)? Commented for the administrator who reads it before it goes in.
// Must not break: every word of the plan passes through nft-words.ts, and everything is in one table of our own,
// because all others are the operator's.

import {
  admit,
  classify,
  divert,
  ours,
  relayed,
  toServers,
  translateDestination,
  translateSource,
  trying,
  untrack,
} from './chains.ts';
import { identifier, mark, networkSet, wholeNumber } from './nft-words.ts';
import {
  type Family,
  families,
  guarded,
  pinholes,
  rangeSets,
  rangesByEngine,
  redirects,
  sources,
  type TablePlan,
  tableComment,
  tries,
} from './table-plan.ts';

/** A complete script for `nft -f`: an earlier table of this name gives way to this one in one transaction. */
export function printRuleset(plan: TablePlan): string {
  return `${head(plan)}\n${printRemoval(plan)}\n${printTable(plan)}`;
}

/** Takes the table away, whether it is there or not; `destroy` is missing before nft 1.0.7. */
export function printRemoval(plan: Pick<TablePlan, 'table'>): string {
  const table = identifier(plan.table);
  return `add table inet ${table}\ndelete table inet ${table}\n`;
}

function printTable(plan: TablePlan): string {
  return `table inet ${identifier(plan.table)} {
  comment "${tableComment}"

${families.map((family) => expectations(plan, family)).join('\n')}
${families.flatMap((family) => [...opaquePeers(plan, family), ...guardedNetworks(plan, family)]).join('\n')}
  # Dropped: data connections that no session expects.
  counter unexpected { }
  # Dropped: control connections that would have passed unread.
  counter unread { }
  # Dropped: packets of TCP to guarded networks that belong to no connection.
  counter stray { }
  # Dropped: attempts at expected data connections beyond what their peers can need, and connections where one was
  # complete.
  counter attempts { }

${chains(plan).join('\n')}}
`;
}

/** Those that others jump to, then the hooks in the order in which a packet meets them. */
function chains(plan: TablePlan): string[] {
  return [
    ...ours(plan),
    trying(plan),
    toServers(plan),
    divert(plan),
    untrack(plan),
    relayed(plan),
    translateDestination(plan),
    admit(plan),
    translateSource(plan),
    ...classify(plan),
  ];
}

function head(plan: TablePlan): string {
  const divertMark = mark(plan.divertMark);
  const routes = families
    .filter((family) => plan.intercepts.some((intercept) => intercept.families.includes(family)))
    .map((family) => (family === 4 ? ['-4', '0.0.0.0/0'] : ['-6', '::/0']))
    .flatMap(([ip, all]) => [
      `#   ip ${ip} rule add fwmark ${divertMark} lookup 100`,
      `#   ip ${ip} route add local ${all} dev lo table 100`,
    ]);
  return `# Portcullis: all that it installs, in a table of its own.
#
# Beside it this machine must forward (sysctl net.ipv4.ip_forward, net.ipv6.conf.all.forwarding), should count
# (net.netfilter.nf_conntrack_acct, for the octets of data connections), and must deliver to itself what has been marked
# (or what is dialled must be addresses of its own, by clients and by servers alike):
${routes.join('\n')}
# Chains of yours that drop by default need a rule each:
#   meta mark ${divertMark} accept      in the input hook, for control connections that were handed over
#   ct mark ${mark(plan.dataMark)} accept      in the forward hook, for data connections that a session expects
# What the gateway sends to servers on control connections passes the output hook of yours, not the forward hook, and
# carries a mark of its own; what clients may not reach, such a rule keeps the gateway from, too:
#   meta mark ${mark(plan.serverMark)} ip daddr 198.51.100.0/24 reject with tcp reset      in the output hook
# No table overrules a drop of another: this one opens nothing that yours close, and yours nothing that this one closes.
`;
}

function expectations(plan: TablePlan, family: Family): string {
  const address = `ipv${family}_addr`;
  const key = `type ${address} . ${address} . inet_service`;
  const size = `size ${wholeNumber(plan.pinholesMax, 1, 0xffff_ffff, 'size')}`;
  const timeout = `timeout ${wholeNumber(plan.expectationTimeoutMs, 1, 0x7fff_ffff, 'timeout')}ms`;
  return `  # Data connections over IPv${family} that a session expects: from . to . port, as the forward hook sees
  # them. The one that its peer completes takes the element out; those that do not come time out, even after a death
  # of Portcullis.
  set ${pinholes(family)} { ${key}; flags dynamic,timeout; ${timeout}; ${size}; }
  # How many have been begun there of late, by its peer or by whoever sends in its name.
  set ${tries(family)} { ${key}; flags dynamic,timeout; timeout 5s; ${size}; }
  # Those that were announced at another address: from . announced address . port : where they really go.
  map ${redirects(family)} { ${key} : ${address} . inet_service; flags timeout; ${size}; }
  # Those whose peer must see another address than the real one: from . to . port : as whom.
  map ${sources(family)} { ${key} : ${address}; flags timeout; ${size}; }
`;
}

/** For each range of ports and each engine those who may connect to it. */
function opaquePeers(plan: TablePlan, family: Family): string[] {
  const address = `ipv${family}_addr`;
  const size = `size ${wholeNumber(plan.pinholesMax, 1, 0xffff_ffff, 'size')}`;
  const pair = `${address} . ${address}`;
  return rangesByEngine(plan).map(({ range, engine }) => {
    const sets = rangeSets(family, range, engine);
    return `  # Whose session is passed through under TLS, over IPv${family}, by engine ${engine}. Renewed meanwhile.
  # client . server; client . announced address : server; client . server : as whom.
  set ${sets.peers} { type ${pair}; flags timeout; ${size}; }
  map ${sets.redirects} { type ${pair} : ${address}; flags timeout; ${size}; }
  map ${sets.sources} { type ${pair} : ${address}; flags timeout; ${size}; }
`;
  });
}

function guardedNetworks(plan: TablePlan, family: Family): string[] {
  const networks = plan.guard.filter((network) => network.family === family);
  if (networks.length === 0) return [];
  return [
    `  # Networks to which nobody opens a data connection that is not expected.
  set ${guarded(family)} { type ipv${family}_addr; flags interval; elements = ${networkSet(networks)}; }
`,
  ];
}
