// Our table with the real nftables and kernel, in a network namespace of this file: what is printed is accepted, what
// is installed is complete and goes again, what is not ours stays, and each obstacle has its sentence.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { afterEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Hole, opening } from '../../../src/nftables/hole.ts';
import { missingFeatures } from '../../../src/nftables/kernel-features.ts';
import { printRuleset } from '../../../src/nftables/ruleset.ts';
import { check, install, probe, remove, type TableOutcome } from '../../../src/nftables/table.ts';
import { type TablePlan, tableComment } from '../../../src/nftables/table-plan.ts';
import { done } from '../../../src/result.ts';
import { runNft } from '../../../src/sys/libnftables.ts';
import { SetElements } from '../../../src/sys/nfnetlink.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { address, endpoint, intercept, networks, tablePlan } from '../../support/table-plans.ts';

const skip = whyNoOwnNetwork();

const plan: TablePlan = {
  ...tablePlan,
  intercepts: [
    { ...intercept, interface: 'lo', ports: [21, 2100] },
    { ...intercept, listener: 'inside', families: [4], listenAddress: address('127.0.0.1'), listenPort: 2122 },
  ],
  passiveRanges: [{ from: 40_000, to: 40_099 }],
  engines: 2,
  guard: networks('10.77.0.0/24', '2001:db8:77::/64'),
  dscp: { control: undefined, data: 8 },
};

function nft(script: string): string {
  const result = runNft(script);
  assert.ok(result.ok, result.ok ? '' : `${script}\n${result.reason}`);
  return result.value;
}

/** Everything that nftables has in the namespace. */
function everything(): string {
  return nft('list ruleset');
}

function sentence(outcome: TableOutcome): string {
  assert.ok(!outcome.ok);
  assert.doesNotMatch(outcome.reason, /\n/);
  return outcome.reason;
}

afterEach(() => {
  if (skip === false) nft('flush ruleset');
});

