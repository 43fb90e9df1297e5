// When is our nftables table there, and when not? From before the gateway is ready until it has stopped, again after a
// death, never where somebody else has one of the name; with --no-install it is the operator's, loaded from what
// `rules` prints. In a network namespace of this file.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { executable } from '../support/operated-gateway.ts';
import { whyNoOwnNetwork } from '../support/own-network.ts';
import { type Finished, type RunningProgram, runProgram } from '../support/process.ts';
import { becomes } from '../support/watch.ts';

const skip = whyNoOwnNetwork();
const lateSentence = 'there is no nftables table inet portcullis; load what `portcullis rules` prints';
const foreignSentence = /^portcullis: there is a nftables table inet portcullis that Portcullis did not make; /m;

describe('the table of a gateway', { skip }, () => {
  let lab: Lab;
  let file: string;
  before(async () => {
    lab = await openLab();
    file = join(lab.folder, 'settings.yaml');
    const listener =
      '{ name: perimeter, mode: transparent, listen: "0.0.0.0:2121", servers: [10.77.0.0/24], dataPath: relay }';
    await writeFile(file, `listeners:\n  - ${listener}\nadmin: off\n`);
  });
  after(() => lab.close());
  afterEach(() => nft('flush ruleset'));

  async function nft(command: string, input = ''): Promise<string> {
    const { exitCode, output } = await runProgram('nft', command.split(' '), { input });
    assert.equal(exitCode, 0, output);
    return output;
  }

  function portcullis(...words: string[]): Promise<Finished> {
    return runProgram(process.execPath, [executable, ...words]);
  }

  async function running(...flags: string[]): Promise<RunningProgram> {
    const program = await lab.start(process.execPath, [executable, 'run', ...flags, file]);
    await loggedLine(program, { msg: 'ready' });
    return program;
  }

  async function stopped(program: RunningProgram): Promise<void> {
    program.signal('SIGTERM');
    assert.equal((await program.finished).exitCode, 0, program.output);
  }

  test('is installed and removed, and others stay', async () => {
    await nft('add table inet filter');
    const before = await nft('list ruleset');
    const program = await running();
    assert.match(await nft('list ruleset'), /tproxy ip to :2121/);
    await stopped(program);
    assert.equal(await nft('list ruleset'), before);
  });

  test('comes back when the operator flushes the ruleset, each time, and says so', async () => {
    const program = await running();
    const before = await nft('list ruleset');
    const told = () => program.output.split('the nftables table had gone; it is back').length - 1;
    for (const times of [1, 2]) {
      await nft('-f -', 'flush ruleset\nadd table inet filter');
      await becomes(told, times);
      assert.equal(await nft('list table inet portcullis'), before);
    }
    await stopped(program);
    assert.equal(await nft('list tables'), 'table inet filter\n');
  });

  test('is made whole when somebody damages it', async () => {
    const program = await running();
    const before = await nft('list ruleset');
    await nft('flush chain inet portcullis divert');
    await becomes(() => nft('list ruleset'), before);
    await stopped(program);
  });

  test('outlives a killed gateway and gives way to that of its successor', async () => {
    await (await running()).end('SIGKILL');
    await nft('add chain inet portcullis old');
    const program = await running();
    assert.doesNotMatch(await nft('list table inet portcullis'), /chain old/);
    await stopped(program);
    assert.equal(await nft('list tables'), '');
  });

  test("stops nobody else's: the gateway does not start", async () => {
    await nft('add table inet portcullis');
    const { exitCode, output } = await portcullis('run', file);
    assert.equal(exitCode, 1);
    assert.match(output, foreignSentence);
    assert.equal(await nft('list tables'), 'table inet portcullis\n');
  });

  test('loaded by the operator: it must be there, and stays', async () => {
    const late = await portcullis('run', '--no-install', file);
    assert.equal(late.exitCode, 1);
    assert.ok(late.output.includes(`portcullis: ${lateSentence}\n`), late.output);
    assert.equal(await nft('list ruleset'), '');

    const rules = await portcullis('rules', file);
    assert.equal(rules.exitCode, 0);
    await nft('-f -', rules.output);
    const loaded = await nft('list ruleset');
    await stopped(await running('--no-install'));
    assert.equal(await nft('list ruleset'), loaded);
  });

  test('rules: the problems of a file, and nothing for a gateway without transparent listeners', async () => {
    const wrong = await portcullis('rules', join(lab.folder, 'absent.yaml'));
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.output, /absent\.yaml/);
    const reverse = join(lab.folder, 'reverse.yaml');
    await writeFile(
      reverse,
      'listeners:\n  - { name: front, mode: reverse, listen: "127.0.0.1:2121", upstream: "127.0.0.1:21" }\n',
    );
    const nothing = { exitCode: 0, signal: undefined, output: '# No listener is transparent: nothing is installed.\n' };
    assert.deepEqual(await portcullis('rules', reverse), nothing);
    for (const words of [['rules'], ['rules', file, file], ['run', '--no-install'], ['run', '--install', file]]) {
      assert.equal((await portcullis(...words)).exitCode, 2, words.join(' '));
    }
  });
});
