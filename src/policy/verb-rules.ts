// May this command go to the server at all?

import { allow, refuse } from './decision.ts';
import type { LastRule, OrderedRules, Rule } from './ordered-rules.ts';
import type { VerbSubject } from './subject.ts';

const listed: Rule<VerbSubject> = {
  name: 'verbs.refuse',
  judge: ({ verb }, { verbs }) =>
    verbs.refuse.has(verb) ? refuse('verb-refused', `${verb} is on the list of refused verbs`) : undefined,
};

const unknown: Rule<VerbSubject> = {
  name: 'verbs.unknown',
  judge({ verb, known }, { verbs }) {
    if (known) return undefined;
    if (verbs.unknown === 'forward' || verbs.allow.has(verb)) return allow('no rule refuses this verb');
    // The reason does not repeat the verb: its octets are the peer's, and reasons reach logs and terminals.
    return refuse('verb-unknown', 'the gateway does not know this verb, and it may carry an address');
  },
};

// Cross-protocol attack: a web page can make its reader's browser say PORT, but it cannot make it log in.
const beforeLogin: Rule<VerbSubject> = {
  name: 'dataConnections.beforeLogin',
  judge: ({ verb, asksForData, login }, { dataConnections }) =>
    asksForData && login === 'out' && dataConnections.beforeLogin === 'refuse'
      ? refuse('not-logged-in', `${verb} before a login`)
      : undefined,
};

// SITE is whatever a server makes of it: to run programs (EXEC), to copy any file (CPFR and CPTO, CVE-2015-3306).
const site: Rule<VerbSubject> = {
  name: 'verbs.site',
  judge({ site: command }, { verbs }) {
    if (command === undefined) return undefined;
    const { allow: allowed, refuse: refused } = verbs.site;
    if (allowed === undefined ? !refused.has(command) : allowed.has(command)) return undefined;
    return refuse('verb-refused', 'this command behind SITE is not allowed');
  },
};

const any: LastRule<VerbSubject> = { name: 'verbs.refuse', judge: () => allow('no rule refuses this verb') };

export const verbRules: OrderedRules<VerbSubject> = { rules: [listed, unknown, beforeLogin, site], last: any };
