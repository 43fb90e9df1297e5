// What must every implementation of the data path do? The contract of src/datapath/data-path.ts as tests, with real sockets.
// An implementation brings a fixture; whether it works in the kernel or in this process is not looked at.

import { describe } from 'node:test';
import { admittingCases } from './admitting.ts';
import { breakingCases } from './breaking.ts';
import { carryingCases } from './carrying.ts';
import { closingCases } from './closing.ts';
import type { MakeFixture } from './data-path-fixture.ts';
import { loadCases } from './load.ts';
import { portCases } from './ports.ts';
import { sceneTests } from './scene.ts';

/** Declares the tests of one implementation, under its name. */
export function dataPathCompliance(name: string, makeFixture: MakeFixture): void {
  const test = sceneTests(makeFixture);
  describe(`${name}: carries`, () => carryingCases(test));
  describe(`${name}: breaks`, () => breakingCases(test));
  describe(`${name}: admits`, () => admittingCases(test));
  describe(`${name}: gives out ports`, () => portCases(test));
  describe(`${name}: closes`, () => closingCases(test));
  describe(`${name}: under load`, () => loadCases(test));
}
