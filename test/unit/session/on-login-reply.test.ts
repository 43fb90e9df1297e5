import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Action } from '../../../src/session/action.ts';
import type { AwaitedFromServer } from '../../../src/session/awaited-replies.ts';
import { onLoginReply } from '../../../src/session/on-login-reply.ts';
import type { Login } from '../../../src/session/session.ts';
import { greetedSession } from '../../support/session-terms.ts';

const nobody: Login = { kind: 'none' };
const anna: Login = { kind: 'in', user: 'anna' };
const bertNamed: Login = { kind: 'named', user: 'bert' };
const bertIn: Login = { kind: 'in', user: 'bert' };

/** `USER bert`, as it waits for its reply. */
function asked(text: string): AwaitedFromServer {
  const [verb = '', user] = text.split(' ');
  return {
    kind: 'server',
    asker: 'client',
    verb,
    way: undefined,
    setUp: undefined,
    user,
    protection: undefined,
    progress: 'asked',
    answer: 'certain',
  };
}

const table: [before: Login, command: string, code: number, after: Login, recorded: string | undefined][] = [
  [nobody, 'USER bert', 331, bertNamed, undefined],
  [nobody, 'USER bert', 332, bertNamed, undefined],
  [nobody, 'USER bert', 530, nobody, undefined],
  // Whatever is positive lets in.
  [nobody, 'USER bert', 230, bertIn, 'bert'],
  [nobody, 'USER bert', 200, bertIn, 'bert'],
  [nobody, 'USER bert', 202, bertIn, 'bert'],
  [bertNamed, 'PASS', 230, bertIn, 'bert'],
  [bertNamed, 'PASS', 202, bertIn, 'bert'],
  [bertNamed, 'PASS', 220, bertIn, 'bert'],
  [bertNamed, 'PASS', 200, bertIn, 'bert'],
  [bertNamed, 'PASS', 332, bertNamed, undefined],
  [bertNamed, 'ACCT', 230, bertIn, 'bert'],
  [bertNamed, 'ACCT', 200, bertIn, 'bert'],
  [bertNamed, 'PASS', 530, bertNamed, undefined],
  [nobody, 'PASS', 230, { kind: 'in', user: '' }, ''],
  // Who is in stays in until the server has spoken.
  [anna, 'USER bert', 331, bertNamed, undefined],
  [anna, 'USER bert', 230, bertIn, 'bert'],
  [anna, 'USER bert', 530, anna, undefined],
  [anna, 'PASS', 503, anna, undefined],
  [anna, 'PASS', 230, anna, undefined],
];
for (const [before, command, code, after, recorded] of table)
  it(`${code} to ${command}: from ${JSON.stringify(before)} to ${JSON.stringify(after)}`, () => {
    const out: Action[] = [];
    const session = onLoginReply({ ...greetedSession({}), login: before }, asked(command), code, out);
    assert.deepEqual(session.login, after);
    const records = recorded === undefined ? [] : [{ kind: 'record', record: { kind: 'login', user: recorded } }];
    assert.deepEqual(out, records);
  });
