// Which rules does this text state? The file form of Ruleset; rules/default.yaml explains every key.
// Must not break: strict. A rule that is not understood is never skipped, since that would leave a door open that the
// writer believes shut. All problems are told at once.

import type { z } from 'zod';
import { parseNetwork } from '../address/network.ts';
import { parsed, unreadable } from '../address/parsed.ts';
import type { Ruleset } from '../policy/ruleset.ts';
import { type Checked, inReadingOrder, wholeFileProblem } from '../yaml/problem.ts';
import { list, oneOf, section, text, wholeNumber } from '../yaml/schema-parts.ts';
import { checkSchema } from '../yaml/schema-problems.ts';
import { readYaml } from '../yaml/yaml-source.ts';
import { portRanges } from './port-ranges.ts';

const network = text('an address or a network, as 192.0.2.0/24', parseNetwork);

// RFC 959 §5.3.1 has three or four letters; dialects add digits and P@SW, and 16 holds the longest seen (XSHA512).
const verb = text('a verb', (value) =>
  /^[A-Za-z][A-Za-z0-9@]{1,15}$/.test(value)
    ? parsed(value.toUpperCase())
    : unreadable('expected a verb of letters, such as LPRT'),
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
  }),
  malformedReply: oneOf(['forward', 'close']).optional(),
});

/**
 * Reads a rules file. What a security officer must decide has to be there.
 * `file` is the path by which problems name the file; `source` is how log lines name the rules.
 */
export function parseRuleset(file: string, content: string, source = file): Checked<Ruleset> {
  const read = readYaml(file, content);
  if (!read.ok) return read;
  if (read.value.data === null) return { ok: false, reason: [wholeFileProblem(file, emptyFile)] };
  const checked = checkSchema(rulesetSchema, read.value);
  const problems = [...read.value.problems, ...(checked.ok ? [] : checked.reason)];
  if (!checked.ok || problems.length > 0) return { ok: false, reason: inReadingOrder(problems) };
  return { ok: true, value: rulesetOf(source, checked.value) };
}

// Keys that came after the first rules files were written may be left out, and then mean what is safe.
function rulesetOf(source: string, file: z.output<typeof rulesetSchema>): Ruleset {
  const { dataConnections, verbs, malformedReply } = file;
  return {
    source,
    dataConnections: {
      ...dataConnections,
      activePorts: dataConnections.activePorts,
      beforeLogin: dataConnections.beforeLogin ?? 'refuse',
    },
    verbs: { refuse: new Set(verbs.refuse), allow: new Set(verbs.allow), unknown: verbs.unknown },
    malformedReply: malformedReply ?? 'close',
  };
}
