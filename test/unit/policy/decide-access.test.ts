// Which rule decides, for what is known of a command, and for what is not.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AccessRule, AccessRules, AccessVerdict, Conditions } from '../../../src/policy/access-rules.ts';
import type { AccessSubject, SubjectPaths } from '../../../src/policy/access-subject.ts';
import { asksForPaths, couldPass, decideAccess } from '../../../src/policy/decide-access.ts';
import { parsePathPattern } from '../../../src/policy/path-pattern.ts';
import { liesIn, type TimeWindow, weekdays } from '../../../src/policy/time-window.ts';
import { address, networks } from '../../support/table-plans.ts';

const known = (...paths: string[]): SubjectPaths => ({
  kind: 'known',
  readings: [paths.map((path) => path.split('/').filter((segment) => segment !== ''))],
});
const unclear: SubjectPaths = { kind: 'unclear', reason: 'not known: a home folder' };

const subject: AccessSubject = {
  listener: 'front',
  client: address('198.51.100.2'),
  server: address('10.0.0.5'),
  user: 'anna',
  login: 'in',
  clientTls: true,
  serverTls: false,
  certificate: 'CN=anna,O=Example',
  verb: 'STOR',
  groups: ['write'],
  site: undefined,
  argument: 'Setup.EXE',
  argumentOctets: 9,
  paths: known('/incoming/Setup.EXE'),
  direction: 'upload',
  mode: 'passive',
  // A Monday, 12:00 UTC.
  epochMs: Date.UTC(2026, 0, 5, 12),
};

const paths = (...texts: string[]) =>
  texts.map((text) => {
    const read = parsePathPattern(text);
    assert.ok(read.ok);
    return read.value;
  });

const window = (changes: Partial<TimeWindow>): TimeWindow[] => [
  { days: weekdays, from: 0, to: 1440, zone: 'UTC', ...changes },
];

function rule(verdict: AccessVerdict, when: Conditions, name = 'one'): AccessRule {
  return { name, when, verdict, reply: undefined, why: undefined };
}

function rulesOf(...rules: AccessRule[]): AccessRules {
  return { rules, otherwise: 'deny', needsPaths: rules.some(({ when }) => when.path !== undefined) };
}

function decided(verdict: AccessVerdict, when: Conditions, changes: Partial<AccessSubject> = {}): 'matches' | 'not' {
  const { rule: name } = decideAccess(rulesOf(rule(verdict, when)), { ...subject, ...changes });
  return name === 'one' ? 'matches' : 'not';
}

describe('a condition', () => {
  const cases: readonly [what: string, when: Conditions, matches: 'matches' | 'not'][] = [
    ['none', {}, 'matches'],
    ['the listener', { listener: ['inside', 'front'] }, 'matches'],
    ['another listener', { listener: ['inside'] }, 'not'],
    ["the client's network", { client: networks('198.51.100.0/24') }, 'matches'],
    ['another network', { client: networks('192.0.2.0/24') }, 'not'],
    ["the server's network", { server: networks('10.0.0.0/8') }, 'matches'],
    ['a user by pattern', { user: ['svc-*', 'an?a'] }, 'matches'],
    ['another user', { user: ['bob'] }, 'not'],
    ['who is in', { login: 'in' }, 'matches'],
    ['who is not in', { login: 'out' }, 'not'],
    ['TLS with the client', { clientTls: true }, 'matches'],
    ['TLS with the server', { serverTls: true }, 'not'],
    ['a certificate', { certificate: ['*,O=Example'] }, 'matches'],
    ['a verb', { verb: new Set(['STOR']) }, 'matches'],
    ['a group beside another verb', { verb: new Set(['DELE']), group: new Set(['write']) }, 'matches'],
    ['another group', { group: new Set(['read']) }, 'not'],
    ['a command behind SITE', { site: new Set(['CHMOD']) }, 'not'],
    ['an argument', { argument: ['Setup.*'] }, 'matches'],
    ['a long argument', { longerThan: 8 }, 'matches'],
    ['a longer one', { longerThan: 9 }, 'not'],
    ['a direction', { direction: new Set(['upload']) }, 'matches'],
    ['the other direction', { direction: new Set(['download']) }, 'not'],
    ['passive mode', { mode: 'passive' }, 'matches'],
    ['active mode', { mode: 'active' }, 'not'],
    ['a time', { time: window({ days: ['mon'], from: 480, to: 1080 }) }, 'matches'],
    ['another day', { time: window({ days: ['sun'] }) }, 'not'],
    ['all at once', { listener: ['front'], user: ['anna'], path: paths('/incoming/**'), mode: 'passive' }, 'matches'],
    ['all but one', { listener: ['front'], user: ['anna'], path: paths('/incoming/**'), mode: 'active' }, 'not'],
  ];
  for (const [what, when, matches] of cases) {
    it(`${what}: ${matches}`, () => {
      assert.equal(decided('allow', when), matches);
      assert.equal(decided('deny', when), matches);
    });
  }

  it('anonymous means the names by which servers know nobody in particular', () => {
    for (const user of ['anonymous', 'Anonymous', 'ftp', 'FTP'])
      assert.equal(decided('deny', { user: ['anonymous'] }, { user }), 'matches', user);
    assert.equal(decided('deny', { user: ['anonymous'] }, { user: 'ftpuser' }), 'not');
    assert.equal(decided('deny', { user: ['*'] }, { user: undefined }), 'not');
  });
});

