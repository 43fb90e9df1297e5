// Does anything pass through a leg that is to be under TLS before it is? The two legs come up, and the transfer is
// asked for, in any order; what the gateway settles takes effect only behind the call that settled it.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import { addressFromOctets } from '../../../src/address/endpoint.ts';
import type { Securing, WayOwner } from '../../../src/datapath/data-path.ts';
import { PortPool } from '../../../src/datapath/port-pool.ts';
import { RelayWay } from '../../../src/datapath/relay-way.ts';
import type { DataResult, Expectation, Side } from '../../../src/session/expectation.ts';
import type { Poller } from '../../../src/sys/poller.ts';
import { PipePool } from '../../../src/sys/splice-pipe.ts';
import { TlsStream } from '../../../src/sys/tls-stream.ts';
import { ascii, dial, loopback4, Recorder, socketTest, turnUntil } from '../sys/loopback.ts';
import { accepting, connecting, End, readAll } from '../sys/tls-pair.ts';

const address = addressFromOctets(loopback4);
const leg = { mode: 'listen', local: address, admits: address, admitsToo: [] } as const;
const expectation: Expectation = { way: 1, client: leg, server: leg, tls: 'by-transfer' };
const underTls: Securing = (carrier) => new TlsStream(carrier, accepting);

class Owner implements WayOwner {
  readonly holder = 1;
  readonly arrived: Side[] = [];
  joined = 0;
  result: DataResult | undefined;

  onArrived(_way: number, side: Side): void {
    this.arrived.push(side);
  }

  onStranger(): void {
    assert.fail('nobody else is here');
  }

  onJoined(): void {
    this.joined += 1;
  }

  onEnded(_way: number, result: DataResult): void {
    this.result = result;
  }
}

const pipes = new PipePool();
after(() => pipes.close());

/** A way whose deferred calls are made when the test says so: the latest moment that is possible. */
function openLate(poller: Poller): {
  way: RelayWay;
  owner: Owner;
  pool: PortPool;
  ports: Record<Side, number>;
  catchUp: () => void;
} {
  const late: (() => void)[] = [];
  const lateInDeferring: Poller = Object.create(poller, { defer: { value: (task: () => void) => late.push(task) } });
  const owner = new Owner();
  const times = { joinTimeoutMs: 60_000, dataIdleTimeoutMs: 60_000 };
  const pool = new PortPool([{ from: 47_100, to: 47_199 }]);
  const way = new RelayWay(expectation, { poller: lateInDeferring, pipes, ports: pool, times }, owner);
  const opened = way.open();
  assert.ok(opened.ok);
  const { client, server } = opened.value;
  const catchUp = (): void => {
    for (const task of late.splice(0)) task();
  };
  return { way, owner, pool, ports: { client: client!, server: server! }, catchUp };
}

const clearLegs: readonly Side[] = ['client', 'server'];

for (const clear of clearLegs) {
  const secured = clear === 'client' ? 'server' : 'client';
  socketTest(`nothing from a ${clear} in the clear passes before the ${secured} leg is under TLS`, (poller) => {
    const { way, owner, pool, ports, catchUp } = openLate(poller);
    const there = new End();
    const under = dial(poller, { octets: loopback4, port: ports[secured] }, there);
    turnUntil(poller, () => owner.arrived.includes(secured));
    way.protect({ client: underTls, server: underTls, [clear]: undefined });
    // The other leg comes up when everything is settled and nothing has been done about it yet.
    const plain = dial(poller, { octets: loopback4, port: ports[clear] }, new Recorder());
    plain.send(ascii('secret'));
    // A leg that is up needs its port no longer.
    turnUntil(poller, () => pool.inUse === 0);
    assert.equal(owner.joined, 0);
    catchUp();
    const tls = new TlsStream(under, connecting);
    there.stream = tls;
    turnUntil(poller, () => tls.handshake() === 'up');
    turnUntil(poller, () => owner.joined === 1);
    plain.endWriting();
    const read = readAll(poller, tls);
    assert.equal(new TextDecoder().decode(read.octets), 'secret');
    for (const end of [tls, plain]) end.close();
    turnUntil(poller, () => owner.result !== undefined);
    assert.equal(owner.result?.outcome, 'completed');
  });
}
