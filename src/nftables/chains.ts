// What does our table do with a packet? Its chains in the order of the hooks that a packet meets.
// Must not break: chains are base chains with policy accept; what we do not know is the operator's to judge. Control
// connections are read or dropped; of those that claim to be an expected data connection one is completed, and only
// one.

import {
  addressWord,
  identifier,
  interfaceName,
  listenerName,
  mark,
  networkSet,
  port,
  portSet,
  wholeNumber,
} from './nft-words.ts';
import {
  completedLabel,
  type Family,
  families,
  guarded,
  guards,
  type Intercept,
  opaqueLabel,
  pinholes,
  type RangeSets,
  rangeSets,
  rangesByEngine,
  redirects,
  sources,
  type TablePlan,
  tries,
} from './table-plan.ts';

// ECN negotiation sets further flags on a SYN (RFC 3168 §6.1.1), so it is told by these four.
const firstSyn = 'tcp flags & (fin | syn | rst | ack) == syn';

const ip = (family: Family): string => (family === 4 ? 'ip' : 'ip6');
const keyOf = (family: Family): string => `${ip(family)} saddr . ${ip(family)} daddr . tcp dport`;
const peersOf = (family: Family): string => `${ip(family)} saddr . ${ip(family)} daddr`;
const marked = (plan: TablePlan): string => `meta mark set ${mark(plan.divertMark)}`;

// Every packet that the machine receives comes through here, so it is the ports that are compared first, once each.
export function divert(plan: TablePlan): string {
  return chain('divert', 'type filter hook prerouting priority raw', [
    '# What is sent to servers, and what they answer to our ends of those connections.',
    jumpToServers(plan),
    answersOfServers(plan),
  ]);
}

export function jumpToServers(plan: TablePlan): string {
  return `tcp dport ${portSet(interceptedPorts(plan))} jump to_servers`;
}

/** The rule for what comes back from servers. */
export function answersOfServers(plan: TablePlan): string {
  return `tcp sport ${portSet(serverPorts(plan))} socket transparent 1 jump ours_untracked`;
}

/**
 * Control connections go past connection tracking, which has nothing to add to sockets of ours and costs each packet
 * some microseconds. The look for a socket costs as much, so it is for packets of such connections alone. `tproxy`
 * gives a packet to its socket here and now, and to that it comes by a look at the routes; one that is only marked
 * takes the route that the kernel keeps with an established socket (net.ipv4.tcp_early_demux).
 */
export function toServers(plan: TablePlan): string {
  return block('to_servers', [
    '# Control connections that are made; a first packet may be for a socket that only lingers.',
    'tcp flags & (syn | ack) == ack socket transparent 1 jump ours_untracked',
    ...plan.intercepts.flatMap((intercept) => [
      `# Those that begin, to the servers behind listener ${listenerName(intercept.listener)}.`,
      ...interceptions(intercept).map(({ from, taken }) => `${from}${taken} ${marked(plan)} notrack accept`),
    ]),
  ]);
}

/** The other half of what `divert` leaves untracked. */
export function untrack(plan: TablePlan): string {
  return chain('untrack', 'type filter hook output priority raw', [
    '# What our ends of those connections send.',
    `tcp sport ${portSet(interceptedPorts(plan))} socket transparent 1 notrack`,
    `tcp dport ${portSet(serverPorts(plan))} socket transparent 1 notrack`,
    "# What goes to servers on control connections keeps its own mark, for rules of the operator's.",
    `meta mark ${mark(plan.serverMark)} accept`,
    '# What our ends of relayed data connections send is known by this mark when translation comes.',
    `meta l4proto tcp socket transparent 1 ${marked(plan)}`,
  ]);
}

/**
 * Data connections that are relayed at an address of a client or a server. After connection tracking, because it knows
 * those that run in the kernel: none of their packets has to wait for the look for a socket.
 */
export function relayed(plan: TablePlan): string {
  return chain('relayed', 'type filter hook prerouting priority mangle', [
    '# Data connections in the kernel, and what was handed over before.',
    `ct mark ${mark(plan.dataMark)} accept`,
    `meta mark ${mark(plan.divertMark)} accept`,
    "# Our ends of connections at a client's or a server's address.",
    'meta l4proto tcp socket transparent 1 jump ours',
  ]);
}

/**
 * Where packets go for which there is a transparent socket: only of those whether it listens is asked, and a rule of
 * its own asks, because a connection that is being made has no such property and would never match its opposite.
 */
export function ours(plan: TablePlan): string[] {
  const listening = [
    '# A socket that listens on all addresses would else take its port from every connection through this machine.',
    'socket wildcard 1 return',
  ];
  return [
    block('ours_untracked', [...listening, `${marked(plan)} notrack accept`]),
    block('ours', [...listening, `${marked(plan)} accept`]),
  ];
}

function interceptedPorts({ intercepts }: TablePlan): number[] {
  return intercepts.flatMap(({ ports }) => ports);
}

