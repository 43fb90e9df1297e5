// What does an operator read who starts the gateway wrongly, and a newcomer who starts it without anything? One
// sentence that says what to do, and the exit code that scripts look at; or three commands that work as they are
// printed.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { DataPort } from '../support/data-ends.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { authority, executable, listenerYaml } from '../support/operated-gateway.ts';
import { whyNoPeers } from '../support/peers.ts';
import { type Finished, runProgram } from '../support/process.ts';
import { becomes } from '../support/watch.ts';

const repository = new URL('../../', import.meta.url).pathname;

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab.close());

async function settingsFile(name: string, listen: LabEndpoint, more = ''): Promise<string> {
  const file = join(lab.folder, `${name}.yaml`);
  const upstream = await lab.endpoint();
  await writeFile(file, `listeners:\n${listenerYaml('front', listen, upstream)}admin: off\n${more}`);
  return file;
}

function portcullis(...words: string[]): Promise<Finished> {
  return runProgram(process.execPath, [executable, ...words]);
}

/** All that it printed for people, which is one line; the log is for machines. */
function onlyLine({ output }: Finished): string {
  const lines = output
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('{'));
  assert.equal(lines.length, 1, output);
  return lines[0]!;
}

describe('run', () => {
  for (const engines of [1, 2]) {
    test(`a port in use, engines: ${engines}`, async () => {
      const taken = await DataPort.open(lab, (await lab.endpoint()).host, 2121);
      const run = await portcullis('run', await settingsFile(`taken-${engines}`, taken, `engines: ${engines}\n`));
      assert.equal(run.exitCode, 1);
      const where = `portcullis: listener front: ${authority(taken)} is in use by another program`;
      assert.ok(onlyLine(run).startsWith(where), run.output);
    });
  }

  test('an admin port in use', async () => {
    const taken = await DataPort.open(lab, (await lab.endpoint()).host);
    const file = await settingsFile('admin', await lab.endpoint());
    const settings = await readFile(file, 'utf8');
    await writeFile(file, settings.replace('admin: off', `admin: {listen: "${authority(taken)}"}`));
    const run = await portcullis('run', file);
    assert.equal(run.exitCode, 1);
    assert.ok(onlyLine(run).includes(authority(taken)), run.output);
  });

  test('no right to listen below 1024', { skip: whyNoPeers() }, async () => {
    const listen = { host: (await lab.endpoint()).host, port: 21 };
    const file = await settingsFile('right', listen);
    const words = [process.execPath, executable, 'run', file];
    const run = await runProgram('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', ...words]);
    assert.equal(run.exitCode, 1);
    const sentence = `portcullis: listener front: no right to listen on ${authority(listen)}; ports below 1024 need`;
    assert.ok(onlyLine(run).startsWith(sentence), run.output);
  });

  test('an address that the machine does not have', async () => {
    const run = await portcullis('run', await settingsFile('nowhere', { host: '203.0.113.77', port: 2121 }));
    assert.equal(run.exitCode, 1);
    assert.match(onlyLine(run), /^portcullis: listener front: 203\.0\.113\.77:2121 is no address of this machine/);
  });

  test('told to stop before it is ready: it ends in order and has never been ready', async () => {
    const admin = await lab.endpoint();
    const listen = await lab.endpoint();
    const file = await settingsFile('early', listen, 'engines: 32\n');
    const settings = await readFile(file, 'utf8');
    const range = settings.replace('admin: off', `admin: {listen: "${authority(admin)}"}`);
    await writeFile(file, range);
    const program = await lab.start(process.execPath, [executable, 'run', file]);
    // The admin pages come first, and the engines one after another.
    const answer = async () => {
      const response = await fetch(`http://${authority(admin)}/readyz`).catch(() => undefined);
      return response?.text();
    };
    await becomes(answer, 'starting\n');
    program.signal('SIGTERM');
    const { exitCode, output } = await program.finished;
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, /"msg":"ready"|^portcullis: /m);
    assert.match(output, /"msg":"stopped"/);
  });

  test('a file that is not there', async () => {
    const run = await portcullis('run', join(lab.folder, 'absent.yaml'));
    assert.equal(run.exitCode, 1);
    assert.match(onlyLine(run), /absent\.yaml/);
  });
});

