// Laws of data connections: every way that was opened ends exactly once, every transfer that it carried is told exactly
// once, and nothing is left when the session is over.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Action, TransferRecord, WayOutcome } from '../../src/session/action.ts';
import { fuzz } from '../support/fuzz.ts';
import { beginnings, type Move, moves, scenes } from '../support/session-arbitraries.ts';
import { beginLife, endLife, live } from '../support/session-life.ts';
import type { Progress, Scene } from '../support/session-terms.ts';

/** Gives each transfer a name of its own, so that its record can be told from others. */
function withNames(list: readonly Move[]): Move[] {
  return list.map((move, index) => {
    if (move.kind !== 'octets' || !/^(?:RETR|STOR|LIST|APPE|MLSD) /.test(Buffer.from(move.octets).toString()))
      return move;
    const verb = Buffer.from(move.octets.subarray(0, 4)).toString();
    return { ...move, octets: Buffer.from(`${verb} file-${index}\r\n`) };
  });
}

function lifeOf(scene: Scene, beginning: Progress, list: readonly Move[]) {
  const ways = new Map<number, ('opened' | WayOutcome)[]>();
  const transfers: TransferRecord[] = [];
  const carried: string[] = [];
  const onAction = (action: Action) => {
    if (action.kind !== 'record') return;
    const { record } = action;
    if (record.kind === 'transfer') transfers.push(record.transfer);
    if (record.kind === 'way-opened') ways.set(record.way, [...(ways.get(record.way) ?? []), 'opened']);
    if (record.kind === 'way') ways.set(record.way, [...(ways.get(record.way) ?? []), record.outcome]);
  };
  const stage = beginLife(scene, beginning, {
    onAction,
    onStep: ({ before, after }) => {
      for (const way of after.ways) {
        const { transfer } = way;
        const earlier = before.ways.find((each) => each.id === way.id)?.transfer;
        if (transfer !== undefined && transfer.path !== earlier?.path) carried.push(transfer.path);
      }
    },
  });
  live(stage, scene, withNames(list));
  endLife(stage);
  return { stage, ways, transfers, carried };
}

describe('laws of data connections', () => {
  it('every way that was opened ends exactly once, and none is left', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const { stage, ways } = lifeOf(scene, beginning, list);
        for (const [way, outcomes] of ways) {
          const [first, ...rest] = outcomes;
          assert.equal(first, 'opened', `way ${way}: ${outcomes}`);
          assert.equal(rest.filter((outcome) => outcome !== 'used').length, 1, `way ${way}: ${outcomes}`);
          assert.ok(rest.at(-1) !== 'used', `way ${way}: ${outcomes}`);
        }
        assert.deepEqual([stage.session.phase.kind, stage.session.ways, [...stage.ways]], ['closed', [], []]);
      }),
    );
  });

  it('every transfer that a way carried is told exactly once', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const { transfers, carried } = lifeOf(scene, beginning, list);
        const told = transfers.map((transfer) => transfer.path);
        assert.deepEqual(told.toSorted(), carried.toSorted());
      }),
    );
  });

  it('no transfer is told as completed whose data connection failed or whose reply was a refusal', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const { ways, transfers } = lifeOf(scene, beginning, list);
        for (const { way, outcome, replyCode } of transfers) {
          if (outcome !== 'completed') continue;
          assert.ok(replyCode === undefined || replyCode < 400);
          assert.ok(!ways.get(way)?.includes('expired'));
        }
      }),
    );
  });
});
