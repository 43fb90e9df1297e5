// The first rule that applies decides, whatever stands behind it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { allow, refuse } from '../../../src/policy/decision.ts';
import { firstMatch, type LastRule, type Rule } from '../../../src/policy/ordered-rules.ts';
import type { Ruleset } from '../../../src/policy/ruleset.ts';

const ruleset = {} as Ruleset;
/** Refuses the numbers that its divisor divides. */
const divides = (divisor: number): Rule<number> => ({
  name: `by ${divisor}`,
  judge: (subject) => (subject % divisor === 0 ? refuse('verb-refused', `${divisor} divides it`) : undefined),
});
const last: LastRule<number> = { name: 'last', judge: () => allow('nothing divides it') };

describe('ordered rules', () => {
  const divisor = fc.integer({ min: 2, max: 9 });
  const divisors = fc.array(divisor, { maxLength: 6 });

  it('decide by the first that applies, and by the last where none does', () => {
    fc.assert(
      fc.property(fc.nat(1000), divisors, (subject, each) => {
        const first = each.find((divisor) => subject % divisor === 0);
        const { rule, verdict } = firstMatch({ rules: each.map(divides), last }, subject, ruleset);
        assert.equal(rule, first === undefined ? 'last' : `by ${first}`);
        assert.equal(verdict, first === undefined ? 'allow' : 'refuse');
      }),
    );
  });

  it('decide the same whatever stands behind the one that applies', () => {
    fc.assert(
      fc.property(fc.nat(100), divisors, divisor, divisors, (factor, before, applies, behind) => {
        const rules = [...before, applies].map(divides);
        const subject = factor * applies;
        const short = firstMatch({ rules, last }, subject, ruleset);
        assert.deepEqual(firstMatch({ rules: [...rules, ...behind.map(divides)], last }, subject, ruleset), short);
      }),
    );
  });
});
