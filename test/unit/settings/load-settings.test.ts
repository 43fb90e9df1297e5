// Wrong files, each with the problems that it must give as `#= file:line:column: message` at its end (what does not fit
// into the line follows, indented), and right ones.

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Environment } from '../../../src/settings/interpolate.ts';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import type { Settings } from '../../../src/settings/settings.ts';
import { printProblem } from '../../../src/yaml/problem.ts';

const fixtures = join(import.meta.dirname, '../../fixtures');

const minimal = `listeners:
  - name: front
    mode: reverse
    listen: 0.0.0.0:21
    upstream: 10.0.0.5:21
`;

// TWO_LINES tries to add a key to the file, as a secret with a line end would.
const environment: Environment = {
  SERVER: '10.0.0.5:21',
  PORT: '2121',
  WORD: 'word',
  EMPTY: '',
  TWO_LINES: 'x\nengines: 9',
};

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-settings-'));
});
after(() => rmSync(folder, { recursive: true }));

describe('a wrong settings file', () => {
  for (const name of readdirSync(join(fixtures, 'settings'))) {
    it(`${name} gives every problem with its place`, () => {
      const file = join(fixtures, 'settings', name);
      const unfolded = readFileSync(file, 'utf8').replaceAll('\n#=   ', ' ');
      const expected = [...unfolded.matchAll(/^#= (.*)$/gm)].map(([, line]) => line);
      assert.notEqual(expected.length, 0, 'the fixture states no problems');
      assert.deepEqual(problemsOf(file), expected);
    });
  }

  it('that is not there, a folder, empty, binary or endless gives one sentence that says what to do', () => {
    const binary = join(folder, 'binary.yaml');
    writeFileSync(binary, Uint8Array.of(0x61, 0x3a, 0x20, 0xff, 0xfe));
    const empty = join(folder, 'empty.yaml');
    writeFileSync(empty, '');
    const not = join(folder, 'not-there.yaml');
    assert.deepEqual(problemsOf(not), [`${not}:1:1: this settings file does not exist; check the path`]);
    assert.deepEqual(problemsOf(join(not, 'x')), [`${not}/x:1:1: this settings file does not exist; check the path`]);
    assert.deepEqual(problemsOf(folder), [`${folder}:1:1: this settings file is a folder; name the file in it`]);
    assert.deepEqual(problemsOf(empty), [
      `${empty}:1:1: this settings file is empty; copy deploy/reverse.yaml and change its addresses`,
    ]);
    assert.deepEqual(problemsOf(binary), [
      `${binary}:1:1: this settings file is not UTF-8 text; check that this is the right file, or save it as UTF-8`,
    ]);
    assert.deepEqual(problemsOf('/dev/zero'), [
      '/dev/zero:1:1: this settings file is larger than 1 MiB; check that this is the right file',
    ]);
    assert.deepEqual(problemsOf('a\u0000b'), [
      'a\u0000b:1:1: this settings file cannot be read (ERR_INVALID_ARG_VALUE); check the path',
    ]);
  });

  it('that this user may not read gives one sentence', () => {
    const file = write(minimal);
    const problems = asOrdinaryUser(file, () => problemsOf(file));
    assert.deepEqual(problems, [
      `${file}:1:1: this settings file may not be read by this user; change its owner or mode`,
    ]);
  });

  it('of any text whatever gives problems and no exception', () => {
    for (const text of ['[', '{a: ', '- ', '? ', 'a: ', '&a [*a, ', '"', '%YAML 9\n', '\u0000', '|', '!!binary ']) {
      for (const times of [1, 70, 5000]) assert.equal(load(text.repeat(times)).ok, false, JSON.stringify(text));
    }
    const deep = Array.from({ length: 1000 }, (_, level) => `${' '.repeat(level)}a:`).join('\n');
    assert.deepEqual(load(deep).ok, false);
  });
});

describe('a settings file with only the keys that must be there', () => {
  it('gets the defaults and the packaged rules', () => {
    const settings = mustLoad(minimal);
    assert.equal(settings.rules.source, 'packaged default');
    assert.ok(settings.rules.verbs.refuse.has('LPRT'));
    assert.deepEqual(settings.listeners, [
      {
        name: 'front',
        mode: 'reverse',
        listen: { address: { family: 4, text: '0.0.0.0' }, port: 21 },
        upstream: { address: { family: 4, text: '10.0.0.5' }, port: 21 },
        advertise: undefined,
        advertiseToServer: undefined,
        dataPath: 'relay',
        dataPorts: [{ from: 50_000, to: 50_999 }],
        serverMode: 'as-client',
        activeSourcePort: undefined,
        tls: { client: { mode: 'off' }, server: { mode: 'off' } },
        tlsSources: { pairs: [], clientCa: undefined, ca: undefined, unverified: undefined },
      },
    ]);
    assert.deepEqual(settings.admin, { listen: { address: { family: 4, text: '127.0.0.1' }, port: 9121 }, hosts: [] });
  });

  it('crosses to a thread unchanged', () => {
    const settings = mustLoad(minimal);
    assert.deepEqual(structuredClone(settings), settings);
  });
});

describe('settings', () => {
  it('are filled from the environment, numbers too', () => {
    const text = minimal.replace('0.0.0.0:21', `"[::]:\${PORT}"`).replace('10.0.0.5:21', `\${SERVER}`);
    const settings = mustLoad(`${text}engines: \${ENGINES:-3}\nsessions: {max: "\${PORT}"}\n`);
    assert.deepEqual(settings.listeners[0]?.listen, { address: { family: 6, text: '::' }, port: 2121 });
    const [listener] = settings.listeners;
    assert.ok(listener?.mode === 'reverse');
    assert.deepEqual(listener.upstream, { address: { family: 4, text: '10.0.0.5' }, port: 21 });
    assert.equal(settings.engines, 3);
    assert.equal(settings.sessions.totalMax, 2121);
  });

  it('find their rules beside them, or at an absolute path', () => {
    const rules = readFileSync(join(import.meta.dirname, '../../../rules/default.yaml'), 'utf8');
    writeFileSync(join(folder, 'own-rules.yaml'), rules.replace('minimumPort: 1024', 'minimumPort: 2000'));
    for (const path of ['own-rules.yaml', join(folder, 'own-rules.yaml')]) {
      const settings = mustLoad(`${minimal}rules: ${path}\n`);
      assert.equal(settings.rules.dataConnections.minimumPort, 2000);
      assert.equal(settings.rules.source, join(folder, 'own-rules.yaml'));
    }
  });

  it('turn the admin pages off', () => {
    assert.equal(mustLoad(`${minimal}admin: off\n`).admin, undefined);
  });

  it('turn `engines: auto` into a number of processors', () => {
    assert.equal(mustLoad(`${minimal}engines: auto\n`).engines, Math.min(64, availableParallelism()));
  });

  it('take one port, a range, or a list, in rising order', () => {
    const ports = (text: string) => mustLoad(`${minimal}    dataPorts: ${text}\n`).listeners[0]?.dataPorts;
    assert.deepEqual(ports('52000'), [{ from: 52_000, to: 52_000 }]);
    assert.deepEqual(ports('50000-50999'), [{ from: 50_000, to: 50_999 }]);
    assert.deepEqual(ports('[52000, 50000-50999]'), [
      { from: 50_000, to: 50_999 },
      { from: 52_000, to: 52_000 },
    ]);
  });

  it('give one client no more than all, where only the sum is set', () => {
    assert.deepEqual(mustLoad(`${minimal}sessions: {max: 10}\n`).sessions, {
      totalMax: 10,
      perClientMax: 10,
      connectionsPerSecond: 1000,
      commandsPerSecond: 100_000,
      waysPerClientMax: 512,
      dataPortsPerClientMax: 256,
      drainTimeoutMs: 60_000,
    });
  });

  it('read every unit', () => {
    const { limits } = mustLoad(
      `${minimal}limits: {idleTimeout: 1h, loginTimeout: 5m, connectTimeout: 30s, dataIdleTimeout: 1500ms,` +
        ' line: 512B, replySize: 4KiB}\n',
    );
    assert.equal(limits.idleTimeoutMs, 3_600_000);
    assert.equal(limits.loginTimeoutMs, 300_000);
    assert.equal(limits.connectTimeoutMs, 30_000);
    assert.equal(limits.dataIdleTimeoutMs, 1500);
    assert.equal(limits.lineOctetsMax, 512);
    assert.equal(limits.replyOctetsMax, 4096);
    assert.equal(mustLoad(`${minimal}limits: {replySize: 2MiB}\n`).limits.replyOctetsMax, 2_097_152);
  });

  it('allow listeners that look like one another and do not meet', () => {
    const settings = mustLoad(`listeners:
  - {name: one, mode: reverse, listen: 192.0.2.1:21, upstream: 10.0.0.5:21}
  - {name: two, mode: reverse, listen: 192.0.2.2:21, upstream: 10.0.0.5:21}
  - {name: next-gateway, mode: reverse, listen: "[2001:db8::1]:21", upstream: 192.0.2.1:21}
`);
    assert.equal(settings.listeners.length, 3);
  });
});

function load(text: string) {
  return loadSettings(write(text), environment);
}

function mustLoad(text: string): Settings {
  const loaded = load(text);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.reason.map(printProblem).join('\n'));
  return loaded.value;
}

function write(text: string): string {
  const file = join(folder, 'settings.yaml');
  writeFileSync(file, text);
  return file;
}

function problemsOf(file: string): string[] {
  const loaded = loadSettings(file, environment);
  return loaded.ok ? [] : loaded.reason.map((problem) => printProblem(problem).replaceAll(`${fixtures}/`, ''));
}

// Root may read everything, so for the moment of the reading it becomes nobody.
function asOrdinaryUser<T>(file: string, read: () => T): T {
  const user = process.geteuid?.();
  chmodSync(file, 0o000);
  if (user === 0) process.seteuid?.(65_534);
  try {
    return read();
  } finally {
    if (user === 0) process.seteuid?.(0);
    chmodSync(file, 0o600);
  }
}
