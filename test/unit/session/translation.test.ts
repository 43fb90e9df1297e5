// What ALGS tells where the rules refuse one of the verbs that would be translated; all else is in transcript/algs.txt.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advance } from '../../../src/session/advance.ts';
import { changed, type Session } from '../../../src/session/session.ts';
import { LineSplitter } from '../../../src/wire/line-splitter.ts';
import { octetsOf, textOf } from '../../support/escaped-text.ts';
import { linesOf } from '../../support/lines.ts';
import { loggedInSession } from '../../support/session-terms.ts';

const scene = { client: '2001:db8::2', gateway: '2001:db8::10', server: '10.0.0.5' };

function refusing(...refuse: string[]): Session {
  const session = loggedInSession(scene);
  const { ruleset } = session.terms;
  const verbs = { ...ruleset.verbs, refuse: new Set(refuse) };
  return changed(session, { terms: { ...session.terms, ruleset: { ...ruleset, verbs } } });
}

function answer(session: Session, command: string): string[] {
  const [line] = linesOf(new LineSplitter(1024), octetsOf(`${command}\\r\\n`));
  const { actions } = advance(session, { kind: 'line', from: 'client', line: line! }, 0);
  return actions.flatMap((action) => (action.kind === 'send' ? [`${action.to}: ${textOf(action.octets)}`] : []));
}

describe('ALGS STATUS64 where the rules refuse', () => {
  for (const [refused, status] of [
    [[], '216 EPSVEPRT'],
    [['EPRT'], '216 EPSV'],
    [['EPSV'], '216 NONE'],
    [['EPSV', 'EPRT'], '216 NONE'],
    [['ALGS'], '502 Command not allowed by the gateway.'],
  ] as const) {
    it(`${refused.join(' and ') || 'nothing'}: ${status}`, () => {
      assert.deepEqual(answer(refusing(...refused), 'ALGS STATUS64'), [`client: ${status}\\r\\n`]);
    });
  }
});
