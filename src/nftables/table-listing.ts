// Does what `nft list table` prints hold every part that the plan needs? For tables that an operator loads himself.
// Names, types, hooks and marks are compared, and that a rule is there for each thing; not the whole wording of rules,
// which differs between versions of nft.

import { answersOfServers, interceptions, jumpToServers } from './chains.ts';
import {
  type Family,
  families,
  guarded,
  guards,
  pinholes,
  type RangeSets,
  rangeSets,
  rangesByEngine,
  redirects,
  sources,
  type TablePlan,
  tableComment,
  tries,
} from './table-plan.ts';

/** Whether the table carries the comment by which we know ours. */
export function isOurs(listing: string): boolean {
  return listing.includes(`\tcomment "${tableComment}"\n`);
}

/** What is missing or wrong, each as a phrase. */
export function missingParts(plan: TablePlan, listing: string): string[] {
  const present = partsOf(listing);
  return [...families.flatMap((family) => setsOf(plan, family)), ...chainsOf(plan)].flatMap(({ name, lines }) => {
    const found = present.get(name);
    if (found === undefined) return [`no ${name}`];
    return lines.filter((line) => !found.some((each) => holds(each, line))).map((line) => `no "${line}" in ${name}`);
  });
}

/** Its kind and name, and what must stand in its lines, each in one line. */
interface Part {
  readonly name: string;
  readonly lines: readonly string[];
}

function setsOf(plan: TablePlan, family: Family): Part[] {
  const address = `ipv${family}_addr`;
  const key = `type ${address} . ${address} . inet_service`;
  const parts = [
    { name: `set ${pinholes(family)}`, lines: [`${key};`, 'flags dynamic,timeout;'] },
    { name: `set ${tries(family)}`, lines: [`${key};`, 'flags dynamic,timeout;'] },
    { name: `map ${redirects(family)}`, lines: [`${key} : ${address} . inet_service;`, 'flags timeout;'] },
    { name: `map ${sources(family)}`, lines: [`${key} : ${address};`, 'flags timeout;'] },
  ];
  for (const { range, engine } of rangesByEngine(plan)) {
    const sets = rangeSets(family, range, engine);
    parts.push(
      { name: `set ${sets.peers}`, lines: [`type ${address} . ${address};`, 'flags timeout;'] },
      { name: `map ${sets.redirects}`, lines: [`type ${address} . ${address} : ${address};`, 'flags timeout;'] },
      { name: `map ${sets.sources}`, lines: [`type ${address} . ${address} : ${address};`, 'flags timeout;'] },
    );
  }
  if (guards(plan, family))
    parts.push({ name: `set ${guarded(family)}`, lines: [`type ${address};`, 'flags interval;'] });
  return parts;
}

function chainsOf(plan: TablePlan): Part[] {
  const [divertMark, dataMark] = [printedMark(plan.divertMark), printedMark(plan.dataMark)];
  const each = (line: (family: Family) => string): string[] => families.map(line);
  const opaque = (line: (sets: RangeSets) => string): string[] =>
    rangesByEngine(plan).flatMap(({ range, engine }) =>
      families.map((family) => line(rangeSets(family, range, engine))),
    );
  const taken = plan.intercepts.flatMap((intercept) =>
    interceptions(intercept).map(({ from, taken }) =>
      intercept.clients === undefined
        ? `${from}${taken} meta mark set ${divertMark}`
        : `${taken} meta mark set ${divertMark}`,
    ),
  );
  const parts: Part[] = [
    {
      name: 'chain divert',
      lines: ['type filter hook prerouting', jumpToServers(plan), answersOfServers(plan)],
    },
    { name: 'chain to_servers', lines: taken },
    {
      name: 'chain ours_untracked',
      lines: ['socket wildcard 1 return', `meta mark set ${divertMark} notrack accept`],
    },
    {
      name: 'chain untrack',
      lines: [
        'type filter hook output',
        'socket transparent 1 notrack',
        `meta mark ${printedMark(plan.serverMark)} accept`,
        `socket transparent 1 meta mark set ${divertMark}`,
      ],
    },
    { name: 'chain ours', lines: ['socket wildcard 1 return', `meta mark set ${divertMark} accept`] },
    {
      name: 'chain relayed',
      lines: ['type filter hook prerouting', `ct mark ${dataMark} accept`, 'socket transparent 1 jump ours'],
    },
    {
      name: 'chain translate_destination',
      lines: [
        'type nat hook prerouting',
        `meta mark ${divertMark} dnat ip to ip daddr`,
        ...each((family) => `tcp dport map @${redirects(family)}`),
        ...each((family) => `tcp dport @${pinholes(family)} dnat`),
        ...opaque(({ redirects }) => `map @${redirects}`),
      ],
    },
    {
      name: 'chain admit',
      lines: [
        'type filter hook forward',
        `ct mark ${dataMark} jump trying`,
        ...each((family) => `tcp dport @${pinholes(family)} jump trying`),
        ...opaque(({ peers }) => `daddr @${peers} ct mark set ${dataMark}`),
        ...families
          .filter((family) => guards(plan, family))
          .flatMap((family) => [
            `daddr @${guarded(family)} tcp dport`,
            `ct state invalid ${family === 4 ? 'ip' : 'ip6'} daddr @${guarded(family)}`,
            `ct state new ${family === 4 ? 'ip' : 'ip6'} daddr @${guarded(family)} tcp flags`,
            ...(plan.endFlows ? [`saddr @${guarded(family)} reject with tcp reset`] : []),
          ]),
      ],
    },
    {
      name: 'chain trying',
      lines: [
        ...each((family) => `add @${tries(family)}`),
        ...each((family) => `tcp dport @${pinholes(family)} delete @${pinholes(family)}`),
        `ct mark set ${dataMark} accept`,
      ],
    },
    {
      name: 'chain translate_source',
      lines: [
        'type nat hook postrouting',
        `meta mark ${divertMark} snat ip to ip saddr`,
        ...each((family) => `tcp dport map @${sources(family)}`),
        ...opaque((sets) => `map @${sets.sources}`),
        `ct mark ${dataMark} snat ip to ip saddr`,
      ],
    },
  ];
  if (plan.dscp.data !== undefined)
    parts.push({ name: 'chain classify', lines: ['type filter hook forward', 'dscp set'] });
  return parts;
}

function printedMark(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/** The lines of each block, which stand one tab deep; those in it two, further lines of long elements deeper. */
function partsOf(listing: string): Map<string, string[]> {
  const parts = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of listing.split('\n')) {
    const name = /^\t(\w+ \w+) \{$/.exec(line)?.[1];
    if (name !== undefined) {
      lines = [];
      parts.set(name, lines);
    } else if (line.startsWith('\t\t')) {
      lines.push(line);
    }
  }
  return parts;
}

function holds(line: string, wanted: string): boolean {
  return plainWords(`${line};`).includes(plainWords(wanted));
}

/** nft prints a set of one port without braces; otherwise words are words. */
function plainWords(text: string): string {
  return ` ${text.replace(/[{},]/g, ' ').replace(/;/g, ' ; ').replace(/\s+/g, ' ').trim()} `;
}
