// Wrong rules with all their problems stand in test/fixtures/rules; the settings' tests read them too.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Ruleset } from '../../../src/policy/ruleset.ts';
import { parseRuleset } from '../../../src/settings/parse-ruleset.ts';
import { printProblem } from '../../../src/yaml/problem.ts';

const root = join(import.meta.dirname, '../../..');
const packaged = readFileSync(join(root, 'rules/default.yaml'), 'utf8');

describe('rules/default.yaml', () => {
  it('refuses every bounce, and the verbs that go around the gateway', () => {
    assert.deepEqual(mustParse(packaged), {
      source: 'rules.yaml',
      dataConnections: {
        minimumPort: 1024,
        activePorts: undefined,
        beforeLogin: 'refuse',
        unspecifiedAddress: 'replace',
        foreignPassiveAddress: 'replace',
        fxp: [],
      },
      verbs: {
        refuse: new Set(['LPRT', 'LPSV', 'P@SW', 'CPSV', 'SPSV', 'SSCN']),
        allow: new Set(),
        unknown: 'refuse',
        site: { allow: undefined, refuse: new Set(['EXEC', 'CPFR', 'CPTO', 'CHMOD', 'CHGRP', 'SYMLINK']) },
      },
      access: { rules: [], otherwise: 'allow', needsPaths: false },
      malformedReply: 'close',
      masks: { greeting: undefined, system: undefined, privateAddresses: false },
    });
  });

  it('shows an example of FXP that can be used as it stands', () => {
    const example = /^ {2}# {3}(fxp:\n(?: {2}# {4,}\S.*\n)+)/m.exec(packaged)?.[1]?.replace(/^ {2}# {3}/gm, '  ');
    assert.ok(example !== undefined);
    const { fxp } = mustParse(packaged.replace('fxp: []\n', example)).dataConnections;
    assert.deepEqual(
      fxp.map(({ between, and }) => [between.text, and.text]),
      [['10.0.0.5/32', '198.51.100.0/24']],
    );
  });
});

