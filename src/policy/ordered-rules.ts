// Rules stand in an order, and the first that applies decides. What no rule applies to is what the last one is for: it
// always answers, so that there is no subject without a decision.
// Must not break: rules behind the first that applies change nothing.

import type { Decision, Verdict } from './decision.ts';
import type { Ruleset } from './ruleset.ts';

export interface Rule<Subject> {
  /** The key of the rules file; decisions carry it. */
  readonly name: string;
  /** What it says of this subject; undefined where it does not apply. Depends on nothing but the arguments. */
  judge(subject: Subject, ruleset: Ruleset): Verdict | undefined;
}

/** Applies to every subject. */
export interface LastRule<Subject> extends Rule<Subject> {
  judge(subject: Subject, ruleset: Ruleset): Verdict;
}

export interface OrderedRules<Subject> {
  readonly rules: readonly Rule<Subject>[];
  readonly last: LastRule<Subject>;
}

export function firstMatch<Subject>(
  { rules, last }: OrderedRules<Subject>,
  subject: Subject,
  ruleset: Ruleset,
): Decision {
  for (const rule of rules) {
    const verdict = rule.judge(subject, ruleset);
    if (verdict !== undefined) return named(rule.name, verdict);
  }
  return named(last.name, last.judge(subject, ruleset));
}

/** By hand: at every command of every session, a spread would be the slowest thing that a rule does. */
function named(rule: string, verdict: Verdict): Decision {
  switch (verdict.verdict) {
    case 'allow':
      return { verdict: 'allow', reason: verdict.reason, rule };
    case 'replace':
      return { verdict: 'replace', cause: verdict.cause, reason: verdict.reason, rule };
    case 'refuse':
      return { verdict: 'refuse', cause: verdict.cause, reason: verdict.reason, rule };
  }
}
