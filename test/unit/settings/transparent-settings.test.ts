// What a transparent listener and `kernel` mean, once they are right. Wrong ones are in test/fixtures/settings.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Network, parseNetwork } from '../../../src/address/network.ts';
import type { Environment } from '../../../src/settings/interpolate.ts';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import type { KernelSettings, Settings, TransparentListener } from '../../../src/settings/settings.ts';
import { printProblem } from '../../../src/yaml/problem.ts';

const minimal = `listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    servers: [192.0.2.0/24]
`;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-transparent-'));
});
after(() => rmSync(folder, { recursive: true }));

describe('a transparent listener with only the keys that must be there', () => {
  it('gets the defaults', () => {
    const settings = mustLoad(minimal);
    assert.deepEqual(settings.listeners, [
      {
        name: 'perimeter',
        mode: 'transparent',
        listen: { address: { family: 4, text: '0.0.0.0' }, port: 2121 },
        intercept: { ports: [21], interface: undefined },
        clients: undefined,
        egress: undefined,
        servers: [network('192.0.2.0/24')],
        publish: [],
        source: 'client',
        advertise: undefined,
        advertiseToServer: undefined,
        dataPath: 'auto',
        dataPorts: [{ from: 50_000, to: 50_999 }],
        serverMode: 'as-client',
        activeSourcePort: undefined,
        tls: { client: { mode: 'off' }, server: { mode: 'off' } },
        tlsSources: { pairs: [], clientCa: undefined, ca: undefined, unverified: undefined },
      },
    ]);
    assert.deepEqual(settings.kernel, {
      table: 'portcullis',
      divertMark: 1,
      dataMark: 0xf7b,
      serverMark: 0xf7d,
      guard: [network('192.0.2.0/24')],
      endFlows: false,
      dscp: { control: undefined, data: undefined },
    });
  });

  it('crosses to a thread unchanged', () => {
    const settings = mustLoad(minimal);
    assert.deepEqual(structuredClone(settings), settings);
  });
});

describe('a transparent listener', () => {
  it('takes every key', () => {
    const listener = listenerOf(`    intercept: {ports: [21, "2100"], interface: eth0.100}
    publish:
      - {address: 203.0.113.10, to: 192.0.2.10:2100}
      - {address: 203.0.113.11, port: 2100, to: 192.0.2.10:21}
    clients: [198.51.100.0/24]
    egress: lan0
    source: gateway
    dataPath: kernel
    serverMode: passive
`);
    assert.deepEqual([listener.clients, listener.egress], [[network('198.51.100.0/24')], 'lan0']);
    assert.deepEqual(listener.intercept, { ports: [21, 2100], interface: 'eth0.100' });
    const endpoint = (text: string, port: number) => ({ address: { family: 4, text }, port });
    assert.deepEqual(listener.publish, [
      { from: endpoint('203.0.113.10', 21), to: endpoint('192.0.2.10', 2100) },
      { from: endpoint('203.0.113.11', 2100), to: endpoint('192.0.2.10', 21) },
    ]);
    assert.equal(listener.source, 'gateway');
    assert.equal(listener.dataPath, 'kernel');
    assert.equal(listener.serverMode, 'passive');
  });

  it('may have an address of this machine as the source', () => {
    assert.deepEqual(listenerOf('    source: 203.0.113.1\n').source, { family: 4, text: '203.0.113.1' });
  });

  it('takes fifteen octets as the name of an interface and no more', () => {
    const named = (name: string) => `    intercept: {interface: "${name}"}\n`;
    assert.equal(listenerOf(named('abcdefghijklmno')).intercept.interface, 'abcdefghijklmno');
    for (const name of [
      'abcdefghijklmnop',
      '',
      '.',
      '..',
      '.wan0',
      'wan*',
      'wan 0',
      'wan/0',
      'wan:0',
      'wan0"',
      'wän0',
    ]) {
      assert.equal(load(minimal + named(name)).ok, false, name);
    }
  });

  it('may share ports with listeners on other interfaces and of the other family', () => {
    const settings = mustLoad(`listeners:
  - {name: in, mode: transparent, listen: 0.0.0.0:2121, servers: [192.0.2.10], dataPorts: 50000,
     intercept: {interface: wan0}}
  - {name: out, mode: transparent, listen: 0.0.0.0:2122, servers: [0.0.0.0/0], dataPorts: 50001,
     intercept: {interface: lan0}}
  - {name: six, mode: transparent, listen: "[2001:db8::1]:2121", servers: ["2001:db8::/32"], dataPorts: 50002}
  - {name: front, mode: reverse, listen: 203.0.113.1:21, upstream: 192.0.2.10:21, dataPorts: 50003}
`);
    assert.equal(settings.listeners.length, 4);
  });
});

