// Which rules does this text state? The file form of Ruleset; rules/default.yaml explains every key.
// Must not break: strict. A rule that is not understood is never skipped, since that would leave a door open that the
// writer believes shut. All problems are told at once.

import type { z } from 'zod';
import { parseNetwork } from '../address/network.ts';
import { parsed, unreadable } from '../address/parsed.ts';
import type { Ruleset } from '../policy/ruleset.ts';
import { type Checked, inReadingOrder, type Problem, shown, wholeFileProblem } from '../yaml/problem.ts';
import { list, oneOf, section, text, trueOrFalse, wholeNumber } from '../yaml/schema-parts.ts';
import { checkSchema } from '../yaml/schema-problems.ts';
import { problemAt, readYaml, type YamlSource } from '../yaml/yaml-source.ts';
import { accessOf, accessSchema, refusedSiteCommands, siteList } from './access-schema.ts';
import { portRanges } from './port-ranges.ts';
import { unreachedRules } from './rule-reach.ts';

const network = text('an address or a network, as 192.0.2.0/24', parseNetwork);

// RFC 959 §5.3.1 has three or four letters; dialects add digits and P@SW, and 16 holds the longest seen (XSHA512).
const verb = text('a verb', (value) =>
  /^[A-Za-z][A-Za-z0-9@]{1,15}$/.test(value)
    ? parsed(value.toUpperCase())
    : unreadable('expected a verb of letters, such as LPRT'),
);

const replyText = text('a text of one line', (value) =>
  /^[ -~]{1,200}$/.test(value) ? parsed(value) : unreadable('expected one line of 1 to 200 characters of ASCII'),
);

const emptyFile = 'this rules file is empty; copy rules/default.yaml and change it';

const rulesetSchema = section({
  dataConnections: section({
    minimumPort: wholeNumber(1, 65_535, 'a port'),
    activePorts: portRanges.optional(),
    beforeLogin: oneOf(['refuse', 'allow']).optional(),
    unspecifiedAddress: oneOf(['replace', 'refuse']),
    foreignPassiveAddress: oneOf(['replace', 'refuse']),
    fxp: list(section({ between: network, and: network }), 'pairs {between: …, and: …}'),
  }),
  verbs: section({
    refuse: list(verb, 'verbs'),
    allow: list(verb, 'verbs').optional(),
    unknown: oneOf(['refuse', 'forward']),
    site: siteList.optional(),
  }),
  access: accessSchema.optional(),
  malformedReply: oneOf(['forward', 'close']).optional(),
  masks: section({
    greeting: replyText.optional(),
    system: replyText.optional(),
    privateAddresses: trueOrFalse.optional(),
  }).optional(),
});

/** Rules, and what is to be known of their file. */
export interface ReadRules {
  readonly ruleset: Ruleset;
  readonly warnings: readonly Problem[];
  /** Names of listeners that rules ask for, each with what is to be told where there is none of that name. */
  readonly listeners: readonly { readonly name: string; readonly unknown: Problem }[];
}

/**
 * Reads a rules file. What a security officer must decide has to be there.
 * `file` is the path by which problems name the file; `source` is how log lines name the rules.
 */
export function parseRuleset(file: string, content: string, source = file): Checked<ReadRules> {
  const read = readYaml(file, content);
  if (!read.ok) return read;
  if (read.value.data === null) return { ok: false, reason: [wholeFileProblem(file, emptyFile)] };
  const checked = checkSchema(rulesetSchema, read.value);
  const problems = [
    ...read.value.problems,
    ...(checked.ok ? sameNames(checked.value.access, read.value) : checked.reason),
  ];
  if (!checked.ok || problems.length > 0) return { ok: false, reason: inReadingOrder(problems) };
  const ruleset = rulesetOf(source, checked.value);
  return {
    ok: true,
    value: { ruleset, warnings: warningsOf(ruleset, read.value), listeners: listenersOf(ruleset, read.value) },
  };
}

// Keys that came after the first rules files were written may be left out, and then mean what is safe.
function rulesetOf(source: string, file: z.output<typeof rulesetSchema>): Ruleset {
  const { dataConnections, verbs, access, malformedReply, masks } = file;
  return {
    source,
    dataConnections: {
      ...dataConnections,
      activePorts: dataConnections.activePorts,
      beforeLogin: dataConnections.beforeLogin ?? 'refuse',
    },
    verbs: {
      refuse: new Set(verbs.refuse),
      allow: new Set(verbs.allow),
      unknown: verbs.unknown,
      site: { allow: verbs.site === undefined ? undefined : new Set(verbs.site), refuse: refusedSiteCommands },
    },
    access: accessOf(access),
    malformedReply: malformedReply ?? 'close',
    masks: {
      greeting: masks?.greeting,
      system: masks?.system,
      privateAddresses: masks?.privateAddresses ?? false,
    },
  };
}

const rulesKey = ['access', 'rules'] as const;

function sameNames(access: z.output<typeof rulesetSchema>['access'], source: YamlSource): Problem[] {
  const seen = new Set<string>();
  return (access?.rules ?? []).flatMap(({ name }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [problemAt(source, [...rulesKey, index, 'name'], `another rule is called ${name}; each needs its own name`)];
  });
}

function warningsOf({ access }: Ruleset, source: YamlSource): Problem[] {
  return unreachedRules(access).map(({ index, reason }) =>
    problemAt(source, [...rulesKey, index], `this rule can never match: ${reason}`),
  );
}

function listenersOf({ access }: Ruleset, source: YamlSource): ReadRules['listeners'] {
  return access.rules.flatMap(({ when }, index) =>
    (when.listener ?? []).map((name, at) => {
      const path = [...rulesKey, index, 'when', 'listener', at];
      return { name, unknown: problemAt(source, path, `the settings have no listener ${shown(name)}`) };
    }),
  );
}
