// Does each thing that is recorded end up in the count that is meant for it?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SessionFacts, sessionFacts } from '../../../src/control/witness.ts';
import { createLog } from '../../../src/observe/log.ts';
import { EngineWitness } from '../../../src/witness/engine-witness.ts';
import { newTally } from '../../../src/witness/verb-tally.ts';

function stage() {
  const tally = newTally();
  const lines: string[] = [];
  const witness = new EngineWitness(tally, (level) => createLog({ level, write: (line) => lines.push(line) }), 'info');
  return { tally, lines, witness };
}

const end = (port: number) => ({ address: { family: 4, text: '192.0.2.7' }, port }) as const;
const facts: SessionFacts = sessionFacts('0-1', 'front', end(4000), end(21));

test('replaced addresses are counted by cause, whether they were an attack or not', () => {
  const { tally, lines, witness } = stage();
  const record = { kind: 'replaced', reason: 'why', target: end(8080) } as const;
  witness.sessionRecord(facts, { ...record, cause: 'unspecified-address', bounce: undefined });
  witness.sessionRecord(facts, { ...record, cause: 'foreign-passive-address', bounce: 'foreign-passive' });
  assert.equal(tally.read('address_replacements_total', 'unspecified-address'), 1);
  assert.equal(tally.read('address_replacements_total', 'foreign-passive-address'), 1);
  assert.equal(tally.read('bounce_attempts_total', 'foreign-passive'), 1);
  assert.match(lines[0] ?? '', /"cause":"unspecified-address"/);
});

test('who comes while the gateway drains is counted as that', () => {
  const { tally, lines, witness } = stage();
  witness.turnedAway('front', end(4000), end(21), 'draining');
  assert.equal(tally.read('sessions_total', 'refused-draining'), 1);
  assert.match(lines[0] ?? '', /"cause":"draining","msg":"session refused"/);
});
