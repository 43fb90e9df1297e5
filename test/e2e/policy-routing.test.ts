// Does deploy/systemd/portcullis-routes.service set up what transparent listeners need of the routing, and take away
// exactly that? Its own lines are run, in a network namespace of this file, beside rules and routes of an operator that
// must stay.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { whyNoOwnNetwork } from '../support/own-network.ts';
import { UnitFile } from '../support/unit-file.ts';

const skip = whyNoOwnNetwork();
const unit = new UnitFile('portcullis-routes.service');

// Rules and routes that look like ours.
const operator = [
  'ip -4 rule add priority 90 fwmark 2 lookup 100',
  'ip -4 rule add priority 32000 fwmark 1 lookup 101',
  'ip -4 route add 203.0.113.0/24 dev lo table 100',
  'ip -4 route add local default dev lo table 101',
  'ip -6 rule add priority 90 fwmark 2 lookup 100',
  'ip -6 route add 2001:db8:113::/48 dev lo table 100',
];

function shell(script: string): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.equal(status, 0, `${script}\n${stderr}`);
  return stdout;
}

/** As systemd: one after another, and no further where one without `-` fails. */
function runLines(key: 'ExecStart' | 'ExecStopPost'): void {
  const commands = unit.commands(key);
  assert.notEqual(commands.length, 0);
  for (const { script, mayFail } of commands) shell(mayFail ? `${script} || :` : script);
}

function routing(): string {
  return ['-4 rule', '-6 rule', '-4 route list table all', '-6 route list table all']
    .map((list) => `${list}\n${shell(`ip ${list}`)}`)
    .join('');
}

/** Where a packet with the mark goes. */
function routeOf(address: string): string {
  return shell(`ip route get ${address} mark 1`);
}

describe('policy routing by the unit of deploy/', { skip }, () => {
  test('started twice and stopped twice: marked packets come here in between, and all is as it was afterwards', () => {
    for (const script of operator) shell(script);
    const before = routing();

    runLines('ExecStart');
    const started = routing();
    runLines('ExecStart');
    assert.equal(routing(), started);
    assert.match(started, /^100:\tfrom all fwmark 0x1 lookup 100 *$/m);
    assert.match(routeOf('198.51.100.7'), /^local 198\.51\.100\.7 dev lo table 100 /);
    assert.match(routeOf('2001:db8:1::7'), /^local 2001:db8:1::7 .*dev lo table 100 /);
    assert.equal(shell('sysctl -n net.netfilter.nf_conntrack_acct'), '1\n');

    runLines('ExecStopPost');
    assert.equal(routing(), before);
    runLines('ExecStopPost');
    assert.equal(routing(), before);
  });

  test('a start that failed half-way: nothing of it is left', () => {
    const before = routing();
    const commands = unit.commands('ExecStart');
    for (let done = 1; done <= commands.length; done += 1) {
      for (const { script } of commands.slice(0, done)) shell(script);
      assert.notEqual(routing(), before);
      runLines('ExecStopPost');
      assert.equal(routing(), before, `after ${done} lines`);
    }
  });
});
