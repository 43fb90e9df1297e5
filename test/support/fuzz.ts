// How often a law of the session core is tried: 2,000 times in every run of the tests, and as often as
// PORTCULLIS_FUZZ_RUNS says where somebody wants to be surer. The seed is printed, so that any run can be repeated
// (PORTCULLIS_FUZZ_SEED).

import type { TestContext } from 'node:test';
import fc from 'fast-check';

export function fuzz<Values extends [unknown, ...unknown[]]>(t: TestContext, property: fc.IProperty<Values>): void {
  const { PORTCULLIS_FUZZ_RUNS, PORTCULLIS_FUZZ_SEED } = process.env;
  const numRuns = Number(PORTCULLIS_FUZZ_RUNS ?? 2_000);
  const seed = Number(PORTCULLIS_FUZZ_SEED ?? Date.now() % 0x7fff_ffff);
  t.diagnostic(`${numRuns} runs, seed ${seed}`);
  fc.assert(property, { numRuns, seed });
}
