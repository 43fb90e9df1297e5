// What becomes of clients that have connected and were not taken yet, when their listener opens, closes, or leaves?

import assert from 'node:assert/strict';
import { addressFromOctets } from '../../../src/address/endpoint.ts';
import { type DoorTerms, FrontDoor } from '../../../src/control/front-door.ts';
import { newQuotaMemory, SessionQuota } from '../../../src/control/session-quota.ts';
import { Turns } from '../../../src/control/turns.ts';
import type { TurnedAway, Witness } from '../../../src/control/witness.ts';
import type { DataPath } from '../../../src/datapath/data-path.ts';
import type { SessionRecord } from '../../../src/session/action.ts';
import { defaultLimits } from '../../../src/session/limits.ts';
import type { Poller } from '../../../src/sys/poller.ts';
import { TcpListener } from '../../../src/sys/tcp-listener.ts';
import { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { noTls } from '../../support/no-tls.ts';
import { listen, loopback4, nextAccepted, Recorder, socketTest, turnUntil } from '../sys/loopback.ts';
import { boundless } from './client-bounds.ts';
import { Talker } from './session-bench.ts';

class CountingWitness implements Witness {
  started = 0;
  over = 0;
  readonly away: TurnedAway[] = [];
  readonly records: SessionRecord[] = [];

  sessionStarted(): void {
    this.started += 1;
  }

  sessionRecord(_: unknown, record: SessionRecord): void {
    this.records.push(record);
  }

  sessionOver(): void {
    this.over += 1;
  }

  turnedAway(_listener: string, _client: unknown, _dialled: unknown, why: TurnedAway): void {
    this.away.push(why);
  }

  controlOctets(): void {}

  internalError(_: unknown, error: unknown): void {
    throw error;
  }
}

// No data connection comes into these tests.
const noDataPath = {} as DataPath;

function stage(poller: Poller) {
  const witness = new CountingWitness();
  const server = listen(poller);
  const serverPeer = { address: addressFromOctets(loopback4), port: server.localPort() };
  const free = listen(poller);
  const port = free.localPort();
  free.close();
  const terms: DoorTerms = {
    destinationOf: () => ({ ok: true, value: serverPeer }),
    security: undefined,
    passiveRanges: undefined,
    serverDial: () => ({ purpose: 'control' }),
    session: { limits: defaultLimits, tls: noTls } as DoorTerms['session'],
    dscp: undefined,
    dataPath: noDataPath,
    sessionsMax: 10,
    client: boundless,
  };
  let made = 0;
  const opening = FrontDoor.open(
    'front',
    { address: addressFromOctets(loopback4), port },
    { sharePort: false, transparent: false },
    terms,
    {
      poller,
      witness,
      quota: new SessionQuota(newQuotaMemory(10)),
      turns: new Turns(poller),
      upstream: () => ({ dialect: { epsv: 'unknown', eprt: 'unknown' } }),
      nextSessionId: () => `0-${++made}`,
    },
  );
  assert.ok(opening.ok);
  const door = opening.value;
  const connect = (): Talker => {
    const talker = new Talker();
    const dialled = TcpSocket.dial(poller, { octets: loopback4, port }, talker);
    assert.ok(dialled.ok);
    talker.socket = dialled.value;
    return talker;
  };
  const end = (...talkers: Talker[]) => {
    for (const talker of talkers) talker.socket?.close();
    door.tellAll({ kind: 'end', outcome: 'drained', reason: 'the test is over' });
    turnUntil(poller, () => door.sessionCount === 0);
    server.close();
  };
  return { door, witness, connect, end };
}

const farewell = '421 The gateway is going down for maintenance; try again later.\r\n';

socketTest('who connects before the door is open to all waits, and is let in then', (poller) => {
  const { door, witness, connect, end } = stage(poller);
  const early = connect();
  poller.turn(0);
  poller.turn(0);
  assert.equal(witness.started, 0);
  door.welcome();
  turnUntil(poller, () => witness.started === 1);
  door.close();
  end(early);
});

socketTest('a door that closes lets in who has connected before; nobody is reset', (poller) => {
  const { door, witness, connect, end } = stage(poller);
  door.welcome();
  const waiting = [connect(), connect(), connect()];
  door.closeBehindWaiting();
  assert.equal(witness.started, 3);
  const late = connect();
  turnUntil(poller, () => late.ending === 'failure');
  assert.ok(waiting.every(({ ending }) => ending === 'none'));
  end(late, ...waiting);
});

socketTest('one that leaves says so to all who wait, more than one turn would take, and counts them', (poller) => {
  const { door, witness, connect, end } = stage(poller);
  door.welcome();
  const waiting = Array.from({ length: 100 }, connect);
  door.sendAwayAll();
  door.closeBehindWaiting();
  turnUntil(poller, () => waiting.every(({ ending }) => ending !== 'none'));
  for (const { text, ending } of waiting) assert.deepEqual([text, ending], [farewell, 'end']);
  assert.deepEqual(
    witness.away,
    Array.from({ length: 100 }, () => 'draining'),
  );
  assert.equal(witness.started, 0);
  end(...waiting);
});

socketTest('one that leaves and stays open says so to whoever comes', (poller) => {
  const { door, witness, connect, end } = stage(poller);
  door.welcome();
  const before = connect();
  turnUntil(poller, () => witness.started === 1);
  door.sendAwayAll();
  const late = connect();
  turnUntil(poller, () => late.ending !== 'none');
  assert.deepEqual([late.text, late.ending, before.ending], [farewell, 'end', 'none']);
  door.close();
  end(late, before);
});

socketTest('two doors may have one port while one of them takes the place of the other', (poller) => {
  const [first, second] = [listen(poller), new Recorder()];
  const local = { octets: new Uint8Array(4), port: first.localPort() };
  const options = { backlog: 16, sharePort: true };
  const alone = TcpListener.open(poller, local, second, options);
  assert.deepEqual(alone, { ok: false, reason: { call: 'bind', code: 'EADDRINUSE' } });
  first.sharePort();
  const opened = TcpListener.open(poller, local, second, options);
  assert.ok(opened.ok);
  first.close();
  const client = new Talker();
  const dialled = TcpSocket.dial(poller, { octets: loopback4, port: local.port }, client);
  assert.ok(dialled.ok);
  client.socket = dialled.value;
  const { fd } = nextAccepted(poller, opened.value);
  TcpSocket.accepted(poller, fd, new Recorder()).close();
  opened.value.close();
  client.socket.close();
});
