// The ledger hears what a session records, so here a real session plays to it; only the sockets are left out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionFacts } from '../../../src/control/witness.ts';
import type { DataResult } from '../../../src/session/expectation.ts';
import { WayLedger } from '../../../src/witness/way-ledger.ts';
import { SessionStage } from '../../support/session-stage.ts';
import { loggedInSession, type Scene } from '../../support/session-terms.ts';

const begin = Date.parse('2026-01-02T03:04:05.000Z');

class Player {
  nowMs = begin;
  readonly ledger = new WayLedger(() => this.nowMs);

  session(id: string, scene: Scene = {}) {
    const session = loggedInSession(scene);
    const { clientPeer, serverPeer } = session.terms;
    const facts = sessionFacts(id, 'front', clientPeer, serverPeer);
    const stage = new SessionStage(session, (action) => {
      if (action.kind !== 'record') return;
      if (action.record.kind === 'way-opened') this.ledger.opened(facts, action.record);
      if (action.record.kind === 'way') this.ledger.changed(facts, action.record);
    });
    const say = (from: 'client' | 'server', line: string) => stage.octets(from, Buffer.from(`${line}\r\n`));
    const passive = () => {
      say('client', 'PASV');
      say('server', '227 Entering Passive Mode (10,0,0,5,78,52)');
    };
    return { stage, facts, say, passive };
  }

  states(): string[] {
    return this.ledger.list().map(({ state }) => state);
  }
}

const result: DataResult = {
  outcome: 'completed',
  reason: 'both ends closed',
  octetsToClient: 1234,
  octetsToServer: 0,
  durationMs: 7,
  clientPeer: { address: { family: 4, text: '198.51.100.2' }, port: 40_002 },
  serverPeer: { address: { family: 4, text: '10.0.0.5' }, port: 20_020 },
};

test('a passive way from its 227 to its end', () => {
  const player = new Player();
  const { stage, say, passive } = player.session('0-1');
  passive();
  const opened = {
    session: '0-1',
    listener: 'front',
    client: '198.51.100.2:40001',
    server: '10.0.0.5:21',
    way: 1,
    plane: 'relay',
    asked: 'PASV',
    toServer: 'PASV',
    clientLeg: { mode: 'listen', local: '203.0.113.10:50000', remote: null, admits: ['198.51.100.2'] },
    serverLeg: { mode: 'dial', local: null, remote: '10.0.0.5:20020', admits: [] },
    state: 'open',
    reason: null,
    openedAt: '2026-01-02T03:04:05.000Z',
    usedAt: null,
    endedAt: null,
    octetsToClient: null,
    octetsToServer: null,
  };
  assert.deepEqual(player.ledger.list(), [opened]);

  player.nowMs += 1000;
  stage.event({ kind: 'data-leg-arrived', way: 1, leg: 'client' });
  stage.event({ kind: 'data-path-joined', way: 1 });
  const used = { ...opened, state: 'used', usedAt: '2026-01-02T03:04:06.000Z' };
  assert.deepEqual(player.ledger.list(), [used]);

  player.nowMs += 1000;
  say('client', 'RETR file');
  stage.event({ kind: 'data-path-ended', way: 1, result });
  assert.deepEqual(player.ledger.list(), [
    {
      ...used,
      state: 'completed',
      reason: 'both ends closed',
      endedAt: '2026-01-02T03:04:07.000Z',
      clientLeg: { ...opened.clientLeg, remote: '198.51.100.2:40002' },
      octetsToClient: 1234,
      octetsToServer: 0,
    },
  ]);
});

test('an active way put to the server as passive: both verbs, and from where the client is dialled', () => {
  const player = new Player();
  const { say, stage } = player.session('0-1', { serverMode: 'passive', activeSourcePort: 20 });
  say('client', 'PORT 198,51,100,2,156,64');
  say('server', '227 Entering Passive Mode (10,0,0,5,78,52)');
  const [entry] = player.ledger.list();
  assert.deepEqual([entry?.asked, entry?.toServer], ['PORT', 'PASV']);
  assert.deepEqual(entry?.clientLeg, {
    mode: 'dial',
    local: '203.0.113.10:20',
    remote: '198.51.100.2:40000',
    admits: [],
  });
  say('client', 'RETR file');
  say('server', '150 here it comes');
  assert.equal(player.ledger.list()[0]?.state, 'open', 'nobody has come yet: both are dialled');
  stage.event({ kind: 'data-path-joined', way: 1 });
  assert.equal(player.ledger.list()[0]?.state, 'used');
});