describe('what is not known, or read differently, is held against the client', () => {
  const path = paths('/incoming/**', '*.exe');
  for (const [what, changes, deny, allow] of [
    ['a path that is not known', { paths: unclear }, 'matches', 'not'],
    ['no path', { paths: { kind: 'none' } }, 'not', 'not'],
    ['one reading of two', { paths: known('/incoming\\..\\x', '/incoming/y') }, 'matches', 'not'],
    ['another case of letters', { paths: known('/INCOMING/x') }, 'matches', 'not'],
    ['a login that is under way', { login: 'unclear' }, 'matches', 'matches'],
  ] as const) {
    it(what, () => {
      assert.equal(decided('deny', { path }, changes), deny);
      assert.equal(decided('report', { path }, changes), deny);
      assert.equal(decided('close', { path }, changes), deny);
      assert.equal(decided('allow', { path }, changes), allow);
    });
  }

  it('a user of whom it is not known whether he is in', () => {
    const changes = { login: 'unclear' } as const;
    assert.equal(decided('deny', { user: ['bob'] }, changes), 'matches');
    assert.equal(decided('allow', { user: ['anna'] }, changes), 'not');
  });

  it('RNTO is given only where both its names are, and denied where one of them is', () => {
    const both: SubjectPaths = { kind: 'known', readings: [[['secret', 'a']], [['incoming', 'b']]] };
    assert.equal(decided('allow', { path: paths('/incoming/**') }, { paths: both }), 'not');
    assert.equal(decided('deny', { path: paths('/incoming/**') }, { paths: both }), 'matches');
    assert.equal(decided('allow', { path: paths('/incoming/**', '/secret/**') }, { paths: both }), 'matches');
  });

  it('the reason says what was not known', () => {
    const { reason } = decideAccess(rulesOf(rule('deny', { path })), { ...subject, paths: unclear });
    assert.equal(reason, 'rule one says so (not known: a home folder)');
  });
});

describe('paths are asked for', () => {
  const path = paths('/incoming/**');
  for (const [what, rules, asked] of [
    ['where a rule with a path could match', [rule('deny', { path })], true],
    ['not where its other conditions do not hold', [rule('deny', { path, user: ['bob'] })], false],
    ['not where a rule before it decides', [rule('allow', {}), rule('deny', { path }, 'two')], false],
    [
      'where the rule before it gives nothing',
      [rule('allow', { mode: 'active' }), rule('deny', { path }, 'two')],
      true,
    ],
  ] as const) {
    it(what, () => assert.equal(asksForPaths(rulesOf(...rules), subject), asked));
  }
});

describe('a window of the week', () => {
  const at = (text: string): number => Date.parse(text);
  for (const [given, moment, lies] of [
    [{ from: 480, to: 1080 }, '2026-01-05T08:00:00Z', true],
    [{ from: 480, to: 1080 }, '2026-01-05T17:59:59Z', true],
    [{ from: 480, to: 1080 }, '2026-01-05T18:00:00Z', false],
    [{ days: ['fri'], from: 1320, to: 120 }, '2026-01-09T23:00:00Z', true],
    [{ days: ['fri'], from: 1320, to: 120 }, '2026-01-10T01:59:00Z', true],
    [{ days: ['fri'], from: 1320, to: 120 }, '2026-01-09T01:59:00Z', false],
    [{ from: 480, to: 1080, zone: 'Europe/Berlin' }, '2026-01-05T07:00:00Z', true],
    [{ from: 480, to: 1080, zone: 'Europe/Berlin' }, '2026-07-06T06:00:00Z', true],
    [{ from: 480, to: 1080, zone: 'Europe/Berlin' }, '2026-01-05T17:00:00Z', false],
    [{ days: ['tue'], zone: 'Asia/Tokyo' }, '2026-01-05T16:00:00Z', true],
  ] as const) {
    it(`${JSON.stringify(given)} ${lies ? 'has' : 'has not'} ${moment}`, () => {
      assert.equal(liesIn(window(given)[0]!, at(moment)), lies);
    });
  }
});

