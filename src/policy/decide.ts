// May this happen? One question about one verb or one endpoint, one answer with the rule that gave it.
// Must not break: what no rule allows is refused; the answer depends on nothing but the arguments.

import type { Decision } from './decision.ts';
import { firstMatch } from './ordered-rules.ts';
import type { Ruleset } from './ruleset.ts';
import type { Subject } from './subject.ts';
import { activeTargetRules, passiveTargetRules } from './target-rules.ts';
import { verbRules } from './verb-rules.ts';

export function decide(ruleset: Ruleset, subject: Subject): Decision {
  switch (subject.kind) {
    case 'verb':
      return firstMatch(verbRules, subject, ruleset);
    case 'active-target':
      return firstMatch(activeTargetRules, subject, ruleset);
    case 'passive-target':
      return firstMatch(passiveTargetRules, subject, ruleset);
  }
}
