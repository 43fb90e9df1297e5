// How is the section `access` of a rules file written? Its keys and values, each read strictly; rules/README.md
// explains them. Which rule of two decides is not asked here, but in the order in which they stand.

import type { z } from 'zod';
import { parseNetwork } from '../address/network.ts';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import {
  type AccessRule,
  type AccessRules,
  accessVerdicts,
  type Conditions,
  openAccess,
} from '../policy/access-rules.ts';
import { parsePathPattern } from '../policy/path-pattern.ts';
import { isZone, type TimeWindow, type Weekday, weekdays } from '../policy/time-window.ts';
import { verbGroups } from '../wire/verb-groups.ts';
import { knownVerbs, transferDirections } from '../wire/verbs.ts';
import { nearestWord } from '../yaml/nearest-word.ts';
import { list, oneOf, section, text, trueOrFalse, wholeNumber } from '../yaml/schema-parts.ts';

const patternOctetsMax = 512;

const pattern = text('a name, in which * and ? may stand', (value) =>
  value !== '' && value.length <= patternOctetsMax
    ? parsed(value)
    : unreadable(`expected a name of 1 to ${patternOctetsMax} characters, in which * and ? may stand`),
);

const network = text('an address or a network, as 192.0.2.0/24', parseNetwork);
const path = text('a path, as /incoming/** or *.exe', parsePathPattern);

/** RFC 959 §5.3.1 verbs in upper case, groups in lower case: nothing is both. */
const verbOrGroup = text('a verb, as STOR, or a group of verbs, as write', (value) => {
  if (verbGroups.some((group) => group === value)) return parsed(value);
  const verb = value.toUpperCase();
  if (knownVerbs.includes(verb)) return parsed(verb);
  const near = nearestWord(value, [...verbGroups, ...knownVerbs]);
  const advice = near === undefined ? `expected a verb, or one of ${verbGroups.join(', ')}` : `did you mean ${near}?`;
  return unreadable(`is no verb that the gateway knows, and no group; ${advice}`);
});

const siteCommand = text('a command behind SITE, as CHMOD', (value) =>
  /^[A-Za-z][A-Za-z0-9_-]{0,31}$/.test(value)
    ? parsed(value.toUpperCase())
    : unreadable('expected a command behind SITE, as CHMOD'),
);

const hour = text('an hour, as "08:30"', (value): Parsed<number> => {
  const [, hours, minutes] = /^(\d{2}):(\d{2})$/.exec(value) ?? [];
  const minute = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && minute <= 1440 ? parsed(minute) : unreadable('expected an hour, as "08:30"');
});

const zone = text('a time zone, as Europe/Berlin', (value) =>
  isZone(value) ? parsed(value) : unreadable('expected a time zone, as Europe/Berlin or UTC'),
);

const window = section({
  days: list(oneOf(weekdays), `days (${weekdays.join(', ')})`, 1).optional(),
  from: hour.optional(),
  to: hour.optional(),
  zone: zone.optional(),
});

const conditions = section({
  listener: list(pattern, 'names of listeners', 1).optional(),
  client: list(network, 'networks', 1).optional(),
  server: list(network, 'networks', 1).optional(),
  user: list(pattern, 'names of users', 1).optional(),
  login: oneOf(['in', 'out']).optional(),
  clientTls: trueOrFalse.optional(),
  serverTls: trueOrFalse.optional(),
  certificate: list(pattern, 'subjects of certificates', 1).optional(),
  verb: list(verbOrGroup, 'verbs and groups of verbs', 1).optional(),
  site: list(siteCommand, 'commands behind SITE', 1).optional(),
  argument: list(pattern, 'arguments', 1).optional(),
  longerThan: wholeNumber(0, 65_535, 'octets').optional(),
  path: list(path, 'paths', 1).optional(),
  direction: list(oneOf(transferDirections), `directions (${transferDirections.join(', ')})`, 1).optional(),
  mode: oneOf(['active', 'passive']).optional(),
  time: list(window, 'windows {days, from, to, zone}', 1).optional(),
});

const ruleName = text('a name', (value) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)
    ? parsed(value)
    : unreadable('expected a name of letters, digits, dots, hyphens and underscores, 64 at most'),
);

const sentence = text('a sentence', (value) =>
  /^[\x20-\x7e]{1,200}$/.test(value)
    ? parsed(value)
    : unreadable('expected one line of 1 to 200 ASCII characters, because clients of every kind have to read it'),
);

export const accessSchema = section({
  default: oneOf(['allow', 'deny']),
  rules: list(
    section({
      name: ruleName,
      when: conditions.optional(),
      // biome-ignore lint/suspicious/noThenProperty: the operator's word, in a plain record that nobody awaits.
      then: oneOf(accessVerdicts),
      reply: sentence.optional(),
      why: sentence.optional(),
    }),
    'rules {name, when, then}',
  ),
});

export const siteList = list(siteCommand, 'commands behind SITE');

/** Runs programs, copies any file, or changes what others may do. CVE-2015-3306 (ProFTPD mod_copy). */
export const refusedSiteCommands: ReadonlySet<string> = new Set(['EXEC', 'CPFR', 'CPTO', 'CHMOD', 'CHGRP', 'SYMLINK']);

export function accessOf(file: z.output<typeof accessSchema> | undefined): AccessRules {
  if (file === undefined) return openAccess;
  const rules = file.rules.map(
    (rule): AccessRule => ({
      name: rule.name,
      when: conditionsOf(rule.when ?? {}),
      verdict: rule.then,
      reply: rule.reply,
      why: rule.why,
    }),
  );
  return { rules, otherwise: file.default, needsPaths: rules.some(({ when }) => when.path !== undefined) };
}

function conditionsOf({ verb, site, direction, time, ...same }: z.output<typeof conditions>): Conditions {
  return defined({
    ...same,
    ...(verb === undefined ? {} : verbsOf(verb)),
    site: site === undefined ? undefined : new Set(site),
    direction: direction === undefined ? undefined : new Set<string>(direction),
    time: time?.map(windowOf),
  });
}

function verbsOf(words: readonly string[]): Pick<Conditions, 'verb' | 'group'> {
  const groups = words.filter((word) => verbGroups.some((group) => group === word));
  const verbs = words.filter((word) => !groups.includes(word));
  return {
    ...(verbs.length === 0 ? {} : { verb: new Set(verbs) }),
    ...(groups.length === 0 ? {} : { group: new Set(groups) }),
  };
}

function windowOf({ days, from, to, zone: where }: z.output<typeof window>): TimeWindow {
  const all: readonly Weekday[] = weekdays;
  return { days: days ?? all, from: from ?? 0, to: to ?? 1440, zone: where ?? 'UTC' };
}

function defined<T extends object>(keys: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as T;
}
