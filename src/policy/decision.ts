// What the rules answer: a verdict with the rule that gave it and the reason.

/** Why something was not let through as it was; values of a label of metrics, so a closed set. */
export const decisionCauses = [
  'third-party',
  'low-port',
  'unspecified-address',
  'foreign-passive-address',
  'verb-refused',
  'verb-unknown',
  'target-port',
  'not-logged-in',
  'denied-by-rule',
] as const;

export type DecisionCause = (typeof decisionCauses)[number];

/** Why an address was replaced by that of the control peer; values of a label, too. */
export const replacementCauses = [
  'unspecified-address',
  'foreign-passive-address',
] as const satisfies readonly DecisionCause[];

export type ReplacementCause = (typeof replacementCauses)[number];

/**
 * `reason` is one sentence for people. `replace` means: go on with the address of the control peer and the port of the
 * target.
 */
export type Verdict =
  | { readonly verdict: 'allow'; readonly reason: string }
  | { readonly verdict: 'replace'; readonly cause: ReplacementCause; readonly reason: string }
  | { readonly verdict: 'refuse'; readonly cause: DecisionCause; readonly reason: string };

/** `rule` is the key of the rules file that decided (`dataConnections.minimumPort`). */
export type Decision = Verdict & { readonly rule: string };

export function allow(reason: string): Verdict {
  return { verdict: 'allow', reason };
}

export function refuse(cause: DecisionCause, reason: string): Verdict {
  return { verdict: 'refuse', cause, reason };
}
