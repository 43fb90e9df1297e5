// However a client spells a name below a denied folder, on whatever server, the rule that denies it is met.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openAccess } from '../../src/policy/access-rules.ts';
import { parsePathPattern } from '../../src/policy/path-pattern.ts';
import type { Session } from '../../src/session/session.ts';
import { SessionStage } from '../support/session-stage.ts';
import { loggedInSession } from '../support/session-terms.ts';

const name = fc.constantFrom('a', 'b b', 'ä', 'x.txt', '...', '-l');
const folder = fc.array(name, { maxLength: 3 });
/** What stands between two segments and leads nowhere. */
const detour = fc.constantFrom('', './', '/', 'zz/../', './/', 'zz/yy/../../');

interface Spelling {
  readonly directory: readonly string[];
  readonly below: readonly string[];
  readonly absolute: boolean;
  readonly detours: readonly string[];
  readonly letters: 'as-is' | 'upper';
  readonly separator: '/' | '\\';
  readonly tail: '' | '.' | ' ' | '. ' | '::$DATA';
}

const spellings: fc.Arbitrary<Spelling> = fc.record({
  directory: folder,
  below: fc.array(name, { minLength: 1, maxLength: 3 }),
  absolute: fc.boolean(),
  detours: fc.array(detour, { minLength: 6, maxLength: 6 }),
  letters: fc.constantFrom('as-is', 'upper'),
  separator: fc.constantFrom('/', '\\'),
  tail: fc.constantFrom('', '', '.', ' ', '. ', '::$DATA'),
});

function spelled({ directory, below, absolute, detours, letters, separator, tail }: Spelling): string {
  const path = ['secret', ...below].map((segment, at) => `${detours[at] ?? ''}${segment}`).join('/');
  const cased = letters === 'upper' ? path.toUpperCase() : path;
  const whole = absolute ? `/${cased}` : `${'../'.repeat(directory.length)}${cased}`;
  return `${whole}${tail}`.replaceAll('/', separator);
}

/** A session whose rules deny what is below /secret, at a server that says where its client is. */
function session(): Session {
  const begun = loggedInSession({});
  const path = parsePathPattern('/secret/**');
  assert.ok(path.ok);
  const rule = {
    name: 'secret',
    when: { path: [path.value] },
    verdict: 'deny',
    reply: undefined,
    why: undefined,
  } as const;
  const ruleset = { ...begun.terms.ruleset, access: { ...openAccess, rules: [rule], needsPaths: true } };
  return Object.assign(begun, { terms: { ...begun.terms, ruleset } });
}

for (const verb of ['RETR', 'DELE', 'SIZE', 'CWD', 'MLST', 'STOR', 'RNFR'] as const) {
  test(`${verb} of what is below a denied folder never reaches the server`, () => {
    fc.assert(
      fc.property(spellings, (spelling) => {
        const sent: string[] = [];
        const answered: string[] = [];
        const stage = new SessionStage(session(), (action) => {
          if (action.kind === 'send')
            (action.to === 'server' ? sent : answered).push(Buffer.from(action.octets).toString());
        });
        stage.octets('client', Buffer.from(`${verb} ${spelled(spelling)}\r\n`));
        if (sent.length > 0) {
          assert.deepEqual(sent, ['PWD\r\n'], 'nothing but a question');
          stage.octets('server', Buffer.from(`257 "/${spelling.directory.join('/')}" is where you are\r\n`));
        }
        assert.equal(sent.length <= 1, true, sent.join());
        assert.match(answered.join(''), /^55[03] /);
      }),
      { numRuns: 150 },
    );
  });
}