describe('laws', () => {
  const verdicts = fc.constantFrom<AccessVerdict>('allow', 'deny', 'close', 'report');
  const conditions: fc.Arbitrary<Conditions> = fc.record(
    {
      user: fc.constantFrom(['anna'], ['b*'], ['anonymous']),
      group: fc.constantFrom(new Set(['write']), new Set(['read'])),
      path: fc.constantFrom(paths('/incoming/**'), paths('*.exe'), paths('/a/*/c')),
      login: fc.constantFrom('in', 'out'),
      mode: fc.constantFrom('active', 'passive'),
    },
    { requiredKeys: [] },
  );
  const rule1 = fc.tuple(verdicts, conditions, fc.string()).map(([verdict, when, name]) => rule(verdict, when, name));
  const segments = fc.array(fc.constantFrom('incoming', 'a', 'b', 'c', 'x.exe', 'Incoming'), { maxLength: 4 });
  const subjects: fc.Arbitrary<AccessSubject> = fc
    .record({
      user: fc.constantFrom('anna', 'bob', 'ftp', undefined),
      login: fc.constantFrom('in', 'out', 'unclear'),
      groups: fc.constantFrom(['write'], ['read'], []),
      mode: fc.constantFrom('active', 'passive', undefined),
      paths: fc.oneof(
        fc.constant(unclear),
        fc.constant({ kind: 'none' } as const),
        fc
          .array(fc.array(segments, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 })
          .map((readings): SubjectPaths => ({ kind: 'known', readings })),
      ),
    })
    .map((changes) => ({ ...subject, ...changes }) as AccessSubject);
  const many = fc.array(rule1, { maxLength: 5 });

  it('there is always an answer, and what stands behind the rule that gave it changes nothing', () => {
    fc.assert(
      fc.property(many, many, subjects, fc.constantFrom('allow', 'deny'), (first, more, asked, otherwise) => {
        const numbered = [...first, ...more].map((each, index) => ({ ...each, name: String(index) }));
        const all = { rules: numbered, otherwise, needsPaths: true };
        const decision = decideAccess(all, asked);
        const index = Number(decision.rule);
        if (Number.isNaN(index)) assert.equal(decision.verdict, otherwise);
        else assert.deepEqual(decideAccess({ ...all, rules: numbered.slice(0, index + 1) }, asked), decision);
      }),
      { numRuns: 500 },
    );
  });

  it('to know less never gives more', () => {
    const isGiven = (rules: readonly AccessRule[], asked: AccessSubject): boolean => {
      const { verdict } = decideAccess({ rules, otherwise: 'deny', needsPaths: true }, asked);
      return verdict === 'allow';
    };
    const taking = many.map((rules) => rules.filter(({ verdict }) => verdict !== 'report'));
    fc.assert(
      fc.property(taking, subjects, (rules, asked) => {
        if (asked.paths.kind === 'none') return;
        if (isGiven(rules, { ...asked, paths: unclear, login: 'unclear' })) assert.ok(isGiven(rules, asked));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('whether a verb could pass with some argument, as the list of features says it', () => {
  const never = rule('deny', {}, 'never');
  for (const [title, rules, otherwise, expected] of [
    ['no rule, and the default allows', [], 'allow', true],
    ['no rule, and the default denies', [], 'deny', false],
    ['denied in any case', [rule('deny', { verb: new Set(['STOR']) })], 'allow', false],
    ['closed in any case', [rule('close', { verb: new Set(['STOR']) })], 'allow', false],
    ['denied below a folder only', [rule('deny', { path: paths('/private/**') })], 'allow', true],
    ['denied in active mode only', [rule('deny', { mode: 'active' })], 'allow', true],
    ['denied with long names only', [rule('deny', { longerThan: 10 })], 'allow', true],
    ['denied at night only', [rule('deny', { time: window({ from: 0, to: 60 }) })], 'allow', true],
    ['allowed below a folder', [rule('allow', { path: paths('/incoming/**') }), never], 'deny', true],
    ['allowed for others', [rule('allow', { user: ['bert'] }), never], 'allow', false],
    ['on trial', [rule('report', {})], 'deny', true],
    ['denied for others', [rule('deny', { user: ['bert'] })], 'allow', true],
  ] as const) {
    it(title, () => assert.equal(couldPass({ rules, otherwise, needsPaths: true }, subject), expected));
  }

  it('is told to nobody before he has logged in that it could not, if it could then', () => {
    const rules = { ...rulesOf(rule('allow', { user: ['anna'] })), otherwise: 'deny' } as const;
    assert.equal(couldPass(rules, { ...subject, login: 'unclear' }), true);
  });

  it('law: what passes could pass', () => {
    const verdict = fc.constantFrom<AccessVerdict>('allow', 'deny', 'close', 'report');
    const condition = fc.constantFrom<Conditions>(
      {},
      { verb: new Set(['STOR']) },
      { verb: new Set(['RETR']) },
      { path: paths('/incoming/**') },
      { path: paths('/other') },
      { user: ['anna'] },
      { user: ['bert'] },
      { mode: 'passive' },
      { longerThan: 5 },
    );
    const some = fc.array(fc.tuple(verdict, condition), { maxLength: 5 });
    fc.assert(
      fc.property(some, fc.constantFrom('allow', 'deny'), (list, otherwise) => {
        const rules = { ...rulesOf(...list.map(([one, when]) => rule(one, when))), otherwise };
        const passes = ['allow', 'report'].includes(decideAccess(rules, subject).verdict);
        return !passes || couldPass(rules, subject);
      }),
    );
  });
});
