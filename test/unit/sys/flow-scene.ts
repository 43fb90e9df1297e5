// A routed network whose router marks the connections through it, and somebody there who hears of them. All sockets are
// on one poller, in their own namespaces; the router's own counters are the second opinion on what was moved.

import { test } from 'node:test';
import { FlowWatch } from '../../../src/sys/conntrack.ts';
import type { Flow, FlowEvent, FlowTuple } from '../../../src/sys/conntrack-message.ts';
import { Poller } from '../../../src/sys/poller.ts';
import { TcpListener } from '../../../src/sys/tcp-listener.ts';
import type { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { dial, openDescriptors, Recorder, takeConnection, turnUntil } from './loopback.ts';
import { openRoutedNetwork, type RoutedNetwork, serverAddress } from './routed-network.ts';

export const skip = whyNoOwnNetwork();

const dataMark = 0xf7b;
/** Connections to this port of the server's have another mark. */
export const otherMarkPort = 9;
/** The server does not answer what comes to this port. */
export const silentPort = 7;
/** What the client sends to this port of the router goes to the server. */
export const redirectedPort = 50_000;

// Only the first SYN of a connection is marked, so that what the tracker has forgotten passes no more.
const ruleset = `table inet lab {
  counter there { }
  counter back { }
  counter refused { }
  chain passing {
    type filter hook forward priority filter; policy drop;
    tcp flags & (fin | syn | rst | ack) == syn tcp dport != ${otherMarkPort} ct mark set ${dataMark}
    tcp flags & (fin | syn | rst | ack) == syn tcp dport ${otherMarkPort} ct mark set ${dataMark + 1}
    meta l4proto udp ct mark set ${dataMark}
    ct mark ${dataMark} ct direction original counter name there
    ct mark ${dataMark} ct direction reply counter name back
    ct mark != 0 accept
    counter name refused
  }
  chain translate {
    type nat hook prerouting priority dstnat
    ip daddr 198.51.100.1 tcp dport ${redirectedPort} dnat ip to 10.77.0.2
  }
}
`;

// Beyond the router, so that the router has a flow of it.
const serverRuleset = `table inet lab {
  chain silent {
    type filter hook input priority filter
    tcp dport ${silentPort} drop
  }
}
`;

export interface Pair {
  readonly client: TcpSocket;
  readonly server: TcpSocket;
  readonly flow: FlowTuple;
}

export class FlowScene {
  readonly network: RoutedNetwork;
  readonly poller = new Poller();
  /** All that was told, in order. */
  readonly events: FlowEvent[] = [];
  /** How often events were lost. */
  lost = 0;
  readonly watch: FlowWatch;

  constructor(network: RoutedNetwork) {
    this.network = network;
    network.router.command('nft -f -', ruleset);
    network.server.command('nft -f -', serverRuleset);
    this.watch = this.open();
  }

  /** A watch that tells `events`, or somebody else. */
  open(onFlow: (event: FlowEvent) => void = (event) => this.events.push(event)): FlowWatch {
    return this.network.router.within(() => FlowWatch.open(this.poller, dataMark, onFlow, () => this.lost++));
  }

  listen(family: 4 | 6, port = 0): TcpListener {
    const local = { octets: serverAddress[family], port };
    const listened = this.network.server.within(() =>
      TcpListener.open(this.poller, local, new Recorder(), { backlog: 16 }),
    );
    if (!listened.ok) throw new Error(`${listened.reason.call}: ${listened.reason.code}`);
    return listened.value;
  }

  dial(octets: Uint8Array, port: number): TcpSocket {
    return this.network.client.within(() => dial(this.poller, { octets, port }));
  }

  /** Both ends of a connection through the router, which knows it as one in which octets can flow. */
  connect(family: 4 | 6): Pair {
    const listener = this.listen(family);
    const before = this.events.length;
    const client = this.dial(serverAddress[family], listener.localPort());
    const server = takeConnection(this.poller, listener);
    listener.close();
    turnUntil(this.poller, () => this.events.length > before);
    const flow = this.events.at(-1)!.original;
    this.awaitState(flow, 'established');
    return { client, server, flow };
  }

  /** Turns until the last event says this. */
  awaitLast(kind: FlowEvent['kind'], tcpState: FlowEvent['tcpState']): FlowEvent {
    turnUntil(this.poller, () => this.events.at(-1)?.kind === kind && this.events.at(-1)?.tcpState === tcpState);
    return this.events.at(-1)!;
  }

  /** Asks until the answer is this. */
  awaitState(flow: FlowTuple, tcpState: Flow['tcpState']): Flow {
    let now: Flow | undefined;
    turnUntil(this.poller, () => {
      now = this.watch.ask(flow);
      return now?.tcpState === tcpState;
    });
    return now!;
  }

  /** `kind state` of every event so far. */
  get told(): string[] {
    return this.events.map(({ kind, tcpState }) => `${kind} ${tcpState}`);
  }

  /** Octets that a named counter of the router's has seen. */
  counted(counter: 'there' | 'back' | 'refused'): number {
    const listing = this.network.router.command(`nft list counter inet lab ${counter}`);
    return Number(/bytes (\d+)/.exec(listing)?.[1]);
  }

  close(): void {
    this.watch.close();
    this.poller.close();
  }
}

/** A test with a scene of its own, which must leave as many descriptors open as it found. */
export function flowTest(name: string, body: (scene: FlowScene) => void, { accounting = 1 } = {}): void {
  test(name, { skip }, () => {
    const before = openDescriptors();
    const network = openRoutedNetwork();
    try {
      network.router.sysctl('net/netfilter/nf_conntrack_acct', accounting);
      const scene = new FlowScene(network);
      try {
        body(scene);
      } finally {
        scene.close();
      }
    } finally {
      network.close();
    }
    if (openDescriptors() !== before) throw new Error('descriptors left open');
  });
}
