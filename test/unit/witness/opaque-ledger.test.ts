import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, parseAddress } from '../../../src/address/endpoint.ts';
import { sessionFacts } from '../../../src/control/witness.ts';
import { OpaqueLedger, printPorts } from '../../../src/witness/opaque-ledger.ts';

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

const range = {
  client: address('2001:db8::2'),
  announced: address('2001:db8::1'),
  server: address('2001:db8:1::5'),
  source: address('2001:db8:1::1'),
  ports: { from: 40_000, to: 40_099 },
};

test('a session that is passed through is listed with all that passes for it, until it ends', () => {
  const ledger = new OpaqueLedger(() => Date.parse('2026-01-02T03:04:05.000Z'));
  const facts = sessionFacts(
    '0-1',
    'front',
    { address: range.client, port: 40_001 },
    { address: range.server, port: 21 },
  );
  assert.equal(ledger.ended(facts), false);
  ledger.begun(facts, range);
  assert.deepEqual(ledger.list(), [
    {
      session: '0-1',
      listener: 'front',
      client: '[2001:db8::2]:40001',
      server: '[2001:db8:1::5]:21',
      way: 0,
      plane: 'kernel',
      asked: 'AUTH',
      toServer: 'AUTH',
      clientLeg: { mode: 'listen', local: '[2001:db8::1]:40000-40099', remote: null, admits: ['2001:db8::2'] },
      serverLeg: { mode: 'dial', local: '2001:db8:1::1', remote: '[2001:db8:1::5]:40000-40099', admits: [] },
      state: 'open',
      reason: null,
      openedAt: '2026-01-02T03:04:05.000Z',
      usedAt: null,
      endedAt: null,
      octetsToClient: null,
      octetsToServer: null,
    },
  ]);
  assert.equal(printPorts(range.ports), '40000-40099');
  assert.equal(ledger.ended(facts), true);
  assert.deepEqual(ledger.list(), []);
});
