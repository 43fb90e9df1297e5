import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Action } from '../../../src/session/action.ts';
import type { SessionEvent } from '../../../src/session/event.ts';
import type { Side } from '../../../src/session/expectation.ts';
import { waysInDoubt } from '../../../src/session/in-doubt.ts';
import type { Session } from '../../../src/session/session.ts';
import { LineSplitter } from '../../../src/wire/line-splitter.ts';
import { linesOf } from '../../support/lines.ts';
import { SessionStage } from '../../support/session-stage.ts';
import { loggedInSession } from '../../support/session-terms.ts';

function line(from: Side, text: string): SessionEvent {
  const [line] = linesOf(new LineSplitter(1024), Buffer.from(`${text}\r\n`));
  return { kind: 'line', from, line: line! };
}

const ended: SessionEvent = { kind: 'leg-ended', leg: 'server', how: 'end', reason: 'the server closed' };
const over: SessionEvent = { kind: 'end', outcome: 'drained', reason: 'the time to finish is over' };

type Step = SessionEvent | readonly [Side, string];

/** A session with a transfer under way, as far as the steps say. */
function played(steps: readonly Step[], waysPerSessionMax = 4, onAction: (action: Action) => void = () => {}): Session {
  const stage = new SessionStage(loggedInSession({ limits: { waysPerSessionMax } }), onAction);
  stage.plane = 'kernel';
  stage.octets('client', Buffer.from('PASV\r\n'));
  stage.octets('server', Buffer.from('227 (10,0,0,5,78,52)\r\n'));
  for (const step of steps) {
    if ('kind' in step) stage.event(step);
    else stage.octets(step[0], Buffer.from(`${step[1]}\r\n`));
  }
  return stage.session;
}

/** The looks that the session asks for meanwhile. */
function lookedAt(steps: readonly Step[]): Action[] {
  const looks: Action[] = [];
  played(steps, 4, (action) => {
    if (action.kind === 'look-at-ways') looks.push(action);
  });
  return looks;
}

function afterSteps(...steps: Step[]): (event: SessionEvent) => number[] {
  const session = played(steps);
  return (event) => waysInDoubt(session, event).map(({ id }) => id);
}

const asked = ['client', 'RETR file'] as const;
const arrived: SessionEvent = { kind: 'data-leg-arrived', way: 1, leg: 'client' };
const marked = ['server', '150 here it comes'] as const;
const answered = ['server', '226 done'] as const;

describe('waysInDoubt', () => {
  it('a way to which nobody has come, as far as is known: before it is judged for that, and not otherwise', () => {
    const inDoubt = afterSteps(asked);
    const judging = [line('server', '550 no such file'), ended, over, { kind: 'clock' } as const];
    for (const event of judging) assert.deepEqual(inDoubt(event), [1]);
    for (const event of [line('server', '150 here it comes'), line('server', '226 done'), line('client', 'NOOP')]) {
      assert.deepEqual(inDoubt(event), []);
    }
    assert.deepEqual(afterSteps(asked, answered)(line('client', 'PASV')), [1], 'a set-up would supersede it');
    assert.deepEqual(afterSteps()(line('client', 'PASV')), [1]);
    assert.deepEqual(afterSteps()(line('client', 'RETR file')), []);
  });

  it('while its transfer is under way: for a refusal and whatever ends the session', () => {
    const inDoubt = afterSteps(asked, arrived, marked);
    assert.deepEqual(inDoubt(line('client', 'ABOR')), []);
    assert.deepEqual(inDoubt(line('server', '226 done')), []);
    for (const event of [line('server', '426 aborted'), line('server', '551 broken'), ended, over]) {
      assert.deepEqual(inDoubt(event), [1]);
    }
  });

  it('once its transfer is answered: for what the client says next, too', () => {
    const inDoubt = afterSteps(asked, arrived, marked, answered);
    for (const event of [line('client', 'RETR next'), line('client', 'QUIT'), line('client', ''), ended, over]) {
      assert.deepEqual(inDoubt(event), [1]);
    }
    assert.deepEqual(inDoubt(line('server', '200 ok')), []);
    assert.deepEqual(inDoubt({ kind: 'clock' }), []);
  });

  it('but not for a set-up, which leaves it alone: it is settled once that has been sent', () => {
    const steps = [asked, arrived, marked, answered];
    for (const command of ['PASV', 'epsv', 'PORT 198,51,100,2,156,64', 'EPRT |1|198.51.100.2|40000|']) {
      assert.deepEqual(afterSteps(...steps)(line('client', command)), []);
    }
    assert.deepEqual(lookedAt(steps), []);
    const look = { kind: 'look-at-ways', ways: [1], when: 'after-sending' };
    assert.deepEqual(lookedAt([...steps, ['client', 'PASV']]), [look]);
  });

  it('unless it is in the way of the set-up', () => {
    const session = played([asked, arrived, marked, answered], 1);
    assert.deepEqual(
      waysInDoubt(session, line('client', 'PASV')).map(({ id }) => id),
      [1],
    );
  });

  it('a way that has ended: never again', () => {
    const result = {
      outcome: 'completed',
      reason: 'both ends closed',
      octetsToClient: 1,
      octetsToServer: 0,
      durationMs: 1,
      clientPeer: undefined,
      serverPeer: undefined,
    } as const;
    const inDoubt = afterSteps(asked, arrived, { kind: 'data-path-ended', way: 1, result });
    for (const event of [line('server', '426 aborted'), ended]) assert.deepEqual(inDoubt(event), []);
  });
});
