// Do engines change their settings together, also when one of them refuses, dies, or does not answer?

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChangingEngine, SettingsInStep } from '../../../src/engine/settings-in-step.ts';
import type { Settings } from '../../../src/settings/settings.ts';

const settings = {} as Settings;
const boundMs = 5;

/** Does as it is told; an answer that is a promise may never come. */
class Actor implements ChangingEngine {
  readonly index: number;
  readonly heard: string[] = [];
  onPrepare: (change: number) => Promise<string | undefined> = async () => undefined;
  onCommit: (change: number) => Promise<string | undefined> = async () => undefined;

  constructor(index: number) {
    this.index = index;
  }

  prepare(change: number): Promise<string | undefined> {
    this.heard.push(`prepare ${change}`);
    return this.onPrepare(change);
  }

  commit(change: number): Promise<string | undefined> {
    this.heard.push(`commit ${change}`);
    return this.onCommit(change);
  }

  abandon(change: number): void {
    this.heard.push(`abandon ${change}`);
  }
}

function stage() {
  const engines = [new Actor(0), new Actor(1), new Actor(2)] as const;
  const told: string[][] = [];
  const inStep: SettingsInStep = new SettingsInStep(
    () => engines,
    () => told.push(inStep.outOfStep.map(({ part }) => part)),
    boundMs,
  );
  return { engines, told, inStep };
}

const never = () => new Promise<undefined>(() => undefined);

test('each makes ready, one after another, and then all change', async () => {
  const { engines, inStep } = stage();
  let release: (problem: undefined) => void = () => undefined;
  engines[0].onPrepare = () => new Promise((resolve) => (release = resolve));
  const prepared = inStep.prepare(settings);
  assert.deepEqual(
    engines.map(({ heard }) => heard.length),
    [1, 0, 0],
  );
  release(undefined);
  assert.equal(await prepared, undefined);
  await inStep.commit();
  for (const { heard } of engines) assert.deepEqual(heard, ['prepare 1', 'commit 1']);
  assert.deepEqual(inStep.outOfStep, []);
});

test('one that cannot: nobody changes, and nobody keeps what it has made ready', async () => {
  const { engines, inStep } = stage();
  engines[1].onPrepare = async () => 'no port';
  assert.equal(await inStep.prepare(settings), 'no port');
  assert.deepEqual(engines[0].heard, ['prepare 1', 'abandon 1']);
  assert.ok(!engines.some(({ heard }) => heard.includes('commit 1')));
});

test('one that does not answer holds nobody up: not when it makes ready', async () => {
  const { engines, told, inStep } = stage();
  engines[1].onPrepare = never;
  assert.match((await inStep.prepare(settings)) ?? '', /^engine 1 did not answer within /);
  // It hears of it when it comes round.
  assert.deepEqual(engines[1].heard, ['prepare 1', 'abandon 1']);
  assert.deepEqual(told, []);
});

test('nor when it changes: it is out of step until it says that it has', async () => {
  const { engines, told, inStep } = stage();
  let answer: (problem: string | undefined) => void = () => undefined;
  engines[1].onCommit = () => new Promise((resolve) => (answer = resolve));
  await inStep.prepare(settings);
  await inStep.commit();
  assert.deepEqual(told, [['engine 1']]);
  assert.match(inStep.outOfStep[0]?.problem ?? '', /^has not answered within /);
  answer(undefined);
  await Promise.resolve();
  assert.deepEqual(inStep.outOfStep, []);
  assert.deepEqual(told, [['engine 1'], []]);
});

test('a late answer counts after a later change was refused, and not after one that came into force', async () => {
  for (const later of ['refused', 'in force'] as const) {
    const { engines, inStep } = stage();
    let answer: (problem: string | undefined) => void = () => undefined;
    engines[1].onCommit = (change) => (change === 1 ? new Promise((resolve) => (answer = resolve)) : never());
    await inStep.prepare(settings);
    await inStep.commit();
    engines[2].onPrepare = async () => (later === 'refused' ? 'no port' : undefined);
    if ((await inStep.prepare(settings)) === undefined) await inStep.commit();
    answer(undefined);
    await Promise.resolve();
    assert.equal(inStep.outOfStep.length, later === 'refused' ? 0 : 1, later);
  }
});

test('one that fails to change is out of step, with its reason, until a change succeeds', async () => {
  const { engines, told, inStep } = stage();
  engines[2].onCommit = async () => 'internal error: x';
  await inStep.prepare(settings);
  await inStep.commit();
  assert.deepEqual(inStep.outOfStep, [{ part: 'engine 2', problem: 'internal error: x' }]);
  engines[0].onPrepare = async () => 'no port';
  await inStep.prepare(settings);
  assert.equal(inStep.outOfStep.length, 1, 'a change that was refused heals nothing');
  engines[0].onPrepare = async () => undefined;
  engines[2].onCommit = async () => undefined;
  await inStep.prepare(settings);
  await inStep.commit();
  assert.deepEqual(inStep.outOfStep, []);
  assert.deepEqual(told, [['engine 2'], []]);
});
