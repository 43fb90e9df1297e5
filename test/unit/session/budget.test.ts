import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from '../../../src/session/action.ts';
import { advance } from '../../../src/session/advance.ts';
import { defaultLimits } from '../../../src/session/limits.ts';
import type { Session } from '../../../src/session/session.ts';
import { LineSplitter } from '../../../src/wire/line-splitter.ts';
import { linesOf } from '../../support/lines.ts';
import { acceptedSession, greetedSession, loggedInSession, serverLocal } from '../../support/session-terms.ts';

const limits = { ...defaultLimits, refusedCommandsMax: 40 };

interface Heard {
  readonly session: Session;
  readonly actions: readonly Action[];
}

/** The session after so many lines like this, all at one time. */
function hear(session: Session, from: 'client' | 'server', text: string, times: number, nowMs = 0): Heard {
  let next = session;
  const actions: Action[] = [];
  for (let count = 0; count < times; count++) {
    const [line] = linesOf(new LineSplitter(4096), Buffer.from(text, 'latin1'));
    const step = advance(next, { kind: 'line', from, line: line! }, nowMs);
    next = step.session;
    actions.push(...step.actions);
  }
  return { session: next, actions };
}

function endsWith421(actions: readonly Action[]): boolean {
  const ends = actions.filter((action) => action.kind === 'record' && action.record.kind === 'session-ended');
  const told = actions.some(
    (action) => action.kind === 'send' && Buffer.from(action.octets).toString().startsWith('421 '),
  );
  if (ends.length === 0) return false;
  assert.deepEqual(
    ends.map((action) => action.kind === 'record' && action.record.kind === 'session-ended' && action.record.outcome),
    ['budget-spent'],
  );
  return told;
}

describe('the budget of lines that lead nowhere', () => {
  const inVain = {
    'an empty line': '\n',
    'an unknown verb': 'XYZZY\r\n',
    blanks: '   \r\n',
    'a bare CR': 'NOOP\rx\r\n',
  };
  for (const [name, text] of Object.entries({ ...inVain, 'Telnet alone': '\xff\xf1\r\n' })) {
    it(`${name}, again and again: 421 after 40 of a user, after 10 of a stranger`, () => {
      assert.equal(endsWith421(hear(loggedInSession({ limits }), 'client', text, 40).actions), false);
      assert.equal(endsWith421(hear(loggedInSession({ limits }), 'client', text, 41).actions), true);
      assert.equal(endsWith421(hear(greetedSession({ limits }), 'client', text, 10).actions), false);
      assert.equal(endsWith421(hear(greetedSession({ limits }), 'client', text, 11).actions), true);
    });
  }

  it('a second gives one back, and never more than there were', () => {
    const spent = hear(loggedInSession({ limits }), 'client', '\n', 40).session;
    const rested = hear(spent, 'client', '\n', 5, 5_000);
    assert.equal(endsWith421(rested.actions), false);
    assert.equal(endsWith421(hear(rested.session, 'client', '\n', 1, 5_000).actions), true);
    const longRested = hear(spent, 'client', '\n', 41, 500_000);
    assert.equal(endsWith421(longRested.actions), true);
  });

  it('a mirror tool that is refused one command for each file is not ended', () => {
    let session = loggedInSession({ limits });
    for (let file = 0; file < 1000; file++) {
      session = hear(session, 'client', 'SIZE file\r\n', 1).session;
      session = hear(session, 'server', '213 1\r\n', 1).session;
      const refused = hear(session, 'client', 'XYZZY\r\n', 1);
      assert.equal(endsWith421(refused.actions), false);
      session = refused.session;
    }
  });

  it('a server that announces a delay without end gets its session ended', () => {
    const { session } = advance(acceptedSession({ limits }), { kind: 'server-connected', local: serverLocal({}) }, 0);
    assert.equal(endsWith421(hear(session, 'server', '120 Wait.\r\n', 10).actions), false);
    assert.equal(endsWith421(hear(session, 'server', '120 Wait.\r\n', 11).actions), true);
  });
});
