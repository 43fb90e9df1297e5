// Who may do what, as data: rules in an order, of which the first that matches decides. The file form is the section
// `access` of rules/*.yaml; parse-ruleset.ts reads it, decide-access.ts applies it.
// Plain data throughout: it crosses threads.

import type { Network } from '../address/network.ts';
import type { PathPattern } from './path-pattern.ts';
import type { TimeWindow } from './time-window.ts';

export interface AccessRules {
  readonly rules: readonly AccessRule[];
  /** What becomes of what no rule matches. */
  readonly otherwise: 'allow' | 'deny';
  /** Whether any rule asks for a path, so that working directories are worth following. */
  readonly needsPaths: boolean;
}

/**
 * `report`: logged and counted as what would have been denied, and then passed: for a rule that is tried before it
 * bites.
 */
export const accessVerdicts = ['allow', 'deny', 'close', 'report'] as const;

export type AccessVerdict = (typeof accessVerdicts)[number];

export interface AccessRule {
  /** Unique; decisions, log lines and explanations carry it. */
  readonly name: string;
  readonly when: Conditions;
  readonly verdict: AccessVerdict;
  /** For the client, in place of the usual text. */
  readonly reply: string | undefined;
  /** For the log: why the rule is there. */
  readonly why: string | undefined;
}

/** A rule matches where all that are there hold; a list holds where one of it does. */
export interface Conditions {
  readonly listener?: readonly string[];
  readonly client?: readonly Network[];
  readonly server?: readonly Network[];
  /** Patterns of names, and whether `anonymous` is meant. */
  readonly user?: readonly string[];
  readonly login?: 'in' | 'out';
  /** Whether the control connection with the client, or with the server, is under TLS. */
  readonly clientTls?: boolean;
  readonly serverTls?: boolean;
  /** Patterns of the subject of the client's certificate (RFC 2253). */
  readonly certificate?: readonly string[];
  /** In upper case. */
  readonly verb?: ReadonlySet<string>;
  readonly group?: ReadonlySet<string>;
  readonly site?: ReadonlySet<string>;
  readonly argument?: readonly string[];
  /** More octets than so many in the argument. */
  readonly longerThan?: number;
  readonly path?: readonly PathPattern[];
  readonly direction?: ReadonlySet<string>;
  readonly mode?: 'active' | 'passive';
  readonly time?: readonly TimeWindow[];
}

export const openAccess: AccessRules = { rules: [], otherwise: 'allow', needsPaths: false };