function serverPorts({ intercepts }: TablePlan): number[] {
  return intercepts.flatMap((intercept) => intercept.serverPorts);
}

/**
 * The rules that take intercepted connections, without the mark; none for a family in which there are no clients. In
 * two halves: who may come, which nft prints in ways of its own where there are networks in it, and what becomes of the
 * connection.
 */
export function interceptions(intercept: Intercept): { readonly from: string; readonly taken: string }[] {
  return intercept.families.flatMap((family) => {
    const taken = `${toPorts(intercept)} tproxy ${ip(family)} to ${listenAt(intercept)}`;
    if (intercept.clients === undefined) return [{ from: comingIn(intercept), taken }];
    const clients = intercept.clients.filter((network) => network.family === family);
    if (clients.length === 0) return [];
    return [{ from: `${comingIn(intercept)}${ip(family)} saddr ${networkSet(clients)} `, taken }];
  });
}

/**
 * Before the operator's own translation: of several the first holds, and ours is the more particular one. What goes to
 * where it was announced is translated into itself, so that no other rule leads it elsewhere.
 */
export function translateDestination(plan: TablePlan): string {
  return chain('translate_destination', 'type nat hook prerouting priority dstnat - 1', [
    '# Connections to sockets of ours stay what they are.',
    ...families.map((family) => `meta mark ${mark(plan.divertMark)} dnat ${ip(family)} to ${ip(family)} daddr`),
    '# Expected data connections go to where the session says.',
    ...families.flatMap((family) => {
      const key = keyOf(family);
      return [
        `${firstSyn} dnat ${ip(family)} to ${key} map @${redirects(family)}`,
        `${firstSyn} ${key} @${pinholes(family)} dnat ${ip(family)} to ${ip(family)} daddr`,
      ];
    }),
    ...opaqueRules(plan, (family, sets) => [
      `dnat ${ip(family)} to ${peersOf(family)} map @${sets.redirects}`,
      `${peersOf(family)} @${sets.peers} dnat ${ip(family)} to ${ip(family)} daddr`,
    ]),
  ]);
}

// In the time in which a peer on a slow line comes, forged packets at line rate try a thousand ports each of which
// could be an open pinhole some thousand times; each try is an entry of connection tracking, which has 65,536 and more.
const triesBound = 'limit rate over 100/second burst 4096 packets';

/**
 * A first packet proves nothing: anybody can send one with the peer's address as its source. Whoever answers the answer
 * was there to get it, and that is when the tracker calls the flow assured. So first packets pass, as many as a peer
 * could ever need, and the pinhole is taken out by the packet that completes one of them; what comes of the others ends
 * here.
 */
export function trying(plan: TablePlan): string {
  const dataMark = mark(plan.dataMark);
  return block('trying', [
    '# Attempts, also those that are made once more, up to a bound.',
    ...families.map((family) => {
      const key = keyOf(family);
      return `${firstSyn} add @${tries(family)} { ${key} ${triesBound} } counter name "attempts" drop`;
    }),
    '# The packet that completes one takes the pinhole out.',
    ...families.map((family) => {
      const [key, set] = [keyOf(family), pinholes(family)];
      const taken = `delete @${set} { ${key} } ct label set ${completedLabel} accept`;
      return `ct direction original ct status assured ${key} @${set} ${taken}`;
    }),
    '# Another one has been completed before, or the time was over.',
    'ct status assured counter name "attempts" drop',
    `ct mark set ${dataMark} accept`,
  ]);
}

export function admit(plan: TablePlan): string {
  const dataMark = mark(plan.dataMark);
  return chain('admit', 'type filter hook forward priority filter - 1', [
    '# Data connections under way, and those that are being made.',
    `ct mark ${dataMark} ct label ${completedLabel} accept`,
    `ct mark ${dataMark} jump trying`,
    '# The first SYN of an expected one; whose it is shows when the connection is complete.',
    ...families.map((family) => `ct state new ${firstSyn} ${keyOf(family)} @${pinholes(family)} jump trying`),
    ...opaqueRules(plan, (family, sets) => [
      `${peersOf(family)} @${sets.peers} ct mark set ${dataMark} ct label set ${completedLabel} ` +
        `ct label set ${opaqueLabel} accept`,
    ]),
    '# Control connections that come here were not intercepted: nobody is there to read them.',
    ...plan.intercepts.flatMap((intercept) =>
      intercept.families.map(
        (family) =>
          `${comingIn(intercept)}meta nfproto ipv${family} ct state new,untracked ${toPorts(intercept)} ` +
          'counter name "unread" drop',
      ),
    ),
    ...families.flatMap((family) => endings(plan, family)),
    ...families.flatMap((family) => strays(plan, family)),
    ...families.flatMap((family) => unexpected(plan, family)),
  ]);
}

// Between well-known ports and others nothing is ours but ftp-data.
const dataPorts = '{ 20, 1024-65535 }';

/**
 * A session ends its data connection by making the kernel forget it, and the tracker takes the next packet for the
 * first of a new one (net.netfilter.nf_conntrack_tcp_loose). A reset tells either peer; a drop would leave it waiting
 * for minutes. Every address and port in a guarded network answers a probe alike, so a probe learns nothing.
 */
