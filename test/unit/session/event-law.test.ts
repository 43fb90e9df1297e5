import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance } from '../../../src/session/advance.ts';
import type { SessionEvent } from '../../../src/session/event.ts';
import { IllegalEvent, raceOf, type ToleratedRace } from '../../../src/session/event-law.ts';
import type { Session } from '../../../src/session/session.ts';
import { SessionStage } from '../../support/session-stage.ts';
import { acceptedSession, loggedInSession, serverLocal } from '../../support/session-terms.ts';

const line = (from: 'client' | 'server', text: string): SessionEvent => {
  const octets = Buffer.from(text);
  return { kind: 'line', from, line: { octets, wire: Buffer.from(`${text}\r\n`), fault: undefined } };
};
const connected: SessionEvent = { kind: 'server-connected', local: serverLocal({}) };
const opened: SessionEvent = {
  kind: 'data-path-opened',
  way: 1,
  plane: 'relay',
  ports: { client: 50_000, server: undefined },
  tookMs: 1,
};

/** A session that has lived through this, played in the shell's order. */
function after(session: Session, ...said: readonly ['client' | 'server', string][]): SessionStage {
  const stage = new SessionStage(session, () => {});
  for (const [from, text] of said) stage.octets(from, Buffer.from(`${text}\r\n`));
  return stage;
}

const withWay = (): SessionStage =>
  after(loggedInSession({}), ['client', 'PASV'], ['server', '227 ok (10,0,0,5,78,52)']);

const illegal: readonly [what: string, session: Session, event: SessionEvent][] = [
  ['the server connects twice', loggedInSession({}), connected],
  ['a server that is not connected speaks', acceptedSession({}), line('server', '220 ready')],
  ['a client is read before the greeting', acceptedSession({}), line('client', 'NOOP')],
  [
    'a client is read although the set-up before it is unanswered',
    after(loggedInSession({}), ['client', 'PASV']).session,
    line('client', 'NOOP'),
  ],
  [
    'first octets come after a line',
    loggedInSession({}),
    { kind: 'first-octets', from: 'client', octets: Buffer.from('X') },
  ],
  [
    'a server begins after its greeting',
    loggedInSession({}),
    { kind: 'first-octets', from: 'server', octets: Buffer.from('X') },
  ],
  ['a way is opened that nobody asked for', loggedInSession({}), opened],
  ['a way is open that was never asked for', withWay().session, { kind: 'data-path-joined', way: 7 }],
  ['somebody comes to a way that never was', withWay().session, { kind: 'data-leg-arrived', way: 7, leg: 'client' }],
];

for (const [what, session, event] of illegal) {
  test(`${what}: an assertion`, () => {
    assert.throws(() => advance(session, event, 1), IllegalEvent);
  });
}

const races: readonly [race: ToleratedRace, session: () => Session, event: SessionEvent][] = [
  ['after-the-end', () => ended(loggedInSession({})), line('client', 'NOOP')],
  ['after-the-end', () => ended(acceptedSession({})), connected],
  ['control-after-its-end', () => lingering(), line('server', '200 late')],
  ['control-after-its-end', () => lingering(), { kind: 'leg-ended', leg: 'client', how: 'reset', reason: 'gone' }],
  ['news-of-a-gone-way', () => superseded(), { kind: 'data-path-joined', way: 1 }],
];

function ended(session: Session): Session {
  return advance(session, { kind: 'end', outcome: 'drained', reason: 'over' }, 1).session;
}

function superseded(): Session {
  const stage = withWay();
  stage.octets('client', Buffer.from('PASV\r\n'));
  return stage.session;
}

/** Data flows on, and the client has broken its control connection. */
function lingering(): Session {
  const stage = withWay();
  stage.event({ kind: 'data-leg-arrived', way: 1, leg: 'client' });
  stage.event({ kind: 'data-path-joined', way: 1 });
  stage.event({ kind: 'leg-ended', leg: 'client', how: 'reset', reason: 'gone' });
  assert.equal(stage.session.phase.kind, 'lingering');
  return stage.session;
}

for (const [race, make, event] of races) {
  test(`${race}: ${event.kind} changes nothing`, () => {
    const session = make();
    assert.equal(raceOf(session, event), race);
    assert.deepEqual(advance(session, event, 1), { session, actions: [] });
  });
}
