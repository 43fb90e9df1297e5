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

const any: LastRule<VerbSubject> = { name: 'verbs.refuse', judge: () => allow('no rule refuses this verb') };

export const verbRules: OrderedRules<VerbSubject> = { rules: [listed, unknown, beforeLogin], last: any };