describe('the table in the kernel', { skip }, () => {
  it('is complete once installed, and its removal leaves nothing', () => {
    assert.deepEqual(probe(plan), []);
    assert.equal(everything(), '');
    assert.deepEqual(install(plan, { replace: false }), done);
    assert.deepEqual(check(plan), done);
    assert.deepEqual(remove(plan), done);
    assert.equal(everything(), '');
    assert.deepEqual(remove(plan), done);
  });

  it('is replaced as a whole, and only where that is asked for', () => {
    install(plan, { replace: false });
    const fresh = everything();
    nft('add element inet portcullis pinholes4 { 192.0.2.1 . 192.0.2.2 . 5000 }');
    nft('add chain inet portcullis another');
    assert.equal(sentence(install(plan, { replace: false })), 'the nftables table inet portcullis is there already');
    assert.match(everything(), /192\.0\.2\.1 \. 192\.0\.2\.2 \. 5000/);
    assert.deepEqual(install(plan, { replace: true }), done);
    assert.equal(everything(), fresh);
  });

  it('stays as it was when its successor cannot be installed', () => {
    install(plan, { replace: false });
    const before = everything();
    const impossible = { ...plan, intercepts: [{ ...intercept, listenAddress: address('::1') }] };
    assert.match(sentence(install(impossible, { replace: true })), /^nftables: /);
    assert.equal(everything(), before);
    assert.equal(probe(impossible).length, 1);
  });

  it('leaves other tables alone', () => {
    nft(`table inet filter {
      chain forward { type filter hook forward priority filter; policy drop;
        ct mark 0xf7b accept
      }
    }
    table ip portcullis { comment "of another family"; }`);
    const others = everything();
    install(plan, { replace: false });
    assert.ok(everything().startsWith(others));
    remove(plan);
    assert.equal(everything(), others);
  });

  it('takes the elements of pinholes of both families', () => {
    install(plan, { replace: false });
    const holes: Hole[] = [
      {
        initiator: address('198.51.100.2'),
        advertised: endpoint('203.0.113.10:50001'),
        responder: endpoint('10.77.0.2:1024'),
        source: address('10.77.0.1'),
      },
      {
        initiator: address('2001:db8:1::2'),
        advertised: endpoint('[2001:db8:1::1]:50001'),
        responder: endpoint('[2001:db8:77::2]:1024'),
        source: address('2001:db8:77::1'),
      },
    ];
    const elements = SetElements.open(plan.table);
    for (const hole of holes) assert.deepEqual(elements.commit(opening(hole, 30_000)), done);
    elements.close();
    for (const [object, element] of [
      ['set inet portcullis pinholes4', /198\.51\.100\.2 \. 10\.77\.0\.2 \. 1024 /],
      ['map inet portcullis redirects4', /198\.51\.100\.2 \. 203\.0\.113\.10 \. 50001 .*: 10\.77\.0\.2 \. 1024 /],
      ['map inet portcullis sources4', /198\.51\.100\.2 \. 10\.77\.0\.2 \. 1024 .*: 10\.77\.0\.1 /],
      ['set inet portcullis pinholes6', /2001:db8:1::2 \. 2001:db8:77::2 \. 1024 /],
      ['map inet portcullis redirects6', /2001:db8:1::2 \. 2001:db8:1::1 \. 50001 .*: 2001:db8:77::2 \. 1024 /],
      ['map inet portcullis sources6', /2001:db8:1::2 \. 2001:db8:77::2 \. 1024 .*: 2001:db8:77::1 /],
    ] as const) {
      assert.match(nft(`list ${object}`).replace(/\s+/g, ' '), element);
    }
  });

  it('is accepted by nft whatever the plan, complete as installed, and nothing but the table', () => {
    fc.assert(
      fc.property(plans, (any) => {
        // What a failure has left must not fail what it is shrunk to.
        nft('flush ruleset');
        const printed = printRuleset(any);
        const { status, stderr } = spawnSync('nft', ['-c', '-f', '-'], { input: printed, encoding: 'utf8' });
        assert.equal(status, 0, `${stderr}\n${printed}`);
        assert.deepEqual(install(any, { replace: false }), done);
        assert.deepEqual(check(any), done);
        assert.deepEqual(nft('list tables').match(/^table .*$/gm), [`table inet ${any.table}`]);
        remove(any);
        assert.equal(everything(), '');
      }),
      { numRuns: 40 },
    );
  });
});

