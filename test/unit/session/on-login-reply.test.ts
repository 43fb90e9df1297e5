import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Action } from '../../../src/session/action.ts';
import { loginNamed, onLoginReply } from '../../../src/session/on-login-reply.ts';
import type { Login } from '../../../src/session/session.ts';
import { greetedSession } from '../../support/session-terms.ts';

const anna: Login = { kind: 'in', user: 'anna', asked: undefined };
const bertAsked: Login = { kind: 'in', user: 'anna', asked: 'bert' };
const bertNamed: Login = { kind: 'named', user: 'bert' };
const bertIn: Login = { kind: 'in', user: 'bert', asked: undefined };

it('USER names somebody; who is in stays in until the server has spoken', () => {
  assert.deepEqual(loginNamed({ kind: 'none' }, 'bert'), bertNamed);
  assert.deepEqual(loginNamed(bertNamed, 'anna'), { kind: 'named', user: 'anna' });
  assert.deepEqual(loginNamed(anna, 'bert'), bertAsked);
});

const table: [
  before: Login,
  verb: 'USER' | 'PASS' | 'ACCT',
  code: number,
  after: Login,
  recorded: string | undefined,
][] = [
  [bertNamed, 'USER', 331, bertNamed, undefined],
  [bertNamed, 'USER', 230, bertIn, 'bert'],
  [bertNamed, 'PASS', 230, bertIn, 'bert'],
  [bertNamed, 'PASS', 202, bertIn, 'bert'],
  [bertNamed, 'PASS', 332, bertNamed, undefined],
  [bertNamed, 'ACCT', 230, bertIn, 'bert'],
  [bertNamed, 'PASS', 530, bertNamed, undefined],
  // 202 to USER would be a server that has no users at all; it asks for no password, but says nothing of a login either.
  [bertNamed, 'USER', 202, bertNamed, undefined],
  [{ kind: 'none' }, 'PASS', 230, { kind: 'in', user: '', asked: undefined }, ''],
  [bertAsked, 'USER', 331, bertNamed, undefined],
  [bertAsked, 'USER', 230, bertIn, 'bert'],
  [bertAsked, 'USER', 530, anna, undefined],
  [anna, 'PASS', 503, anna, undefined],
  [anna, 'PASS', 230, anna, undefined],
];
for (const [before, verb, code, after, recorded] of table)
  it(`${code} to ${verb}: from ${JSON.stringify(before)} to ${JSON.stringify(after)}`, () => {
    const out: Action[] = [];
    const session = onLoginReply({ ...greetedSession({}), login: before }, verb, code, 1_000, out);
    assert.deepEqual(session.login, after);
    const records = recorded === undefined ? [] : [{ kind: 'record', record: { kind: 'login', user: recorded } }];
    assert.deepEqual(out, records);
  });
