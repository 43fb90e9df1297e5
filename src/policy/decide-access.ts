// May this command be given? The first rule that matches decides, and what none matches is decided by `otherwise`.
// Must not break: there is always an answer; rules behind the one that matches change nothing; and what is not known
// is held against the client. A rule that takes away matches where it could be meant, in any reading of a name and in
// any case of its letters; a rule that gives matches only where it is meant for certain.

import { containsAny } from '../address/network.ts';
import type { AccessRule, AccessRules, AccessVerdict, Conditions } from './access-rules.ts';
import type { AccessSubject, SubjectPaths } from './access-subject.ts';
import { fitsPath, type PathPattern } from './path-pattern.ts';
import { liesIn } from './time-window.ts';
import { fitsWildcard, type Letters } from './wildcard.ts';

export interface AccessDecision {
  readonly verdict: AccessVerdict;
  /** The name of the rule; `access.default` where none matched. */
  readonly rule: string;
  /** One sentence for people. */
  readonly reason: string;
  readonly reply: string | undefined;
}

type Truth = 'yes' | 'no' | 'unclear';

/** Stands for a rule where none matched. */
export const defaultRule = 'access.default';

export function decideAccess({ rules, otherwise }: AccessRules, subject: AccessSubject): AccessDecision {
  for (const rule of rules) {
    const truth = truthOf(rule, subject);
    if (truth === 'no' || (truth === 'unclear' && rule.verdict === 'allow')) continue;
    return { verdict: rule.verdict, rule: rule.name, reason: reasonOf(rule, subject, truth), reply: rule.reply };
  }
  const reason = otherwise === 'allow' ? 'no rule is against it' : 'no rule allows it';
  return { verdict: otherwise, rule: defaultRule, reason, reply: undefined };
}

/** Does it depend on what the command names? Asked without `paths`, because to know them may cost a question. */
export function asksForPaths({ rules, needsPaths }: AccessRules, subject: AccessSubject): boolean {
  if (!needsPaths) return false;
  for (const rule of rules) {
    const truth = truthBesidePaths(rule, subject);
    if (truth === 'no') continue;
    if (rule.when.path !== undefined) return true;
    if (truth === 'yes' || rule.verdict !== 'allow') return false;
  }
  return false;
}

/**
 * Could the rules let this verb through, with any argument and in any state that the subject leaves open? For what is
 * said to be possible; `subject.login` may be `unclear`.
 */
export function couldPass({ rules, otherwise }: AccessRules, subject: AccessSubject): boolean {
  for (const rule of rules) {
    const { argument, longerThan, path, mode, time, ...rest } = rule.when;
    const isSometimes = [argument, longerThan, path, mode, time].some((each) => each !== undefined);
    const truth = truthBesidePaths({ ...rule, when: rest }, subject);
    if (truth === 'no') continue;
    if (rule.verdict === 'allow' || rule.verdict === 'report') return true;
    if (truth === 'yes' && !isSometimes) return false;
  }
  return otherwise === 'allow';
}

function reasonOf({ why, name }: AccessRule, { paths }: AccessSubject, truth: Truth): string {
  const reason = why ?? `rule ${name} says so`;
  if (truth === 'yes') return reason;
  return `${reason} (${paths.kind === 'unclear' ? paths.reason : 'who has logged in is not known yet'})`;
}

function truthOf(rule: AccessRule, subject: AccessSubject): Truth {
  const { when, verdict } = rule;
  const beside = truthBesidePaths(rule, subject);
  if (when.path === undefined || beside === 'no') return beside;
  const paths = truthOfPaths(when.path, subject.paths, lettersOf(verdict));
  return paths === 'yes' ? beside : paths;
}

function lettersOf(verdict: AccessVerdict): Letters {
  return verdict === 'allow' ? 'exact' : 'any-case';
}

// In the order in which they are cheap to ask, and most often tell.
function truthBesidePaths({ when, verdict }: AccessRule, subject: AccessSubject): Truth {
  const { verb, groups } = subject;
  if (when.verb !== undefined || when.group !== undefined) {
    const isNamed = when.verb?.has(verb) === true || groups.some((group) => when.group?.has(group) === true);
    if (!isNamed) return 'no';
  }
  if (!holdsOfCommand(when, subject) || !holdsOfPeers(when, subject)) return 'no';
  if (when.time?.some((window) => liesIn(window, subject.epochMs)) === false) return 'no';
  const letters = lettersOf(verdict);
  if (when.argument?.some((pattern) => fitsWildcard(pattern, subject.argument, letters)) === false) return 'no';
  return truthOfLogin(when, subject, letters);
}

function holdsOfCommand(when: Conditions, subject: AccessSubject): boolean {
  const { site, direction, mode, argumentOctets } = subject;
  if (when.site !== undefined && (site === undefined || !when.site.has(site))) return false;
  if (when.longerThan !== undefined && argumentOctets <= when.longerThan) return false;
  if (when.direction !== undefined && (direction === undefined || !when.direction.has(direction))) return false;
  return when.mode === undefined || when.mode === mode;
}

function holdsOfPeers(when: Conditions, subject: AccessSubject): boolean {
  const { listener, client, server, clientTls, serverTls, certificate } = subject;
  if (when.listener?.includes(listener) === false) return false;
  if (when.clientTls !== undefined && when.clientTls !== clientTls) return false;
  if (when.serverTls !== undefined && when.serverTls !== serverTls) return false;
  if (when.client !== undefined && !containsAny(when.client, client)) return false;
  if (when.server !== undefined && !containsAny(when.server, server)) return false;
  if (when.certificate === undefined) return true;
  return certificate !== undefined && when.certificate.some((pattern) => fitsWildcard(pattern, certificate, 'exact'));
}

function truthOfLogin(when: Conditions, { login, user }: AccessSubject, letters: Letters): Truth {
  if (when.user === undefined && when.login === undefined) return 'yes';
  if (login === 'unclear') return 'unclear';
  if (when.login !== undefined && when.login !== login) return 'no';
  if (when.user === undefined) return 'yes';
  return user !== undefined && when.user.some((pattern) => fitsUser(pattern, user, letters)) ? 'yes' : 'no';
}

// RFC 1635 §3: `anonymous` is the name, and many servers take `ftp` for the same.
const anonymous: ReadonlySet<string> = new Set(['anonymous', 'ftp']);

function fitsUser(pattern: string, user: string, letters: Letters): boolean {
  return pattern === 'anonymous' ? anonymous.has(user.toLowerCase()) : fitsWildcard(pattern, user, letters);
}

function truthOfPaths(patterns: readonly PathPattern[], paths: SubjectPaths, letters: Letters): Truth {
  switch (paths.kind) {
    case 'none':
      return 'no';
    case 'unclear':
      return 'unclear';
    case 'known': {
      const fits = (path: readonly string[]): boolean => patterns.some((pattern) => fitsPath(pattern, path, letters));
      // To give needs all that is named in all readings, to take away any of it in any reading.
      const all = letters === 'exact';
      const isMeant = all
        ? paths.readings.every((readings) => readings.every(fits))
        : paths.readings.some((readings) => readings.some(fits));
      return isMeant ? 'yes' : 'no';
    }
  }
}