function endings(plan: TablePlan, family: Family): string[] {
  if (!plan.endFlows || !guards(plan, family)) return [];
  const betweenDataPorts = `tcp sport ${dataPorts} tcp dport ${dataPorts}`;
  const middle = `ct state new tcp flags & (fin | syn | rst | ack) != syn ${betweenDataPorts}`;
  return [
    `# Data connections over IPv${family} that have ended with their session are not taken up again in their middle.`,
    ...['saddr', 'daddr'].map((which) => `${middle} ${ip(family)} ${which} @${guarded(family)} reject with tcp reset`),
  ];
}

/**
 * Probes with odd flags (FIN, NULL, Xmas, SYN+ACK, ACK …) are answered by a host in one way at an open port and in
 * another at a closed one. A connection begins with a SYN and no other flag but those of ECN (RFC 3168 §6.1.1); the
 * tracker would also take up one in its middle (net.netfilter.nf_conntrack_tcp_loose). What the operator has excepted
 * from tracking is not judged.
 */
function strays(plan: TablePlan, family: Family): string[] {
  if (!guards(plan, family)) return [];
  const toGuarded = `${ip(family)} daddr @${guarded(family)}`;
  const plainSyn = 'tcp flags & (fin | syn | rst | psh | ack | urg) != syn';
  return [
    `# Packets of TCP to guarded networks over IPv${family} that belong to no connection, whatever their flags.`,
    `ct state invalid ${toGuarded} meta l4proto tcp counter name "stray" drop`,
    `ct state new ${toGuarded} ${plainSyn} counter name "stray" drop`,
  ];
}

function unexpected(plan: TablePlan, family: Family): string[] {
  if (!guards(plan, family)) return [];
  const toGuarded = `${ip(family)} daddr @${guarded(family)}`;
  return [
    `# Unexpected connections to guarded networks over IPv${family}; FTP has no use of UDP.`,
    `ct state new,untracked ${toGuarded} tcp dport 1024-65535 counter name "unexpected" drop`,
    `${toGuarded} udp dport { 20, 21 } counter name "unexpected" drop`,
  ];
}

/** Before the operator's own masquerading, as above. */
export function translateSource(plan: TablePlan): string {
  return chain('translate_source', 'type nat hook postrouting priority srcnat - 1', [
    '# As above: connections of ours, then data connections, which come from where their peer expects them.',
    ...families.map((family) => `meta mark ${mark(plan.divertMark)} snat ${ip(family)} to ${ip(family)} saddr`),
    ...families.flatMap((family) => [`${firstSyn} snat ${ip(family)} to ${keyOf(family)} map @${sources(family)}`]),
    ...opaqueRules(plan, (family, sets) => [`snat ${ip(family)} to ${peersOf(family)} map @${sets.sources}`]),
    ...families.flatMap((family) => [`ct mark ${mark(plan.dataMark)} snat ${ip(family)} to ${ip(family)} saddr`]),
  ]);
}

/** For sessions that are passed through: what to do with the first packet of any data connection that is theirs. */
function opaqueRules(plan: TablePlan, rules: (family: Family, sets: RangeSets) => readonly string[]): string[] {
  const all = rangesByEngine(plan).flatMap(({ range, engine }) => {
    const first = `${firstSyn} tcp dport ${port(range.from)}-${port(range.to)}`;
    return families.flatMap((family) =>
      rules(family, rangeSets(family, range, engine)).map((rule) => `${first} ${rule}`),
    );
  });
  return all.length === 0 ? [] : ['# Data connections of sessions that are passed through under TLS.', ...all];
}

export function classify(plan: TablePlan): string[] {
  if (plan.dscp.data === undefined) return [];
  const codePoint = wholeNumber(plan.dscp.data, 0, 63, 'code point');
  const rules = families.map((family) => `ct mark ${mark(plan.dataMark)} ${ip(family)} dscp set ${codePoint}`);
  return [chain('classify', 'type filter hook forward priority filter + 1', rules)];
}

function chain(name: string, base: string, rules: readonly string[]): string {
  return block(name, [`${base}; policy accept;`, ...rules]);
}

function block(name: string, contents: readonly string[]): string {
  const lines = contents.map((line) => `    ${line}\n`);
  return `  chain ${identifier(name)} {\n${lines.join('')}  }\n`;
}

function comingIn(intercept: Intercept): string {
  return intercept.interface === undefined ? '' : `iifname ${interfaceName(intercept.interface)} `;
}

function toPorts(intercept: Intercept): string {
  return `tcp dport ${portSet(intercept.ports)}`;
}

function listenAt({ listenAddress, listenPort }: Intercept): string {
  if (listenAddress === undefined) return `:${port(listenPort)}`;
  const address = addressWord(listenAddress);
  return `${listenAddress.family === 4 ? address : `[${address}]`}:${port(listenPort)}`;
}
