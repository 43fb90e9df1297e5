// No closed set holds a word that the program never says, and nothing is in the table of metrics that nobody counts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dropReasons } from '../../src/nftables/drop-reasons.ts';
import { events } from '../../src/observe/events.ts';
import { replyClasses } from '../../src/observe/metric-labels.ts';
import { definitionOf, metricNames } from '../../src/observe/metric-table.ts';
import { accessVerdicts } from '../../src/policy/access-rules.ts';
import { weekdays } from '../../src/policy/time-window.ts';
import { logLevels } from '../../src/settings/settings.ts';
import { verbGroups } from '../../src/wire/verb-groups.ts';
import { unsaidWords } from './closed-words.ts';
import { sourceFiles } from './source-files.ts';

/**
 * What comes from elsewhere: from an operator's file, the text of our table in the kernel, the digits of a reply, and
 * the kernel's numbers of the states of TCP.
 */
const fromElsewhere: readonly string[] = [
  ...[...logLevels, ...accessVerdicts, ...weekdays, ...verbGroups],
  ...[...dropReasons, ...replyClasses, 'established'],
];

describe('closed sets', () => {
  it('hold no word that is never said', () => {
    const unsaid = [...unsaidWords(sourceFiles())].filter(([word]) => !fromElsewhere.includes(word));
    assert.deepEqual(unsaid, []);
  });

  it('hold no event of the log that is never told', () => {
    const sources = [...sourceFiles()].filter(([name]) => name !== 'observe/events.ts').map(([, text]) => text);
    // As a word of its own: names of events are also kinds of records, which are told under them.
    const untold = Object.keys(events).filter((event) => !sources.some((text) => text.includes(`'${event}'`)));
    assert.deepEqual(untold, []);
  });

  it('are all that the log tells of: nothing but an event writes a line', () => {
    const writes = /\.log\.(?:debug|info|warn|error|fatal)\(|\blog\.(?:debug|info|warn|error|fatal)\(/;
    const allowed = ['observe/events.ts', 'observe/audit.ts', 'witness/engine-witness.ts'];
    const others = [...sourceFiles()].filter(([name, text]) => writes.test(text) && !allowed.includes(name));
    assert.deepEqual(
      others.map(([name]) => name),
      [],
    );
  });

  for (const text of [
    `export const causes = ['no-such-cause'] as const;`,
    `export type Cause = 'tls' | 'no-such-cause';`,
    `export type Event = { readonly kind: 'no-such-cause'; readonly way: number };`,
    `export function isIt(cause: 'no-such-cause' | 'tls') { return cause === 'no-such-cause'; }`,
    `export function of(cause: 'no-such-cause' | 'tls') { switch (cause) { case 'no-such-cause': return 1; } }`,
  ]) {
    it(`hold none after ${text}`, () => {
      assert.equal(unsaidWords(new Map([['session/new.ts', text]])).get('no-such-cause'), 'session/new.ts');
    });
  }

  it('know a word that is said, or chosen from another set', () => {
    const said = `export type A = 'no-such-cause'; export const a: A = 'no-such-cause';`;
    const chosen = `export type B = Omit<Record<string, number>, 'no-such-key'>;`;
    assert.equal(unsaidWords(new Map([['session/new.ts', said + chosen]])).size, 0);
  });
});

describe('the table of metrics', () => {
  it('has no metric that nobody counts', () => {
    // A metric that no other file names is, to this check, a word of a set that is never said.
    const { 'observe/metric-table.ts': _, ...others } = Object.fromEntries(sourceFiles());
    const names = `export const names = ${JSON.stringify(metricNames)} as const;`;
    const files = new Map([...Object.entries(others), ['observe/metric-names.ts', names] as const]);
    const uncounted = [...unsaidWords(files)].filter(([, file]) => file === 'observe/metric-names.ts');
    assert.deepEqual(uncounted, []);
  });

  it('gives no label the same value twice', () => {
    for (const metric of metricNames) {
      for (const [name, values] of definitionOf(metric).labels) {
        assert.equal(new Set(values).size, values.length, `${metric}: ${name}`);
      }
    }
  });
});
