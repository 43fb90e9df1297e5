// Who is where in a laboratory of the perimeter? Documentation addresses, the same in every run; the namespaces keep
// runs apart.
//
//   routed    client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2, .3, .4 servers      all have routes to all
//             client 2001:db8:1::2 ──                  ─── 2001:db8:77::2, ::3, ::4 servers
//   inbound   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2, .3, .4 servers      outside knows 203.0.113.0/24,
//                                   203.0.113.10, .11, .12                                the router's addresses,
//             client 2001:db8:1::2 ──                  ─── fd77::2, ::3, ::4 servers      and 2001:db8:203::/64
//                          2001:db8:203::10, ::11, ::12
//   outbound  client 10.88.0.2 ────── lan0 router wan0 ─── 198.51.100.2, .3, .4 servers   outside knows no 10.88.0.0/24
//             client fd88::2 ────────                  ─── 2001:db8:1::2, ::3, ::4 servers and no fd88::/64
//
// fd77::/64 and fd88::/64 are unique local addresses (RFC 4193), which are to IPv6 what 10.0.0.0/8 is to IPv4.
// In each there is a stranger outside, 192.0.2.66 and 2001:db8:66::66, behind the router's wan1.

export type Topology = 'routed' | 'inbound' | 'outbound';

type Host = 'client' | 'server' | 'stranger';

/** One network cable: a host's end and the router's, each with its addresses. */
interface Cable {
  readonly host: Host;
  readonly addresses: readonly string[];
  readonly routerInterface: string;
  readonly routerAddresses: readonly string[];
  /** What the host knows beyond its own network. */
  readonly routes: readonly string[];
}

const everywhere = ['default via 198.51.100.1', 'default via 2001:db8:1::1'];

/** The servers behind lan0, with IPv6 addresses of this /64. */
function inside(prefix: string): Cable {
  const lasts = ['2', '3', '4'];
  return {
    host: 'server',
    addresses: [...lasts.map((last) => `10.77.0.${last}/24`), ...lasts.map((last) => `${prefix}::${last}/64`)],
    routerInterface: 'lan0',
    routerAddresses: ['10.77.0.1/24', `${prefix}::1/64`],
    // A client here leaves with the first address. Over IPv4 the kernel takes that one by itself.
    routes: ['default via 10.77.0.1', `default via ${prefix}::1 src ${prefix}::2`],
  };
}

function outside(routes: readonly string[]): Cable {
  return {
    host: 'client',
    addresses: ['198.51.100.2/24', '2001:db8:1::2/64'],
    routerInterface: 'wan0',
    routerAddresses: ['198.51.100.1/24', '2001:db8:1::1/64'],
    routes,
  };
}

function beyond(routes: readonly string[]): Cable {
  return {
    host: 'stranger',
    addresses: ['192.0.2.66/24', '2001:db8:66::66/64'],
    routerInterface: 'wan1',
    routerAddresses: ['192.0.2.1/24', '2001:db8:66::1/64'],
    routes,
  };
}

const cables: Readonly<Record<Topology, readonly Cable[]>> = {
  routed: [outside(everywhere), inside('2001:db8:77'), beyond(['default via 192.0.2.1', 'default via 2001:db8:66::1'])],
  inbound: [
    outside(['203.0.113.0/24 via 198.51.100.1', '2001:db8:203::/64 via 2001:db8:1::1']),
    inside('fd77'),
    beyond(['203.0.113.0/24 via 192.0.2.1', '2001:db8:203::/64 via 2001:db8:66::1']),
  ],
  outbound: [
    {
      host: 'client',
      addresses: ['10.88.0.2/24', 'fd88::2/64'],
      routerInterface: 'lan0',
      routerAddresses: ['10.88.0.1/24', 'fd88::1/64'],
      routes: ['default via 10.88.0.1', 'default via fd88::1'],
    },
    {
      host: 'server',
      addresses: [
        ...['198.51.100.2/24', '198.51.100.3/24', '198.51.100.4/24'],
        ...['2001:db8:1::2/64', '2001:db8:1::3/64', '2001:db8:1::4/64'],
      ],
      routerInterface: 'wan0',
      routerAddresses: ['198.51.100.1/24', '2001:db8:1::1/64'],
      routes: [],
    },
    // It knows the way to the private networks, as whoever sits at the provider's next router could.
    beyond([
      ...['198.51.100.0/24 via 192.0.2.1', '10.88.0.0/24 via 192.0.2.1'],
      ...['2001:db8:1::/64 via 2001:db8:66::1', 'fd88::/64 via 2001:db8:66::1'],
    ]),
  ],
};

const routerExtras: Readonly<Record<Topology, readonly string[]>> = {
  routed: [],
  inbound: ['10', '11', '12'].flatMap((last) => [
    `addr add 203.0.113.${last}/32 dev lo`,
    `addr add 2001:db8:203::${last}/128 dev lo nodad`,
  ]),
  outbound: [],
};

/** As deploy/*.yaml tells the operator: the kernel hands packets with the mark to the local machine. */
const divert = [
  '-4 rule add fwmark 1 lookup 100',
  '-4 route add local default dev lo table 100',
  '-6 rule add fwmark 1 lookup 100',
  '-6 route add local default dev lo table 100',
];
const sysctls = 'net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.netfilter.nf_conntrack_acct=1';

/** The commands that build it, for `sh -e`; `names` are those of the four namespaces. */
export function topologyScript(topology: Topology, names: Readonly<Record<Host | 'router', string>>): string {
  const { router } = names;
  const hosts = cables[topology].map((cable) =>
    batch(names[cable.host], [
      'link set lo up',
      ...linkCommands('eth0', cable.addresses),
      ...cable.routes.map((route) => `route add ${route}`),
    ]),
  );
  return [
    ...Object.values(names).map((name) => `ip netns add ${name}`),
    ...cables[topology].map(
      ({ host, routerInterface }) =>
        `ip link add eth0 netns ${names[host]} type veth peer name ${routerInterface} netns ${router}`,
    ),
    batch(router, [
      'link set lo up',
      ...cables[topology].flatMap((cable) => linkCommands(cable.routerInterface, cable.routerAddresses)),
      ...routerExtras[topology],
    ]),
    ...divert.map((command) => `ip -n ${router} ${command}`),
    `nsenter --net=/run/netns/${router} sysctl -qw ${sysctls}`,
    ...hosts,
    '',
  ].join('\n');
}

/** Several commands of ip(8) in one process. */
function batch(name: string, commands: readonly string[]): string {
  return `ip -n ${name} -batch - <<END\n${commands.join('\n')}\nEND`;
}

/** Without duplicate-address detection (RFC 4862 §5.4), which keeps IPv6 addresses unusable for a second. */
function linkCommands(device: string, addresses: readonly string[]): string[] {
  const commands = addresses.map((one) => `addr add ${one} dev ${device}${one.includes(':') ? ' nodad' : ''}`);
  return [...commands, `link set ${device} up`];
}

/** The router's neighbours: whom each host must be able to reach before anything else can work. */
export function gatewaysOf(topology: Topology): { readonly host: Host; readonly router: string }[] {
  return cables[topology].flatMap(({ host, routerAddresses }) =>
    routerAddresses.map((address) => ({ host, router: address.replace(/\/\d+$/, '') })),
  );
}
