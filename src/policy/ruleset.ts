// What a security officer decides, as data: which targets of data connections are acceptable and which verbs may pass.
// The file form is rules/default.yaml; parse-ruleset.ts reads it, decide.ts applies it.

import type { Network } from '../address/network.ts';
import type { AccessRules } from './access-rules.ts';

export interface Ruleset {
  /** Where the rules came from, for log lines: a file path, or `packaged default`. */
  readonly source: string;
  readonly dataConnections: DataConnectionRules;
  readonly verbs: VerbRules;
  readonly access: AccessRules;
  /**
   * What becomes of a line of the server's that is no reply; what some reader could take for one always ends the
   * session.
   */
  readonly malformedReply: 'forward' | 'close';
  readonly masks: Masks;
}

/** What of a server's own words clients do not see. */
interface Masks {
  /** In place of the text of its 220. */
  readonly greeting: string | undefined;
  /** In place of the text of its 215, which answers SYST. */
  readonly system: string | undefined;
  /** Whether private addresses in the texts of replies are crossed out. */
  readonly privateAddresses: boolean;
}

interface DataConnectionRules {
  /** Lowest port that PORT, EPRT, 227 or 229 may name (RFC 2577 §3: 1024). */
  readonly minimumPort: number;
  /** The only ports that a client may name in PORT or EPRT; undefined for all. */
  readonly activePorts: readonly PortSpan[] | undefined;
  /** Whether who has not logged in may ask for data connections and transfers. */
  readonly beforeLogin: 'refuse' | 'allow';
  /** What becomes of PORT 0.0.0.0 and EPRT :: — `replace` takes the control peer's address. */
  readonly unspecifiedAddress: 'replace' | 'refuse';
  /** What becomes of a 227 naming another host than the server of the control connection; it is never contacted. */
  readonly foreignPassiveAddress: 'replace' | 'refuse';
  /**
   * Pairs of networks between which server-to-server transfers (FXP) are wanted; either may be the server of the
   * session.
   */
  readonly fxp: readonly FxpPair[];
}

/** Both ends belong to it. */
interface PortSpan {
  readonly from: number;
  readonly to: number;
}

interface FxpPair {
  readonly between: Network;
  readonly and: Network;
}

interface VerbRules {
  /** Verbs answered 502 by the gateway, upper case. */
  readonly refuse: ReadonlySet<string>;
  /** Verbs in no table that pass all the same, upper case. */
  readonly allow: ReadonlySet<string>;
  /** A verb in no table: a dialect that may carry addresses, so `refuse` unless an operator says otherwise. */
  readonly unknown: 'refuse' | 'forward';
  readonly site: SiteRules;
}

/** Commands behind SITE, upper case. */
interface SiteRules {
  /** The only ones that pass; undefined: all but those of `refuse`. */
  readonly allow: ReadonlySet<string> | undefined;
  readonly refuse: ReadonlySet<string>;
}