describe('parseRuleset', () => {
  it('takes verbs in any case, PORT and PASV among them', () => {
    assert.deepEqual([...mustParse(packaged.replace('- LPRT ', '- port\n    - XCup2 ')).verbs.refuse].slice(0, 2), [
      'PORT',
      'XCUP2',
    ]);
  });

  it('takes a file without the keys that came later for the safe choice', () => {
    const older = packaged.replace(/^ {2}(?:beforeLogin|allow): .*\n/gm, '').replace(/^malformedReply: .*\n/m, '');
    assert.deepEqual(mustParse(older), mustParse(packaged));
  });

  it('reads what of the server is hidden', () => {
    const masked = packaged.replace(/^# (masks:| {2}(?:greeting|system|privateAddresses):)/gm, '$1');
    assert.deepEqual(mustParse(masked).masks, {
      greeting: 'FTP server ready.',
      system: 'UNIX Type: L8',
      privateAddresses: true,
    });
    assert.equal(mustParse(masked.replace(/^ {2}system: .*$/m, '')).masks.system, undefined);
  });

  it('reads the only ports that may be named, and verbs that may pass', () => {
    const file = packaged
      .replace('# activePorts: 1024-65535', 'activePorts: 50000-50999')
      .replace('allow: []', 'allow: [rcmd]');
    const { dataConnections, verbs } = mustParse(file);
    assert.deepEqual(dataConnections.activePorts, [{ from: 50_000, to: 50_999 }]);
    assert.deepEqual(verbs.allow, new Set(['RCMD']));
  });

  it('names the rules by another source where it is given one', () => {
    const result = parseRuleset('rules.yaml', packaged, 'packaged default');
    assert.equal(result.ok && result.value.ruleset.source, 'packaged default');
  });

  it('decides nothing that the file does not', () => {
    assert.deepEqual(problemsOf('verbs: {}\n'), [
      'rules.yaml:1:1: dataConnections: is missing; expected keys and values',
      'rules.yaml:1:8: verbs.refuse: is missing; expected a list of verbs',
      'rules.yaml:1:8: verbs.unknown: is missing; expected refuse or forward',
    ]);
  });

  it('fills nothing in from the environment', () => {
    const text = packaged.replace('unknown: refuse', `unknown: \${HOME}`);
    assert.match(problemsOf(text).join(), /expected refuse or forward, found "\$\{HOME\}"$/);
  });

  it('tells what an empty file lacks', () => {
    assert.deepEqual(problemsOf('# nothing yet\n'), [
      'rules.yaml:1:1: this rules file is empty; copy rules/default.yaml and change it',
    ]);
  });

  it('tells every problem with its place', () => {
    const wrong = readFileSync(join(root, 'test/fixtures/rules/wrong.yaml'), 'utf8');
    assert.deepEqual(problemsOf(wrong), [
      'rules.yaml:2:3: dataConnections.foreignPassiveAddress: is missing; expected replace or refuse',
      'rules.yaml:2:16: dataConnections.minimumPort: expected a port from 1 to 65535, found 0',
      'rules.yaml:3:23: dataConnections.unspecifiedAddress: expected replace or refuse, found "allow"',
      'rules.yaml:4:3: unknown key "foreignPasiveAddress" in dataConnections; did you mean foreignPassiveAddress?',
      'rules.yaml:6:16: dataConnections.fxp[0].between: ' +
        'host bits are set; the network is 10.0.0.0/8, found "10.0.0.5/8"',
      'rules.yaml:7:12: dataConnections.fxp[0].and: ' +
        'expected an IPv4 address of four decimal numbers, or an IPv6 address, found "example.net"',
      'rules.yaml:8:7: dataConnections.fxp[1]: expected keys and values, found "10.0.0.5"',
      'rules.yaml:9:7: dataConnections.fxp[2].and: is missing; expected an address or a network, as 192.0.2.0/24',
      'rules.yaml:9:27: unknown key "to" in dataConnections.fxp[2]; expected one of between, and',
      'rules.yaml:13:7: verbs.refuse[1]: expected a verb of letters, such as LPRT, found "SITE CHMOD"',
      'rules.yaml:14:7: verbs.refuse[2]: expected a verb, found 7',
      'rules.yaml:15:12: verbs.unknown: expected refuse or forward, found "pass"',
    ]);
  });
});

const shadowed = `
dataConnections: { minimumPort: 1024, unspecifiedAddress: replace, foreignPassiveAddress: replace, fxp: [] }
verbs: { refuse: [], unknown: refuse }
access:
  default: allow
  rules:
    - { name: writers, when: { user: [anna], verb: [write] }, then: deny }
    - { name: anna-stores, when: { user: [anna], verb: [STOR], path: ["/x/**"] }, then: allow }
    - { name: anna-deletes, when: { user: [anna], verb: [DELE] }, then: allow }
    - { name: site-without-site, when: { verb: [STOR], site: [CHMOD] }, then: deny }
    - { name: downloads-by-stor, when: { verb: [STOR], direction: [download] }, then: deny }
    - { name: short, when: { longerThan: 100 }, then: deny }
    - { name: long, when: { longerThan: 200 }, then: deny }
    - { name: maybe, when: { path: ["/a/**"] }, then: allow }
    - { name: still-there, when: { path: ["/a/**"] }, then: deny }
    - { name: all, then: allow }
    - { name: never, when: { login: out }, then: deny }
`.trimStart();

describe('rules that can never match', () => {
  it('are told where it is certain, and only there', () => {
    const read = parseRuleset('rules.yaml', shadowed);
    assert.ok(read.ok);
    assert.deepEqual(read.value.warnings.map(printProblem), [
      'rules.yaml:7:7: access.rules[1]: this rule can never match: rule writers before it matches all that it could',
      'rules.yaml:9:7: access.rules[3]: this rule can never match: site asks for SITE, and verb does not name it',
      'rules.yaml:10:7: access.rules[4]: this rule can never match: no verb of it begins a transfer in this direction',
      'rules.yaml:12:7: access.rules[6]: this rule can never match: rule short before it matches all that it could',
      'rules.yaml:16:7: access.rules[10]: this rule can never match: rule all before it matches all that it could',
    ]);
  });

  for (const name of readdirSync(join(root, 'rules')).filter((file) => file.endsWith('.yaml'))) {
    it(`rules/${name} has none`, () => {
      const read = parseRuleset(name, readFileSync(join(root, 'rules', name), 'utf8'));
      assert.deepEqual(read.ok ? read.value.warnings : read.reason.map(printProblem), []);
    });
  }
});

function mustParse(text: string): Ruleset {
  const result = parseRuleset('rules.yaml', text);
  assert.ok(result.ok, result.ok ? '' : result.reason.map(printProblem).join('\n'));
  return result.value.ruleset;
}

function problemsOf(text: string): string[] {
  const result = parseRuleset('rules.yaml', text);
  return result.ok ? [] : result.reason.map(printProblem);
}
