// Which access rules can never match? A rule behind another that takes everything from it, or one whose own conditions
// exclude one another, says something that will not happen: its writer is told, because he believes that it will.
// Only what is certain is told: whether one pattern of names covers another is not asked.

import type { AccessRule, AccessRules, Conditions } from '../policy/access-rules.ts';
import { groupsOf } from '../wire/verb-groups.ts';
import { knownVerbs, lookupVerb } from '../wire/verbs.ts';

export interface UnreachedRule {
  readonly index: number;
  readonly reason: string;
}

export function unreachedRules({ rules }: AccessRules): UnreachedRule[] {
  return rules.flatMap((rule, index): UnreachedRule[] => {
    const contradiction = contradictionIn(rule.when);
    if (contradiction !== undefined) return [{ index, reason: contradiction }];
    const before = rules.slice(0, index).find((other) => takesAll(other, rule));
    return before === undefined ? [] : [{ index, reason: `rule ${before.name} before it matches all that it could` }];
  });
}

function contradictionIn(when: Conditions): string | undefined {
  const verbs = verbsOf(when);
  if (verbs === undefined) return undefined;
  if (when.site !== undefined && !verbs.has('SITE')) return 'site asks for SITE, and verb does not name it';
  const { direction } = when;
  if (direction !== undefined && ![...verbs].some((verb) => direction.has(lookupVerb(verb)?.starts ?? '')))
    return 'no verb of it begins a transfer in this direction';
  return undefined;
}

/** Whether `first` has decided whatever `second` could match. */
function takesAll(first: AccessRule, second: AccessRule): boolean {
  // A rule that gives matches in fewer cases than its words say, so another that takes away may still have its own.
  const isStrict = first.verdict === 'allow' && second.verdict !== 'allow';
  const named: readonly (keyof Conditions)[] = ['path', 'user', 'login', 'argument'];
  if (isStrict && named.some((key) => first.when[key] !== undefined)) return false;
  return keysOf(first.when).every((key) => covers(key, first.when, second.when));
}

function covers(key: keyof Conditions, first: Conditions, second: Conditions): boolean {
  if (key === 'verb' || key === 'group') {
    const [wide, narrow] = [verbsOf(first), verbsOf(second)];
    return wide === undefined || (narrow !== undefined && [...narrow].every((verb) => wide.has(verb)));
  }
  const wanted = wordsOf(second[key]);
  if (wanted === undefined) return false;
  if (key === 'longerThan') return Number(second[key]) >= Number(first[key]);
  const taken = new Set(wordsOf(first[key]));
  return wanted.every((word) => taken.has(word));
}

/** All verbs that it names or that are in its groups; undefined for any verb. */
function verbsOf({ verb, group }: Conditions): ReadonlySet<string> | undefined {
  if (verb === undefined && group === undefined) return undefined;
  const grouped = knownVerbs.filter((name) =>
    [0, 1].some((octets) => groupsOf(name, octets).some((each) => group?.has(each))),
  );
  return new Set([...(verb ?? []), ...grouped]);
}

/** The alternatives of a condition in words that are equal where they mean the same. */
function wordsOf(condition: Conditions[keyof Conditions]): readonly string[] | undefined {
  if (condition === undefined) return undefined;
  if (condition instanceof Set) return [...condition];
  if (Array.isArray(condition)) return condition.map(wordOf);
  return [String(condition)];
}

function wordOf(one: unknown): string {
  return typeof one === 'object' && one !== null && 'text' in one ? String(one.text) : JSON.stringify(one);
}

function keysOf(when: Conditions): (keyof Conditions)[] {
  return Object.keys(when) as (keyof Conditions)[];
}