describe('a table that the operator loads', { skip }, () => {
  const damages: [damage: string, script: string, missing: string[]][] = [
    [
      'a map is gone',
      'flush chain inet portcullis translate_source; delete map inet portcullis sources6;',
      ['no map sources6', 'no "tcp dport map @sources4" in chain translate_source'],
    ],
    ['a chain is gone', 'delete chain inet portcullis classify', ['no chain classify']],
    [
      'nothing uses the pinholes',
      'flush chain inet portcullis admit',
      [
        'no "tcp dport @pinholes4 jump trying" in chain admit',
        'no "daddr @guarded6 tcp dport" in chain admit',
        'no "ct state invalid ip daddr @guarded4" in chain admit',
      ],
    ],
    [
      'nothing takes a used pinhole out',
      'flush chain inet portcullis trying',
      ['no "tcp dport @pinholes4 delete @pinholes4" in chain trying', 'no "add @tries6" in chain trying'],
    ],
    [
      'sets of another type',
      `flush ruleset; table inet portcullis {
         set pinholes4 { type ipv4_addr . inet_service; flags timeout; }
         map redirects6 { type ipv6_addr . ipv6_addr . inet_service : ipv6_addr; flags timeout; }
         chain divert {
           type filter hook prerouting priority mangle;
           tcp dport 21 tproxy ip to :2121 meta mark set 2 accept;
         }
       }`,
      [
        'no "type ipv4_addr . ipv4_addr . inet_service;" in set pinholes4',
        'no "flags dynamic,timeout;" in set pinholes4',
        'no "type ipv6_addr . ipv6_addr . inet_service : ipv6_addr . inet_service;" in map redirects6',
        'no "tcp dport { 21, 2100 } jump to_servers" in chain divert',
        'no chain to_servers',
        'no chain translate_destination',
      ],
    ],
  ];
  for (const [damage, script, missing] of damages) {
    it(`does not pass when ${damage}`, () => {
      nft(printRuleset(plan));
      assert.deepEqual(check(plan), done);
      nft(script);
      const problem = sentence(check(plan));
      for (const phrase of missing) assert.ok(problem.includes(phrase), `${phrase}\nis not in\n${problem}`);
    });
  }

  it('does not pass when the settings have changed since', () => {
    nft(printRuleset(plan));
    for (const changes of [
      { divertMark: 2 },
      { dataMark: 2 },
      { endFlows: true },
      { serverMark: 2 },
      { passiveRanges: [{ from: 40_000, to: 40_098 }] },
      { engines: 3 },
      { intercepts: [{ ...plan.intercepts[0]!, clients: networks('192.0.2.0/24'), listenPort: 2123 }] },
      { intercepts: [{ ...intercept, interface: 'lo', ports: [21, 2101] }] },
      { intercepts: [{ ...intercept, interface: 'eth0', ports: [21, 2100] }] },
      { intercepts: [{ ...intercept, interface: 'lo', ports: [21, 2100], listenPort: 2123 }] },
      { intercepts: [{ ...intercept, interface: 'lo', ports: [21, 2100], serverPorts: [21, 2101] }] },
    ]) {
      assert.ok(!check({ ...plan, ...changes }).ok, JSON.stringify(changes));
    }
  });

  it('is not there', () => {
    const problem = sentence(check(plan));
    assert.equal(problem, 'there is no nftables table inet portcullis; load what `portcullis rules` prints');
  });

  it('may carry additions and no comment', () => {
    nft(printRuleset(plan).replace(/^ {2}comment .*$/m, '  chain mine {\nip saddr 192.0.2.1 drop\n}'));
    assert.deepEqual(check(plan), done);
  });
});

describe('obstacles', { skip }, () => {
  it("somebody else's table of the name: told, and never touched", () => {
    nft(`add table inet portcullis; add chain inet portcullis mine
      add rule inet portcullis mine ip saddr 192.0.2.1 drop`);
    const before = everything();
    const [problem, ...more] = probe(plan);
    assert.match(problem!, /^there is a nftables table inet portcullis that Portcullis did not make/);
    assert.deepEqual(more, []);
    for (const replace of [false, true]) assert.equal(sentence(install(plan, { replace })), problem);
    assert.deepEqual(remove(plan), done);
    assert.equal(everything(), before);
  });

  it('a table of our own that is still there is none', () => {
    install(plan, { replace: false });
    const before = everything();
    assert.ok(before.includes(tableComment));
    assert.deepEqual(probe(plan), []);
    assert.equal(everything(), before);
  });

  it('an interface that does not exist', () => {
    const absent = { ...plan, intercepts: [{ ...intercept, interface: 'wan7' }, ...plan.intercepts] };
    assert.deepEqual(probe(absent), ['listener perimeter: there is no network interface wan7']);
    const nowhere = { ...plan, intercepts: [{ ...plan.intercepts[0]!, egress: 'wan8' }] };
    assert.deepEqual(probe(nowhere), ['listener perimeter: there is no network interface wan8']);
  });

  it('a name that is a word of the language', () => {
    assert.deepEqual(probe({ ...plan, table: 'counter' }), [
      'nftables refuses the table inet counter: Error: syntax error, unexpected counter, expecting string',
    ]);
  });

  it('no right to it', () => {
    const code = `
      import { probe } from '${new URL('../../../src/nftables/table.ts', import.meta.url)}';
      import { tablePlan } from '${new URL('../../support/table-plans.ts', import.meta.url)}';
      console.log(JSON.stringify(probe(tablePlan)));`;
    const words = ['--bounding-set=-net_admin', process.execPath, '--import', 'tsx', '--input-type=module', '-e', code];
    const { stdout, stderr } = spawnSync('setpriv', words, { encoding: 'utf8' });
    assert.match(stdout, /^\["[^"]*CAP_NET_ADMIN[^"]*"\]\n$/, stderr);
  });

  it('a feature of the kernel that is missing: one sentence for each', () => {
    assert.deepEqual(
      missingFeatures((script) => runNft(script, { check: true })),
      [],
    );
    const without = (word: string) =>
      missingFeatures((script) =>
        script.includes(word)
          ? { ok: false, reason: 'Error: Could not process rule\nchain' }
          : runNft(script, { check: true }),
      );
    for (const word of ['tproxy', 'socket wildcard', 'delete @', 'limit rate', 'type nat', 'ct mark set', 'ct label']) {
      const sentences = without(word);
      assert.equal(sentences.length, 1, word);
      assert.match(sentences[0]!, /^nftables cannot do .* which needs .* \(Error: Could not process rule\)$/);
    }
    assert.equal(without('').length, 7);
  });
});

