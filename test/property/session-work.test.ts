// Law of work: no step of a session costs more than its own input and a constant. What a step makes anew is counted,
// lists by their length and what is sent by its octets, and the sum over a conversation may grow with its lines, never
// with their square.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { defaultLimits } from '../../src/session/limits.ts';
import type { Session } from '../../src/session/session.ts';
import { fuzz } from '../support/fuzz.ts';
import { beginnings, moves, scenes, tightLimits } from '../support/session-arbitraries.ts';
import { beginLife, live } from '../support/session-life.ts';
import type { StagedStep } from '../support/session-stage.ts';

/** Bounded lists may be copied whole: commands in flight, ways, and the few that a step begins and ends. */
const perStep = tightLimits.commandsInFlightMax + 2 * tightLimits.waysPerSessionMax + 8;
/** A reply of our own, an address written anew. */
const octetsPerAction = 200;

/** Members of the lists that this step has made. */
function madeAnew({ before, after }: StagedStep): number {
  let members = 0;
  for (const key of Object.keys(after) as (keyof Session)[]) {
    const value: unknown = after[key];
    if (Array.isArray(value) && value !== before[key]) members += value.length;
  }
  return members;
}

class Meter {
  steps = 0;
  members = 0;
  octetsIn = 0;
  octetsOut = 0;
  actions = 0;
  readonly onStep = (step: StagedStep): void => {
    this.steps += 1;
    this.members += madeAnew(step);
    if (step.event.kind === 'line') this.octetsIn += step.event.line.wire.length;
    this.actions += step.actions.length;
    for (const action of step.actions) if (action.kind === 'send') this.octetsOut += action.octets.length;
  };

  check(): void {
    assert.ok(this.members <= this.steps * perStep, `${this.members} members in ${this.steps} steps`);
    const octetsMax = this.octetsIn + this.actions * octetsPerAction;
    assert.ok(this.octetsOut <= octetsMax, `${this.octetsOut} octets sent for ${this.octetsIn}`);
    assert.ok(this.actions <= this.steps * perStep, `${this.actions} actions in ${this.steps} steps`);
  }
}

describe('law of work', () => {
  it('whatever happens, the work grows with the steps', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const meter = new Meter();
        const stage = beginLife({ ...scene, limits: tightLimits }, beginning, { onStep: meter.onStep });
        for (let times = 0; times < 5; times++) live(stage, scene, list);
        meter.check();
      }),
    );
  });

  const limits = { ...defaultLimits, ...tightLimits, replyLinesMax: 5000, replyOctetsMax: 1_000_000 };
  const line = (from: 'client' | 'server', text: string) =>
    ({ kind: 'octets', from, octets: Buffer.from(text, 'latin1') }) as const;
  const conversations = {
    'a listing on the control connection': ['STAT\r\n', '211-begin\r\n', ' a line of it\r\n', '211 end\r\n'],
    'a set-up answered with many lines': ['PASV\r\n', '227-begin\r\n', ' and again\r\n', '227 ok (10,0,0,5,78,52)\r\n'],
    'a refusal of a set-up in many lines': ['PASV\r\n', '500-begin\r\n', ' and again\r\n', '500 no\r\n'],
  };
  for (const [name, [command, first, inner, last]] of Object.entries(conversations)) {
    it(`${name}: 2,000 lines cost 2,000 times what one does`, () => {
      const meter = new Meter();
      const scene = { limits };
      const stage = beginLife(scene, 'logged-in', { onStep: meter.onStep });
      live(stage, scene, [line('client', command!), line('server', first!)]);
      for (let count = 0; count < 2000; count++) live(stage, scene, [line('server', inner!)]);
      live(stage, scene, [line('server', last!)]);
      meter.check();
    });
  }
});
