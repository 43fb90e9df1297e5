import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advance } from '../../../src/session/advance.ts';
import { nextDeadlineMs } from '../../../src/session/deadline.ts';
import type { SessionEvent } from '../../../src/session/event.ts';
import { SessionStage } from '../../support/session-stage.ts';
import { acceptedSession, greetedSession, loggedInSession, serverLocal } from '../../support/session-terms.ts';

const limits = {
  connectTimeoutMs: 10,
  greetingTimeoutMs: 20,
  loginTimeoutMs: 30,
  idleTimeoutMs: 1_000,
  expectationTimeoutMs: 50,
};
const scene = { limits };

/** A logged-in session with a way that the client may use. */
function withWay(): SessionStage {
  const stage = new SessionStage(loggedInSession(scene), () => {});
  stage.octets('client', Buffer.from('PASV\r\n'));
  stage.octets('server', Buffer.from('227 (10,0,0,5,78,52)\r\n'));
  return stage;
}

function after(stage: SessionStage, nowMs: number, ...events: SessionEvent[]): number {
  stage.nowMs = nowMs;
  for (const event of events) stage.event(event);
  return nextDeadlineMs(stage.session);
}

describe('nextDeadlineMs', () => {
  it('before the server is connected: the dial', () => assert.equal(nextDeadlineMs(acceptedSession(scene)), 10));

  it('before the greeting: the greeting, counted from the accept', () => {
    const { session } = advance(acceptedSession(scene), { kind: 'server-connected', local: serverLocal(scene) }, 7);
    assert.equal(nextDeadlineMs(session), 20);
  });

  it('before the login: the login, counted from the greeting', () => {
    assert.equal(nextDeadlineMs(greetedSession(scene)), 30);
  });

  it('after the login: idleness, counted from the last line or the end of the data', () => {
    const stage = new SessionStage(loggedInSession(scene), () => {});
    assert.equal(nextDeadlineMs(stage.session), 1_000);
    stage.nowMs = 400;
    stage.octets('client', Buffer.from('NOOP\r\n'));
    assert.equal(nextDeadlineMs(stage.session), 1_400);
    stage.nowMs = 500;
    stage.octets('server', Buffer.from('200 ok\r\n'));
    assert.equal(nextDeadlineMs(stage.session), 1_500);
  });

  it('an open way: its own time, until it is used', () => {
    const stage = withWay();
    assert.equal(nextDeadlineMs(stage.session), 50);
    assert.equal(after(stage, 20, { kind: 'stranger', way: 1, leg: 'client', peer: serverLocal(scene) }), 50);
    assert.equal(after(stage, 40, { kind: 'data-leg-arrived', way: 1, leg: 'client' }), Number.POSITIVE_INFINITY);
  });

  it('a way to which somebody connects while its time runs out: as much again, a few times, and in time never', () => {
    const stage = withWay();
    const attempted: SessionEvent = { kind: 'data-path-attempted', way: 1 };
    assert.equal(after(stage, 49, attempted), 50);
    for (const [nowMs, dueMs] of [
      [50, 100],
      [100, 150],
      [151, 201],
      [201, 251],
      [251, 251],
    ] as const) {
      assert.equal(after(stage, nowMs, attempted), dueMs);
    }
    stage.event({ kind: 'clock' });
    assert.equal(stage.session.ways.length, 0);
  });

  it('none of its own while a transfer waits for it', () => {
    const stage = withWay();
    stage.octets('client', Buffer.from('RETR file\r\n'));
    assert.equal(nextDeadlineMs(stage.session), 1_000, 'that of the session');
  });

  it('none while data flows; idleness again when it has ended', () => {
    const stage = withWay();
    const joined: SessionEvent = { kind: 'data-path-joined', way: 1 };
    assert.equal(
      after(stage, 45, { kind: 'data-leg-arrived', way: 1, leg: 'client' }, joined),
      Number.POSITIVE_INFINITY,
    );
    const octets = {
      octetsToClient: 1,
      octetsToServer: 0,
      durationMs: 1,
      clientPeer: undefined,
      serverPeer: undefined,
    };
    const result = { outcome: 'completed', reason: 'over', ...octets } as const;
    assert.equal(after(stage, 9_000, { kind: 'data-path-ended', way: 1, result }), 10_000);
  });

  it('none once the session is over', () => {
    const stage = withWay();
    const end: SessionEvent = { kind: 'end', outcome: 'drained', reason: 'over' };
    assert.equal(after(stage, 1, end), Number.POSITIVE_INFINITY);
  });
});
