// The settings that operators copy: each loads, and those that explain every key have every key and the real defaults.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
import { listenerShapes, publishedSchema } from '../../../src/settings/listener-schema.ts';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import { settingsSchema } from '../../../src/settings/schema.ts';
import type { Settings } from '../../../src/settings/settings.ts';
import { tlsShapes } from '../../../src/settings/tls-schema.ts';
import { printProblem } from '../../../src/yaml/problem.ts';
import { CertificateAuthority } from '../../support/certificates.ts';

const deploy = join(import.meta.dirname, '../../../deploy');
const texts = new Map(
  readdirSync(deploy)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [name, readFileSync(join(deploy, name), 'utf8')]),
);

// In place of the files that operators have.
const authority = new CertificateAuthority();
const { certificateFile, keyFile } = authority.issue('ftp.example.org');
const environment = {
  FTPS_CERTIFICATE: certificateFile,
  FTPS_KEY: keyFile,
  FTPS_OTHER_CERTIFICATE: certificateFile,
  FTPS_OTHER_KEY: keyFile,
  FTPS_CLIENT_CA: authority.pair.certificateFile,
  FTPS_CA: authority.pair.certificateFile,
};

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-deploy-'));
});
after(() => {
  authority.remove();
  rmSync(folder, { recursive: true });
});

describe('every settings file in deploy/', () => {
  for (const [name, text] of texts) {
    it(`${name} loads without problems`, () => {
      const loaded = loadSettings(join(deploy, name), environment);
      assert.deepEqual(loaded.ok ? [] : loaded.reason.map(printProblem), []);
    });

    it(`${name} says at its head what else the machine needs`, () => {
      const settings = mustLoad(text);
      if (settings.listeners.every(({ mode }) => mode === 'reverse')) return;
      const { dataMark, divertMark } = settings.kernel;
      const head = text.slice(0, text.indexOf('\nlisteners:'));
      for (const said of [
        `run deploy/${name}`,
        `rules deploy/${name}`,
        `rule add fwmark ${divertMark} lookup 100`,
        'route add local default dev lo table 100',
        'forwarding',
        'net.netfilter.nf_conntrack_acct=1',
        `ct mark 0x${dataMark.toString(16)} accept`,
        `meta mark ${divertMark} accept`,
      ]) {
        assert.ok(head.includes(said) || (said === 'forwarding' && head.includes('net.ipv4.ip_forward=1')), said);
      }
    });
  }
});

describe('deploy/reverse.yaml', () => {
  const text = texts.get('reverse.yaml')!;

  it('has every key of its mode, and of the sections for either', () => {
    const { listeners, ...sections } = parse(text);
    const { kernel: _, ...forEither } = settingsSchema.shape;
    assert.deepEqual(keysOf({ listeners, ...sections }), keysOf(forEither));
    assert.deepEqual(keysOf(listeners[0]), keysOf(listenerShapes.reverse));
    assert.deepEqual(keysOf(sections.sessions), keysOf(settingsSchema.shape.sessions.unwrap().shape));
    assert.deepEqual(keysOf(sections.limits), keysOf(settingsSchema.shape.limits.unwrap().shape));
  });

  it('states the real defaults', () => {
    const minimal = '{name: front, mode: reverse, listen: 0.0.0.0:21, upstream: 10.0.0.5:21}';
    assert.deepEqual(mustLoad(withStatedDefaults(text)), mustLoad(`listeners: [${minimal}]`));
  });
});

describe('deploy/inbound.yaml', () => {
  const text = texts.get('inbound.yaml')!;

  it('has every key of its mode, and of the section for it', () => {
    const { listeners, kernel } = parse(text);
    assert.deepEqual(keysOf(listeners[0]), keysOf(listenerShapes.transparent));
    assert.deepEqual(keysOf(listeners[0].intercept), keysOf(listenerShapes.transparent.intercept.unwrap().shape));
    assert.deepEqual(keysOf(listeners[0].publish[0]), keysOf(publishedSchema.shape));
    const { shape } = settingsSchema.shape.kernel.unwrap();
    assert.deepEqual(keysOf(kernel), keysOf(shape));
    assert.deepEqual(keysOf(kernel.dscp), keysOf(shape.dscp.unwrap().shape));
  });

  it('states the real defaults', () => {
    const minimal = '{name: inbound, mode: transparent, listen: 0.0.0.0:2121, servers: [192.0.2.0/24]}';
    const settings = mustLoad(withStatedDefaults(text).replace(/^rules: .*$/m, ''));
    assert.deepEqual(settings, mustLoad(`listeners: [${minimal}]`));
  });
});

describe('deploy/ftps.yaml', () => {
  const text = texts.get('ftps.yaml')!;

  it('has every key of either leg', () => {
    const [first, second] = parse(text).listeners;
    const { client, server } = tlsShapes;
    // Transparent listeners alone have the passive ports of pass-through.
    assert.match(texts.get('inbound.yaml')!, /mode: pass-through[^:]*# passivePorts: /);
    assert.deepEqual(keysOf({ ...first.tls.client, ...second.tls.client, passivePorts: '' }), keysOf(client));
    // A fingerprint stands instead of a CA.
    assert.ok(text.includes('# fingerprint: '));
    assert.deepEqual(keysOf({ ...second.tls.server, fingerprint: '' }), keysOf(server));
  });

  it('states the real defaults', () => {
    const [first, second] = mustLoad(
      withStatedDefaults(
        text
          .replace(/mode: required .*$/m, 'mode: optional')
          .replace(/^ *clientCa: .*\n/gm, '')
          .replace(/^ *clientCertificate: .*\n/gm, ''),
      ),
    ).listeners;
    const optional = first?.tls.client;
    assert.ok(optional?.mode === 'optional' && second?.tls.client.mode === 'implicit');
    assert.deepEqual({ ...second.tls.client, mode: 'optional', certificates: optional.certificates }, optional);
  });
});

// The file with each value replaced by the default that its comment states, which must mean what a minimal file means.
function withStatedDefaults(text: string): string {
  const stated = text
    .replace(/^ *\w+: \S.*# default: (none|those of the package|the networks of servers)\n/gm, '')
    .replace(/^( *\w+: )\S.*# default: (.*)$/gm, '$1$2');
  assert.notEqual(stated, text);
  return stated;
}

function keysOf(shape: object): string[] {
  return Object.keys(shape).sort();
}

function mustLoad(text: string): Settings {
  const file = join(folder, 'settings.yaml');
  writeFileSync(file, text.replace('../rules/default.yaml', join(deploy, '../rules/default.yaml')));
  const loaded = loadSettings(file, environment);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.reason.map(printProblem).join('\n'));
  return loaded.value;
}