test('a listening leg on IPv6, and the networks of another server (FXP) that it also admits', () => {
  const player = new Player();
  const scene = { client: '2001:db8::2', gateway: '2001:db8::1', server: '2001:db8:1::5', inside: '2001:db8:1::1' };
  const { say } = player.session('0-1', { ...scene, fxp: '2001:db8:1::5+2001:db8:2::/48' });
  say('client', 'EPSV');
  say('server', '229 Entering Extended Passive Mode (|||20020|)');
  const leg = player.ledger.list()[0]?.clientLeg;
  assert.equal(leg?.local, '[2001:db8::1]:50000');
  assert.deepEqual(leg?.admits, ['2001:db8::2', '2001:db8:2::/48']);
});

test('ways that end unused say why; one that the server refuses and asks for anew is two', () => {
  const player = new Player();
  const first = player.session('0-1');
  first.passive();
  first.passive();
  first.stage.nowMs += 60_000;
  first.stage.event({ kind: 'clock' });
  const second = player.session('0-2');
  second.say('client', 'EPRT |1|198.51.100.2|40000|');
  second.say('server', '500 What?');
  const found = player.ledger.list().map(({ session, way, state, reason, toServer }) => ({
    ...{ way: `${session}/${way}`, state, reason, toServer },
  }));
  assert.deepEqual(found, [
    { way: '0-2/2', state: 'open', reason: null, toServer: 'PORT' },
    { way: '0-1/1', state: 'superseded', reason: 'a new set-up took its place', toServer: 'PASV' },
    { way: '0-1/2', state: 'expired', reason: 'no data connection came in time', toServer: 'PASV' },
    { way: '0-2/1', state: 'refused', reason: 'the server refused the set-up', toServer: 'EPRT' },
  ]);
});

test('several ways of one session end in any order', () => {
  const player = new Player();
  const { stage, say, passive } = player.session('0-1');
  for (const way of [1, 2, 3]) {
    passive();
    stage.event({ kind: 'data-leg-arrived', way, leg: 'client' });
    stage.event({ kind: 'data-path-joined', way });
    say('client', `RETR file-${way}`);
    say('server', '150 Here it comes.');
    say('server', '226 Done.');
  }
  const end = (way: number, outcome: 'completed' | 'failed') =>
    stage.event({ kind: 'data-path-ended', way, result: { ...result, outcome } });
  end(2, 'failed');
  assert.deepEqual(
    player.ledger.list().map(({ way, state }) => [way, state]),
    [
      [1, 'used'],
      [3, 'used'],
      [2, 'failed'],
    ],
  );
  end(3, 'completed');
  end(1, 'completed');
  assert.deepEqual(
    player.ledger.list().map(({ way, state }) => [way, state]),
    [
      [2, 'failed'],
      [3, 'completed'],
      [1, 'completed'],
    ],
  );
});

const endedWaysMax = 256;

test('what has ended is kept to a bound, the last of it; what lives is kept whatever ended since', () => {
  const player = new Player();
  player.session('living').passive();
  for (let count = 1; count <= endedWaysMax + 10; count += 1) {
    const { stage, facts, passive } = player.session(`0-${count}`);
    passive();
    stage.event({ kind: 'end', outcome: 'drained', reason: 'the test goes on' });
    player.ledger.sessionOver(facts);
  }
  const list = player.ledger.list();
  assert.equal(list.length, 1 + endedWaysMax);
  const sessions = new Set(list.map(({ session }) => session));
  assert.ok(sessions.has('living') && sessions.has('0-11') && !sessions.has('0-10'));
});

test('a session that an error of ours ended leaves no way behind', () => {
  const player = new Player();
  const { facts, passive } = player.session('0-1');
  passive();
  player.ledger.sessionOver(facts);
  assert.deepEqual(player.states(), ['session-closed']);
  player.ledger.sessionOver(facts);
  assert.deepEqual(player.states(), ['session-closed']);
});
