// Laws of every single step of a session: nothing that a peer, a data connection or the clock does makes it throw, grow
// without bound, act after its end, or miss a deadline.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { advance } from '../../src/session/advance.ts';
import { nextDeadlineMs } from '../../src/session/deadline.ts';
import type { SessionEvent } from '../../src/session/event.ts';
import { IllegalEvent } from '../../src/session/event-law.ts';
import { LineSplitter } from '../../src/wire/line-splitter.ts';
import { fuzz } from '../support/fuzz.ts';
import { linesOf } from '../support/lines.ts';
import { beginnings, moves, scenes, tightLimits } from '../support/session-arbitraries.ts';
import { beginLife, endLife, live } from '../support/session-life.ts';
import { acceptedSession, loggedInSession, serverLocal } from '../support/session-terms.ts';

describe('laws of every step', () => {
  it('an order of events that no shell could bring about is refused by name, and breaks nothing', (t) => {
    const way = fc.integer({ min: 0, max: 4 });
    const octets = fc.oneof(
      moves.map((list) => list.flatMap((move) => (move.kind === 'octets' ? [...move.octets] : []))),
      fc.array(fc.nat({ max: 255 })),
    );
    const lines = fc
      .tuple(fc.constantFrom('client', 'server'), octets)
      .map(([from, all]) =>
        linesOf(new LineSplitter(64), Uint8Array.from(all)).map((line): SessionEvent => ({ kind: 'line', from, line })),
      );
    const local = serverLocal({});
    const ports = fc.constantFrom({ client: 50_000, server: undefined }, { client: undefined, server: 50_001 });
    const other: fc.Arbitrary<SessionEvent> = fc.oneof(
      fc.constantFrom<SessionEvent>({ kind: 'server-connected', local }, { kind: 'clock' }, { kind: 'drain' }),
      fc.record({
        kind: fc.constant('data-path-opened'),
        way,
        plane: fc.constant('relay'),
        ports,
        tookMs: fc.constant(1),
      }),
      fc.record({ kind: fc.constant('data-path-unavailable'), way, reason: fc.constant('none left') }),
      fc.record({ kind: fc.constantFrom('data-path-joined', 'data-path-attempted'), way }),
      fc.record({ kind: fc.constant('data-leg-arrived'), way, leg: fc.constantFrom('client', 'server') }),
    );
    const anything = fc.array(
      fc.oneof(
        lines,
        other.map((event) => [event]),
      ),
      { maxLength: 12 },
    );
    fuzz(
      t,
      fc.property(scenes, fc.boolean(), anything, (scene, begun, events) => {
        let session = begun ? loggedInSession(scene) : acceptedSession(scene);
        events.flat().forEach((event, index) => {
          try {
            session = advance(session, event, index * 1_000).session;
          } catch (error) {
            if (!(error instanceof IllegalEvent)) throw error;
          }
        });
      }),
    );
  });

  it('a way is asked for last of all, nothing is held beyond the limits, and nothing follows the end', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const stage = beginLife({ ...scene, limits: tightLimits }, beginning, {
          onStep: ({ before, after, actions }) => {
            const opened = actions.findIndex((action) => action.kind === 'open-data-path');
            assert.ok(opened < 0 || opened === actions.length - 1, 'its answer comes before any action behind it');
            if (before.phase.kind === 'closed') assert.deepEqual([after, actions], [before, []]);
            assert.ok(after.ways.length <= tightLimits.waysPerSessionMax);
            // As many again may be overdue; a set-up that waits is the one command beyond those in flight.
            assert.ok(after.awaited.length <= 2 * tightLimits.commandsInFlightMax + 1);
            const { lines = 0, octets = 0 } = after.collected ?? {};
            assert.ok(lines <= tightLimits.replyLinesMax);
            assert.ok(octets <= tightLimits.replyOctetsMax, `${octets} octets are collected`);
          },
        });
        live(stage, scene, list);
        endLife(stage);
        assert.equal(stage.session.phase.kind, 'closed');
        live(stage, scene, list);
      }),
    );
  });

  it('the clock does nothing before the deadline, and leaves no deadline behind that has passed', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, fc.nat({ max: 1_000_000 }), (scene, beginning, list, ms) => {
        const stage = beginLife(scene, beginning, {});
        live(stage, scene, list);
        const due = nextDeadlineMs(stage.session);
        const now = stage.nowMs + ms;
        const step = advance(stage.session, { kind: 'clock' }, now);
        if (now < due) assert.deepEqual([step.session, step.actions], [stage.session, []]);
        else {
          stage.nowMs = now;
          stage.event({ kind: 'clock' });
          assert.ok(nextDeadlineMs(stage.session) > now);
        }
      }),
    );
  });
});
