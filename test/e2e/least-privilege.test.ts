// Does the gateway do all its work as nobody, with the capabilities of deploy/systemd/ and no others: started by hand,
// and as the units there have it by a real systemd, with all their hardening?
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 server
//
// The gateway runs on the router: before the server on port 21, or between the two.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DataMode } from '../support/clients/client.ts';
import { curl } from '../support/clients/curl.ts';
import { type LogLine, loggedLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { executable } from '../support/operated-gateway.ts';
import { whyNoPeers } from '../support/peers.ts';
import { openPerimeter, type PerimeterLab } from '../support/perimeter/lab.ts';
import { tables } from '../support/perimeter/nft.ts';
import type { RunningProgram } from '../support/process.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { openSystemdBox, type SystemdBox, whyNoSystemd } from '../support/systemd-box.ts';
import { UnitFile } from '../support/unit-file.ts';
import { privilegesOf, unprivileged } from '../support/unprivileged.ts';
import { becomes } from '../support/watch.ts';

const unit = new UnitFile('portcullis.service');
const reverseUnit = new UnitFile('portcullis.service.d/reverse.conf');
const routesUnit = new UnitFile('portcullis-routes.service');
const bind = ['CAP_NET_BIND_SERVICE'];
const both = ['CAP_NET_ADMIN', 'CAP_NET_BIND_SERVICE'];

// Port 20 towards clients needs a right as well as 21 does.
const reverse = `
listeners:
  - name: front
    mode: reverse
    listen: 0.0.0.0:21
    upstream: 10.77.0.2:21
    activeSourcePort: 20
admin: off
`;
const transparent = `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    servers: [10.77.0.0/24]
    dataPath: kernel
admin: off
`;
const content = octetsFrom(9, 300_007);

let lab: PerimeterLab;
let server: RealServer;

async function open(): Promise<void> {
  lab = await openPerimeter('routed');
  server = await startServerAt(lab.lab, 'vsftpd', { host: '10.77.0.2', port: 21, network: lab.server.name });
  await writeFile(join(server.files, 'down.bin'), content);
}

/** A download and an upload, octets compared. */
async function works(host: string, mode: DataMode): Promise<void> {
  const folder = await lab.lab.makeFolder(`${host}-${mode}-${crypto.randomUUID()}`);
  await writeFile(join(folder, 'source.bin'), content);
  const { user, password } = server;
  const target = { host, port: 21, user, password, mode, folder, network: lab.client.name };
  const download = await curl.download(target, 'files/down.bin', 'got.bin');
  assert.equal(download.exitCode, 0, download.output);
  assert.ok(content.equals(await readFile(join(folder, 'got.bin'))));
  const upload = await curl.upload!(target, 'source.bin', 'files/up.bin');
  assert.equal(upload.exitCode, 0, upload.output);
  assert.ok(content.equals(await readFile(join(server.files, 'up.bin'))));
}

describe('as nobody', { skip: whyNoPeers() }, () => {
  before(open);
  after(() => lab.close());

  async function start(settings: string, capabilities: readonly string[]): Promise<RunningProgram> {
    const file = join(lab.lab.folder, 'settings.yaml');
    await writeFile(file, settings);
    const [command, words] = unprivileged(capabilities, [process.execPath, executable, 'run', file]);
    return lab.lab.start(command, words, { network: lab.router.name });
  }

  async function startReady(settings: string, capabilities: readonly string[]): Promise<RunningProgram> {
    const program = await start(settings, capabilities);
    await loggedLine(program, { msg: 'ready' });
    assert.deepEqual(await privilegesOf(program.pid), {
      root: false,
      effective: capabilities,
      bounding: capabilities,
      noNewPrivileges: true,
    });
    return program;
  }

  async function stops(program: RunningProgram): Promise<void> {
    program.signal('SIGTERM');
    assert.equal((await program.finished).exitCode, 0, program.output);
  }

  test('the units name these capabilities', () => {
    for (const key of ['AmbientCapabilities', 'CapabilityBoundingSet']) {
      assert.deepEqual(unit.words(key), both);
      assert.deepEqual(reverseUnit.words(key), bind);
    }
  });

  test('reverse: nothing but ports 20 and 21', async () => {
    const gateway = await startReady(reverse, bind);
    await works('198.51.100.1', 'passive');
    await works('198.51.100.1', 'active');
    await stops(gateway);
  });

  test('transparent, data in the kernel', async () => {
    const gateway = await startReady(transparent, both);
    await works('10.77.0.2', 'passive');
    await works('10.77.0.2', 'active');
    await becomes(() => transfers(gateway.output).length, 4);
    for (const record of transfers(gateway.output)) assert.equal(record['plane'], 'kernel', JSON.stringify(record));
    // For one more port the table has to be written anew.
    await writeFile(
      join(lab.lab.folder, 'settings.yaml'),
      transparent.replace('servers:', 'intercept: { ports: [21, 990] }\n    servers:'),
    );
    gateway.signal('SIGHUP');
    await loggedLine(gateway, { msg: /"settings reloaded.*"/ });
    assert.match(
      await lab.router.must('nft', 'list', 'chain', 'inet', 'portcullis', 'divert'),
      /tcp dport \{ 21, 990 \}/,
    );
    await works('10.77.0.2', 'passive');
    await stops(gateway);
    assert.deepEqual(await tables(lab.router), []);
  });

  test('transparent, data through sockets', async () => {
    const gateway = await startReady(transparent.replace('kernel', 'relay'), both);
    await works('10.77.0.2', 'passive');
    await works('10.77.0.2', 'active');
    await stops(gateway);
  });

  test('transparent without CAP_NET_ADMIN: exit 1, and the operator reads what is missing', async () => {
    const { exitCode, output } = await (await start(transparent, bind)).finished;
    assert.equal(exitCode, 1, output);
    assert.match(output, /^portcullis: .*CAP_NET_ADMIN/m);
    assert.deepEqual(await tables(lab.router), []);
  });
});

describe('by systemd', { skip: whyNoPeers() || whyNoSystemd() }, () => {
  let box: SystemdBox;
  before(async () => {
    await open();
    // The laboratory's own policy routing: here it is up to the unit.
    for (const family of ['-4', '-6']) {
      await lab.router.must('ip', family, 'rule', 'delete', 'fwmark', '1', 'lookup', '100');
      await lab.router.must('ip', family, 'route', 'flush', 'table', '100');
    }
    await lab.router.must('sysctl', '-qw', 'net.netfilter.nf_conntrack_acct=0');
    box = await openSystemdBox(lab.lab, {
      network: lab.router.name,
      files: {
        '/etc/systemd/system/portcullis.service': unit.text,
        '/etc/systemd/system/portcullis-routes.service': routesUnit.text,
        '/etc/portcullis/settings.yaml': reverse,
      },
    });
  });
  after(() => lab.close());

  /** Whatever was running has stopped, without complaint. */
  async function stops(): Promise<void> {
    await box.must('systemctl', 'stop', 'portcullis');
    assert.equal(await box.property('portcullis', 'Result'), 'success', await box.journal());
  }

  async function write(path: string, text: string): Promise<void> {
    await box.must('sh', '-c', 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"', 'sh', path, text);
  }

  async function startReady(): Promise<void> {
    await box.must('systemctl', 'restart', 'portcullis');
    await ready();
  }

  /** The one that runs now, as systemd tells its starts apart. */
  async function ready(): Promise<void> {
    const id = await box.property('portcullis', 'InvocationID');
    const log = (): Promise<string> => box.must('journalctl', '--output=cat', `_SYSTEMD_INVOCATION_ID=${id}`);
    await becomes(async () => (await log()).includes('"msg":"ready"') || box.journal(), true);
  }

  test('systemd-analyze has nothing against the units', async () => {
    for (const name of ['portcullis.service', 'portcullis-routes.service']) {
      assert.equal(await box.must('systemd-analyze', 'verify', `/etc/systemd/system/${name}`), '');
      // 10 is bare root; below 5 counts as OK. What is left is the network itself, which a gateway needs.
      await box.must('systemd-analyze', 'security', '--offline=true', '--threshold=20', `/etc/systemd/system/${name}`);
    }
  });

  test('reverse, with the drop-in', async () => {
    const dropIn = '/etc/systemd/system/portcullis.service.d/reverse.conf';
    await write(dropIn, reverseUnit.text);
    await box.must('systemctl', 'daemon-reload');
    await startReady();
    assert.deepEqual(await privilegesOf(await box.mainProcess('portcullis')), {
      root: false,
      effective: bind,
      bounding: bind,
      noNewPrivileges: true,
    });
    await works('198.51.100.1', 'passive');
    await works('198.51.100.1', 'active');
    await stops();
    await box.must('rm', dropIn);
    await box.must('systemctl', 'daemon-reload');
  });

  test('a bad settings file: neither reload nor start succeed, and what runs goes on', async () => {
    await startReady();
    await write('/etc/portcullis/settings.yaml', `${reverse}engins: 2\n`);
    assert.notEqual((await box.run('systemctl', 'reload', 'portcullis')).exitCode, 0);
    assert.match(await box.journal(), /settings\.yaml:\d+:1: .*engins/);
    await works('198.51.100.1', 'passive');
    await stops();
    assert.notEqual((await box.run('systemctl', 'start', 'portcullis')).exitCode, 0);
    // It would be tried again and again.
    await stops();
    await write('/etc/portcullis/settings.yaml', reverse);
  });

  test('transparent, with the routes unit, also after a crash', async () => {
    await write('/etc/portcullis/settings.yaml', transparent);
    const before = await routing();
    await box.must('systemctl', 'enable', 'portcullis-routes');
    await startReady();
    assert.equal(await box.property('portcullis-routes', 'ActiveState'), 'active');
    assert.deepEqual((await privilegesOf(await box.mainProcess('portcullis'))).effective, both);
    await works('10.77.0.2', 'passive');
    await works('10.77.0.2', 'active');
    await becomes(async () => transfers(await box.journal()).filter(isKernels).length, 4);
    await box.must('systemctl', 'reload', 'portcullis');
    await works('10.77.0.2', 'passive');
    // A death that it cannot clean up after.
    await box.must('systemctl', 'kill', '--signal=SIGKILL', '--kill-whom=main', 'portcullis');
    await becomes(() => box.property('portcullis', 'NRestarts'), '1');
    await ready();
    await works('10.77.0.2', 'active');
    await stops();
    // It stops after the gateway, by itself.
    await becomes(() => box.property('portcullis-routes', 'ActiveState'), 'inactive');
    assert.equal(await routing(), before);
    assert.deepEqual(await tables(lab.router), []);
  });
});

const isKernels = (record: LogLine): boolean => record['plane'] === 'kernel';

function transfers(output: string): LogLine[] {
  const lines = output.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  return lines.map((line): LogLine => JSON.parse(line)).filter(({ msg }) => msg === 'transfer');
}

async function routing(): Promise<string> {
  const lists = ['-4 rule', '-6 rule', '-4 route list table 100', '-6 route list table 100'];
  // A table that was never used is an error, and as empty as one that was.
  const printed = lists.map(async (list) => (await lab.router.run('ip', ...list.split(' '))).output);
  return (await Promise.all(printed))
    .join('')
    .replaceAll(/^Error: ipv\d: FIB table does not exist\.\nDump terminated\n/gm, '');
}