describe('check', () => {
  test('a good file: exit 0 and nothing to say', async () => {
    const run = await portcullis('check', await settingsFile('good', await lab.endpoint()));
    assert.deepEqual(run, { exitCode: 0, signal: undefined, output: '' });
  });

  test('the example for operators is a good file', async () => {
    assert.equal((await portcullis('check', join(repository, 'deploy/reverse.yaml'))).exitCode, 0);
  });

  test('every problem at once, each with its place', async () => {
    const file = await settingsFile('bad', await lab.endpoint(), 'engins: 2\nlog:\n  level: loud\n');
    const before = (await readFile(file, 'utf8')).split('\n');
    const run = await portcullis('check', file);
    assert.equal(run.exitCode, 1);
    const places = run.output.trimEnd().split('\n');
    assert.equal(places.length, 2, run.output);
    const line = (text: string): number => before.findIndex((each) => each.includes(text)) + 1;
    assert.ok(places[0]!.startsWith(`${file}:${line('engins')}:1: `), run.output);
    assert.ok(places[1]!.startsWith(`${file}:${line('loud')}:10: `), run.output);
  });

  test('it opens nothing: the port may be in use', async () => {
    const taken = await DataPort.open(lab, (await lab.endpoint()).host, 2121);
    assert.equal((await portcullis('check', await settingsFile('busy', taken))).exitCode, 0);
  });
});

test('words that mean nothing: usage and exit 2', async () => {
  for (const words of [['serve'], ['run'], ['check', 'a', 'b']]) {
    const run = await portcullis(...words);
    assert.equal(run.exitCode, 2, words.join(' '));
    assert.match(run.output, /portcullis check SETTINGS\.yaml/);
  }
});

/** A network of its own, in which nobody else has the demonstration's ports; its commands are run there. */
async function ownNetwork(): Promise<(...words: string[]) => string[]> {
  const script = 'ip link set lo up && echo up && exec sleep infinity';
  const holder = await lab.start('unshare', ['--net', 'bash', '-c', script]);
  await holder.printed(/up/);
  return (...words) => [`--net=/proc/${holder.pid}/ns/net`, ...words];
}

test('the demonstration: what it prints works as printed', {
  skip: whyNoPeers(),
}, async () => {
  const { scripts } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
  assert.equal(scripts.start, 'node dist/main.js');
  const inside = await ownNetwork();
  const demo = await lab.start('nsenter', inside(process.execPath, executable), { cwd: repository });
  const [, folder] = await demo.printed(/that serves (\S+)\n/);
  await demo.printed(/end: Ctrl-C/);
  const commands = [...demo.output.matchAll(/^ {2}an? [\w, ]+? {2,}(curl .+)$/gm)].map(([, command]) => command!);
  assert.equal(commands.length, 3, demo.output);
  const bash = (command: string): Promise<Finished> =>
    runProgram('nsenter', inside('bash', '-c', command), { cwd: repository, env: { HOME: lab.folder } });

  const download = await bash(commands[0]!);
  assert.equal(download.exitCode, 0, download.output);
  assert.ok(download.output.includes(await readFile(join(folder!, 'README.txt'), 'utf8')));

  const upload = await bash(commands[1]!);
  assert.equal(upload.exitCode, 0, upload.output);
  const [sent, arrived] = [join(repository, 'package.json'), join(folder!, 'in/package.json')];
  assert.deepEqual(await readFile(arrived), await readFile(sent));

  const bounce = await bash(commands[2]!);
  // curl 21: a command of --quote was answered with an error.
  assert.equal(bounce.exitCode, 21, bounce.output);
  assert.match(bounce.output, /501/);

  demo.signal('SIGINT');
  assert.equal((await demo.finished).exitCode, 0, demo.output);
  // It is its own ports that a second start would find in use.
  const again = await lab.start('nsenter', inside(process.execPath, executable), { cwd: repository });
  await again.printed(/end: Ctrl-C/);
  again.signal('SIGTERM');
  assert.equal((await again.finished).exitCode, 0, again.output);
  await assert.rejects(readFile(join(folder!, 'README.txt')), { code: 'ENOENT' });
});