const interfaceName = fc.oneof(fc.constant(undefined), fc.stringMatching(/^[A-Za-z0-9_.-]{1,15}$/));
const port = fc.integer({ min: 1, max: 65_535 });
const marks = fc.integer({ min: 1, max: 0xffff_ffff });
const codePoint = fc.option(fc.integer({ min: 0, max: 63 }), { nil: undefined });
const network = fc.oneof(
  fc.integer({ min: 0, max: 32 }).map((length) => `${length === 0 ? '0.0.0.0' : '128.0.0.0'}/${length}`),
  fc.constantFrom('10.0.0.0/8', '10.77.0.0/24', '192.0.2.7/32', '192.0.2.6/31', '0.0.0.0/0', '255.255.255.255/32'),
  fc.constantFrom('2001:db8::/32', '2001:db8:77::/48', '2001:db8::1/128', '::/0', 'fe80::/10'),
);

const ports = fc.array(port, { minLength: 1, maxLength: 5 });
const plans: fc.Arbitrary<TablePlan> = fc.record({
  // A fixed beginning, because nft has too many words of its own to avoid them by chance.
  table: fc.stringMatching(/^ftp[A-Za-z0-9_.-]{0,20}$/),
  divertMark: marks,
  dataMark: marks,
  serverMark: marks,
  intercepts: fc.array(
    fc
      .record({
        name: interfaceName,
        egress: interfaceName,
        clients: fc.option(
          fc.array(network, { minLength: 1, maxLength: 4 }).map((texts) => networks(...texts)),
          {
            nil: undefined,
          },
        ),
        ports,
        serverPorts: ports,
        listenPort: port,
      })
      .chain(({ name, ...rest }) =>
        fc
          .constantFrom(
            { families: [4, 6] as const, listenAddress: undefined },
            { families: [4] as const, listenAddress: address('192.0.2.1') },
            { families: [6] as const, listenAddress: address('2001:db8::1') },
          )
          .map((where) => ({ listener: 'any', interface: name, ...rest, ...where })),
      ),
    { minLength: 1, maxLength: 4 },
  ),
  guard: fc.array(network, { maxLength: 6 }).map((texts) => networks(...texts)),
  passiveRanges: fc.uniqueArray(
    fc.tuple(port, port).map(([one, other]) => ({ from: Math.min(one, other), to: Math.max(one, other) })),
    { maxLength: 2, selector: ({ from, to }) => `${from}-${to}` },
  ),
  engines: fc.integer({ min: 1, max: 3 }),
  endFlows: fc.boolean(),
  expectationTimeoutMs: fc.integer({ min: 1, max: 600_000 }),
  pinholesMax: fc.integer({ min: 1, max: 1_000_000 }),
  dscp: fc.record({ control: codePoint, data: codePoint }),
});
