// The real library, in a network namespace of this file's own.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runNft } from '../../../src/sys/libnftables.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { withoutNetAdmin } from '../../support/without-net-admin.ts';
import { openDescriptors, withoutFreeDescriptors } from './loopback.ts';

const skip = whyNoOwnNetwork();

function nftTest(name: string, body: () => void): void {
  test(name, { skip }, () => {
    assert.deepEqual(runNft('flush ruleset'), { ok: true, value: '' });
    const before = openDescriptors();
    body();
    assert.equal(openDescriptors(), before, 'descriptors left open');
  });
}

/** What was said against the script. */
function problemOf(script: string): string {
  const run = runNft(script);
  assert.ok(!run.ok, script);
  return run.reason;
}

function ruleset(): string {
  const run = runNft('list ruleset');
  assert.ok(run.ok);
  return run.value;
}

nftTest('installs a ruleset and lists it, as text and as JSON', () => {
  const script = 'table inet walls { # why\n set peers { type ipv4_addr; elements = { 192.0.2.1 }; }\n }';
  assert.deepEqual(runNft(script), { ok: true, value: '' });
  assert.match(
    ruleset(),
    /^table inet walls \{\n\tset peers \{\n\t\ttype ipv4_addr\n\t\telements = \{ 192\.0\.2\.1 \}/,
  );
  const run = runNft('list set inet walls peers', { json: true });
  assert.ok(run.ok);
  const { nftables } = JSON.parse(run.value) as { nftables: { set?: { name: string; elem: string[] } }[] };
  assert.deepEqual(nftables.map(({ set }) => set?.elem).filter(Boolean), [['192.0.2.1']]);
  // It is the namespace's own table, as the program from the same package sees it.
  assert.equal(spawnSync('nft', ['list', 'ruleset'], { encoding: 'utf8' }).stdout, ruleset());
});

nftTest('a script is one transaction: where a line fails, nothing of it is there', () => {
  assert.match(problemOf('add table inet walls\nadd element inet walls peers { 192.0.2.1 }\n'), /No such file/);
  assert.equal(ruleset(), '');
});

nftTest('says what is wrong with the script, and where', () => {
  assert.match(problemOf('table inet walls { chain }'), /syntax error, unexpected '}'/);
  assert.match(problemOf('delete table inet walls'), /No such file or directory\ndelete table inet walls\n +\^+$/);
});

nftTest('a check changes nothing, and finds what the kernel would refuse', () => {
  assert.deepEqual(runNft('add table inet walls', { check: true }), { ok: true, value: '' });
  assert.equal(ruleset(), '');
  assert.equal(runNft('delete table inet walls', { check: true }).ok, false);
});

nftTest('a script is run whole or not at all, whatever octets it has', () => {
  assert.match(problemOf('add table inet walls\0; syntax error'), /NUL/);
  assert.equal(ruleset(), '');
});

nftTest('without CAP_NET_ADMIN one sentence says so', () => {
  withoutNetAdmin(() => {
    assert.match(problemOf('add table inet walls'), /^nftables may be used only with CAP_NET_ADMIN.*$/);
  });
});

nftTest('without descriptors there is a sentence, and the process lives on', () => {
  withoutFreeDescriptors(() => {
    assert.equal(problemOf('list ruleset'), "the kernel's netfilter cannot be reached (socket: EMFILE)");
  });
});

test('without the library one sentence names it and its package', { skip }, () => {
  assert.ok(runNft('list ruleset').ok);
  const path = /\S*\/libnftables\.so\.\S*$/m.exec(readFileSync('/proc/self/maps', 'utf8'))?.[0];
  assert.ok(path !== undefined);
  // In a mount namespace of its own an empty file lies over the library.
  const program = `
    import { runNft } from '${module('libnftables.ts')}';
    console.log(JSON.stringify(runNft('list ruleset')));
  `;
  const script = 'mount --bind /dev/null "$1" && exec "$2" --import tsx --input-type=module --eval "$3"';
  const child = spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', path, process.execPath, program], {
    encoding: 'utf8',
  });
  const answer = JSON.parse(child.stdout) as { ok: boolean; reason: string };
  assert.equal(answer.ok, false, child.stderr);
  assert.match(answer.reason, /^libnftables\.so\.1 is needed \(Debian: package libnftables1\) and cannot be loaded: /);
});

function module(name: string): string {
  return pathToFileURL(new URL(`../../../src/sys/${name}`, import.meta.url).pathname).href;
}
