// What must every implementation of the data path do? The contract of src/datapath/data-path.ts as tests, with real
// sockets. An implementation brings a bench; where planes differ by nature, its traits say which of the two promises is
// tested.

import { describe, type TestOptions } from 'node:test';
import { admittingCases } from './admitting.ts';
import { breakingCases } from './breaking.ts';
import { carryingCases } from './carrying.ts';
import { closingCases } from './closing.ts';
import type { Bench } from './data-path-fixture.ts';
import { loadCases } from './load.ts';
import { portCases } from './ports.ts';
import { sceneTests } from './scene.ts';
import { throughCases } from './through.ts';

/** Declares the tests of one implementation, under its name. */
export function dataPathCompliance(bench: Bench, options: TestOptions = {}): void {
  const { name, traits } = bench;
  const test = sceneTests(bench);
  describe(`${name}: carries`, options, () => carryingCases(test, traits));
  describe(`${name}: breaks`, options, () => breakingCases(test, traits));
  describe(`${name}: admits`, options, () => admittingCases(test, traits));
  describe(`${name}: gives out ports`, options, () => portCases(test, traits));
  describe(`${name}: closes`, options, () => closingCases(test, traits));
  if (traits.connections === 'one-through') describe(`${name}: lets through`, options, () => throughCases(test));
  // What one thread has to do for many: where octets never meet it, there is no load to bear.
  else describe(`${name}: under load`, options, () => loadCases(test));
}

/** What of it changes where TLS is put over a leg: whom it admits and which ports it takes is settled before. */
export function securedCompliance(bench: Bench): void {
  const { name, traits } = bench;
  const test = sceneTests(bench);
  carriedCompliance(bench);
  describe(`${name}: breaks`, () => breakingCases(test, traits));
  describe(`${name}: closes`, () => closingCases(test, traits));
}

/** Only that octets and ends arrive. */
export function carriedCompliance(bench: Bench): void {
  describe(`${bench.name}: carries`, () => carryingCases(sceneTests(bench), bench.traits));
}