describe('kernel', () => {
  it('guards the networks of all servers but those that hold every address', () => {
    const two = `${minimal.replace('192.0.2.0/24', '192.0.2.0/24, 198.51.100.7')}
  - {name: out, mode: transparent, listen: "[::]:2122", dataPorts: 51000, intercept: {interface: lan0},
     servers: [0.0.0.0/0, "::/0", "2001:db8::/32"]}
`;
    const guarded = ['192.0.2.0/24', '198.51.100.7/32', '2001:db8::/32'];
    assert.deepEqual(
      mustLoad(two.replace('listen: 0.0.0.0:2121', 'listen: 0.0.0.0:2121\n    intercept: {interface: wan0}')).kernel
        .guard,
      guarded.map(network),
    );
  });

  it('guards what it is told to, be it nothing', () => {
    assert.deepEqual(kernelOf('guard: []').guard, []);
    assert.deepEqual(kernelOf('guard: [0.0.0.0/0]').guard, [network('0.0.0.0/0')]);
  });

  it('is complete also where no listener uses it', () => {
    const { kernel } = mustLoad('listeners: [{name: r, mode: reverse, listen: 0.0.0.0:21, upstream: 192.0.2.10:21}]');
    assert.deepEqual(kernel.guard, []);
    assert.equal(kernel.dataMark, 0xf7b);
  });

  it('reads marks as numbers and, from the environment, as text', () => {
    const { divertMark, dataMark } = kernelOf(`{divertMark: "\${MARK}", dataMark: 0xffffffff}`);
    assert.deepEqual([divertMark, dataMark], [0x10, 0xffffffff]);
    assert.equal(kernelOf('divertMark: "12"').divertMark, 12);
    for (const mark of ['0', '-1', '1.5', '0x1ffffffff', '"0x"', '"1e3"', '""', 'true']) {
      assert.equal(load(`${minimal}kernel: {dataMark: ${mark}}\n`).ok, false, mark);
    }
  });

  it('names its table', () => {
    assert.equal(kernelOf('table: _Ftp_2').table, '_Ftp_2');
    for (const table of ['2ftp', '""', 'a-b', 'a b', 'a;b', `a${'b'.repeat(32)}`]) {
      assert.equal(load(`${minimal}kernel: {table: ${table}}\n`).ok, false, table);
    }
  });

  it('reads code points as names and numbers', () => {
    // RFC 2474 §4.2.2.1, RFC 2597 §6, RFC 3246 §4, RFC 8622 §1.
    for (const [text, codePoint] of [
      ['cs0', 0],
      ['cs7', 56],
      ['af11', 0b001010],
      ['af23', 0b010110],
      ['af43', 0b100110],
      ['ef', 0b101110],
      ['le', 1],
      ['0', 0],
      ['63', 63],
      ['"46"', 46],
    ] as const) {
      assert.deepEqual(kernelOf(`dscp: {data: ${text}}`).dscp, { control: undefined, data: codePoint }, text);
    }
    for (const text of ['cs8', 'af10', 'af44', 'af51', 'EF', 'toString', '-1', '0.5', '64']) {
      assert.equal(load(`${minimal}kernel: {dscp: {control: ${text}}}\n`).ok, false, text);
    }
  });

  it('reads true and false, from the environment too', () => {
    assert.equal(kernelOf('endFlows: true').endFlows, true);
    assert.equal(kernelOf(`endFlows: "\${YES}"`).endFlows, true);
    assert.equal(kernelOf('endFlows: false').endFlows, false);
  });
});

const environment: Environment = { MARK: '0x10', YES: 'true' };

function listenerOf(keys: string): TransparentListener {
  const [listener] = mustLoad(minimal + keys).listeners;
  assert.ok(listener?.mode === 'transparent');
  return listener;
}

function kernelOf(keys: string): KernelSettings {
  return mustLoad(`${minimal}kernel: ${keys.startsWith('{') ? keys : `{${keys}}`}\n`).kernel;
}

function network(text: string): Network {
  const result = parseNetwork(text);
  assert.ok(result.ok);
  return result.value;
}

function mustLoad(text: string): Settings {
  const loaded = load(text);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.reason.map(printProblem).join('\n'));
  return loaded.value;
}

function load(text: string) {
  const file = join(folder, 'settings.yaml');
  writeFileSync(file, text);
  return loadSettings(file, environment);
}
