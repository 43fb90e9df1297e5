// What does the text say for each thing that a plan may hold? That nft takes it, and what the kernel makes of it, is
// tried with the real ones in table.test.ts and end to end.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printRemoval, printRuleset } from '../../../src/nftables/ruleset.ts';
import type { Intercept, TablePlan } from '../../../src/nftables/table-plan.ts';
import { address, intercept, networks, tablePlan } from '../../support/table-plans.ts';

/** The lines of the script that are not comments, without what is around them. */
function linesOf(changes: Partial<TablePlan> = {}): string[] {
  const text = printRuleset({ ...tablePlan, ...changes });
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function intercepting(changes: Partial<Intercept>): string[] {
  return linesOf({ intercepts: [{ ...intercept, ...changes }] });
}

function assertHas(lines: readonly string[], line: string): void {
  assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`);
}

describe('the script', () => {
  it('replaces a table of the name in one transaction', () => {
    const lines = linesOf({ table: 'ftp_gate' });
    assert.deepEqual(lines.slice(0, 3), [
      'add table inet ftp_gate',
      'delete table inet ftp_gate',
      'table inet ftp_gate {',
    ]);
    assert.equal(printRemoval({ table: 'ftp_gate' }), 'add table inet ftp_gate\ndelete table inet ftp_gate\n');
  });

  it('names no other table and has only base chains that accept what they do not know', () => {
    const text = linesOf({ guard: networks('10.77.0.0/24', '2001:db8::/32'), dscp: { control: 1, data: 2 } }).join(
      '\n',
    );
    assert.equal(text.match(/\btable inet /g)?.length, 3);
    const bases = text.match(/^type \w+ hook \w+ priority [\w +-]+; policy accept;$/gm);
    const chains = text.match(/^chain .*$/gm)?.filter((line) => !/^chain (ours|to_servers|trying)/.test(line));
    assert.equal(bases?.length, chains?.length);
  });

  it('tells the commands and the rule that the machine needs beside it, for the families that are intercepted', () => {
    const both = printRuleset({ ...tablePlan, divertMark: 0x20, dataMark: 0xabc });
    for (const line of [
      '#   ip -4 rule add fwmark 0x20 lookup 100',
      '#   ip -4 route add local 0.0.0.0/0 dev lo table 100',
      '#   ip -6 rule add fwmark 0x20 lookup 100',
      '#   ip -6 route add local ::/0 dev lo table 100',
      '#   meta mark 0x20 accept',
      '#   ct mark 0xabc accept',
    ]) {
      assert.ok(
        both.split('\n').some((each) => each.startsWith(line)),
        line,
      );
    }
    const one = printRuleset({ ...tablePlan, intercepts: [{ ...intercept, families: [4] }] });
    assert.doesNotMatch(one, /ip -6/);
  });

  it('bounds sets and maps in number and time', () => {
    const lines = linesOf({ pinholesMax: 1000, expectationTimeoutMs: 2_500 });
    for (const family of [4, 6]) {
      const type = `type ipv${family}_addr . ipv${family}_addr . inet_service`;
      assertHas(lines, `set pinholes${family} { ${type}; flags dynamic,timeout; timeout 2500ms; size 1000; }`);
      assertHas(
        lines,
        `map redirects${family} { ${type} : ipv${family}_addr . inet_service; flags timeout; size 1000; }`,
      );
      assertHas(lines, `map sources${family} { ${type} : ipv${family}_addr; flags timeout; size 1000; }`);
    }
  });
});

describe('interception', () => {
  const marked = 'meta mark set 0x1 notrack accept';
  const unread = 'counter name "unread" drop';

  it('takes the ports of both families, from everywhere, and lets none of them pass unread', () => {
    const lines = intercepting({ ports: [2100, 21, 21] });
    assertHas(lines, 'tcp dport { 21, 2100 } jump to_servers');
    assertHas(lines, `tcp dport { 21, 2100 } tproxy ip to :2121 ${marked}`);
    assertHas(lines, `tcp dport { 21, 2100 } tproxy ip6 to :2121 ${marked}`);
    assertHas(lines, `meta nfproto ipv4 ct state new,untracked tcp dport { 21, 2100 } ${unread}`);
    assertHas(lines, `meta nfproto ipv6 ct state new,untracked tcp dport { 21, 2100 } ${unread}`);
  });

  it('takes only what comes in at the interface', () => {
    const lines = intercepting({ interface: 'eth0.100', families: [4] });
    assertHas(lines, `iifname "eth0.100" tcp dport { 21 } tproxy ip to :2121 ${marked}`);
    assertHas(lines, `iifname "eth0.100" meta nfproto ipv4 ct state new,untracked tcp dport { 21 } ${unread}`);
    assert.ok(!lines.some((line) => line.includes('tproxy ip6')));
  });

  it('names the address of a listener that has one', () => {
    assertHas(
      intercepting({ families: [4], listenAddress: address('127.0.0.1') }),
      `tcp dport { 21 } tproxy ip to 127.0.0.1:2121 ${marked}`,
    );
    assertHas(
      intercepting({ families: [6], listenAddress: address('::1') }),
      `tcp dport { 21 } tproxy ip6 to [::1]:2121 ${marked}`,
    );
  });

  it('has rules for each listener', () => {
    const second = { ...intercept, listener: 'inside', interface: 'lan0', listenPort: 2122 };
    const lines = linesOf({ intercepts: [intercept, second] });
    assertHas(lines, `tcp dport { 21 } tproxy ip to :2121 ${marked}`);
    assertHas(lines, `iifname "lan0" tcp dport { 21 } tproxy ip to :2122 ${marked}`);
  });

  it('knows what servers answer by their ports, those behind published ones among them', () => {
    const second = { ...intercept, listener: 'inside', ports: [2021], serverPorts: [990, 21] };
    const lines = linesOf({ intercepts: [intercept, second] });
    assertHas(lines, 'tcp sport { 21, 990 } socket transparent 1 jump ours_untracked');
    assertHas(lines, 'tcp sport { 21, 2021 } socket transparent 1 notrack');
    assertHas(lines, 'tcp dport { 21, 990 } socket transparent 1 notrack');
  });

  it('leaves to forwarding what merely goes to the port of a listening socket', () => {
    const lines = linesOf({ divertMark: 0x7f });
    for (const [chain, verdict] of [
      ['ours', 'accept'],
      ['ours_untracked', 'notrack accept'],
    ]) {
      const at = lines.indexOf(`chain ${chain} {`);
      assert.deepEqual(lines.slice(at + 1, at + 4), ['socket wildcard 1 return', `meta mark set 0x7f ${verdict}`, '}']);
    }
  });

  it('looks for no socket where a data connection runs in the kernel', () => {
    const lines = linesOf({ divertMark: 0x7f, dataMark: 0xabc });
    const at = lines.indexOf('chain relayed {');
    assert.deepEqual(lines.slice(at + 2, at + 5), [
      'ct mark 0xabc accept',
      'meta mark 0x7f accept',
      'meta l4proto tcp socket transparent 1 jump ours',
    ]);
  });
});

describe('connections that have ended with their session', () => {
  const middle =
    'ct state new tcp flags & (fin | syn | rst | ack) != syn tcp sport { 20, 1024-65535 } tcp dport { 20, 1024-65535 }';

  it('are reset in their middle, from and to guarded networks, before the guard drops them', () => {
    const lines = linesOf({ guard: networks('10.77.0.0/24'), endFlows: true });
    const resets = ['saddr', 'daddr'].map((which) => `${middle} ip ${which} @guarded4 reject with tcp reset`);
    for (const line of resets) assertHas(lines, line);
    const drop = lines.findIndex((line) => line.endsWith('tcp dport 1024-65535 counter name "unexpected" drop'));
    assert.ok(lines.indexOf(resets[1]!) < drop);
    assert.equal(lines.filter((line) => line.includes('reject')).length, 2);
  });

  it('are left alone otherwise', () => {
    assert.ok(!linesOf({ guard: networks('10.77.0.0/24') }).some((line) => line.includes('reject')));
    assert.ok(!linesOf({ endFlows: true }).some((line) => line.includes('reject')));
  });
});

describe('the guard', () => {
  it('is not there without networks', () => {
    assert.ok(!linesOf().some((line) => line.includes('guarded') || line.includes('"unexpected"')));
  });

  it('drops to guarded networks of a family what nobody expects, after what is expected', () => {
    const lines = linesOf({ guard: networks('10.77.0.0/24', '192.0.2.7/32') });
    assertHas(lines, 'set guarded4 { type ipv4_addr; flags interval; elements = { 10.77.0.0/24, 192.0.2.7/32 }; }');
    const drop = 'ct state new,untracked ip daddr @guarded4 tcp dport 1024-65535 counter name "unexpected" drop';
    assertHas(lines, drop);
    assertHas(lines, 'ip daddr @guarded4 udp dport { 20, 21 } counter name "unexpected" drop');
    const admitted = lines.findIndex((line) => line.includes('delete @pinholes4'));
    assert.ok(admitted > 0 && admitted < lines.indexOf(drop));
    assert.ok(!lines.some((line) => line.includes('guarded6')));
  });

  it('names of networks one inside the other only the outer one, since elements may not overlap', () => {
    const lines = linesOf({ guard: networks('10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '2001:db8:1::/48', '::/0') });
    assertHas(lines, 'set guarded4 { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 }; }');
    assertHas(lines, 'set guarded6 { type ipv6_addr; flags interval; elements = { ::/0 }; }');
  });
});

describe('code points', () => {
  it('are left alone unless the plan names one for data', () => {
    for (const control of [undefined, 10]) {
      assert.ok(!linesOf({ dscp: { control, data: undefined } }).some((line) => line.includes('dscp')));
    }
  });

  it('mark data connections by their connection mark, 0 included', () => {
    const lines = linesOf({ dscp: { control: undefined, data: 0 } });
    assertHas(lines, 'ct mark 0xf7b ip dscp set 0');
    assertHas(lines, 'ct mark 0xf7b ip6 dscp set 0');
  });
});

describe('nothing in a plan becomes syntax', () => {
  const injections = ['', ' ', 'a b', 'a;', 'a{', 'a"', 'a\n', 'a#', "a'", '$a', '@a', 'é', 'a*', 'a/b', 'a:b', 'a\\'];
  const refused: [what: string, changes: Partial<TablePlan>][] = [
    ...['1a', '-a', 'a'.repeat(65), ...injections].map((table): [string, Partial<TablePlan>] => ['table', { table }]),
    ...['a'.repeat(16), ...injections].map((name): [string, Partial<TablePlan>] => [
      'interface',
      { intercepts: [{ ...intercept, interface: name }] },
    ]),
    ...['a'.repeat(65), ...injections].map((listener): [string, Partial<TablePlan>] => [
      'listener',
      { intercepts: [{ ...intercept, listener }] },
    ]),
    ...[0, -1, 1.5, 65_536, Number.NaN].flatMap((port): [string, Partial<TablePlan>][] => [
      ['port', { intercepts: [{ ...intercept, ports: [21, port] }] }],
      ['listening port', { intercepts: [{ ...intercept, listenPort: port }] }],
    ]),
    ['ports', { intercepts: [{ ...intercept, ports: [] }] }],
    ...[0, -1, 1.5, 2 ** 32, Number.NaN].flatMap((value): [string, Partial<TablePlan>][] => [
      ['mark', { divertMark: value }],
      ['mark', { dataMark: value }],
      ['size', { pinholesMax: value }],
      ['timeout', { expectationTimeoutMs: value }],
    ]),
    ...[-1, 64, 1.5].map((data): [string, Partial<TablePlan>] => [
      'code point',
      { dscp: { control: undefined, data } },
    ]),
    ['network', { guard: [{ ...networks('10.0.0.0/8')[0]!, text: '10.0.0.0/8 } ; } flush ruleset' }] }],
    ['address', { intercepts: [{ ...intercept, listenAddress: { family: 4, text: '127.0.0.1:1 accept' } }] }],
  ];
  for (const [what, changes] of refused) {
    it(`${what}: ${JSON.stringify(changes)}`, () => {
      assert.throws(() => printRuleset({ ...tablePlan, ...changes }), RangeError);
    });
  }

  it('nor in a removal', () => {
    assert.throws(() => printRemoval({ table: 'a\nflush ruleset' }), RangeError);
  });
});
