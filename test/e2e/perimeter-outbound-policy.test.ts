// Does the gateway take clients where the router's own rules would not let them? Its connection to the server passes
// neither the forward nor the input chain, so the listener says who may come and which way servers are reached; and the
// operator's output chain can tell its connections by their mark.
//
//   client 10.88.0.2, fd88::2 ─── lan0 router wan0 ─── 198.51.100.2, 2001:db8:1::2 the world's servers
//          10.99.0.2                          wan1 ─── 192.0.2.66, 2001:db8:66::66 a server of the operator's own (DMZ)

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loggedLine } from '../support/log-line.ts';
import { executable } from '../support/operated-gateway.ts';
import { Attempt } from '../support/perimeter/attempt.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import type { Network } from '../support/perimeter/network.ts';
import { loadNft } from '../support/perimeter/nft.ts';
import { RawControl } from '../support/raw-control.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { Victim } from '../support/victim.ts';
import { becomes } from '../support/watch.ts';

const settings = `
listeners:
  - name: outbound
    mode: transparent
    listen: "[::]:2121"
    intercept: { ports: [21], interface: lan0 }
    clients: [10.88.0.0/24, "fd88::/64"]
    egress: wan0
    servers: [0.0.0.0/0, "::/0"]
    source: gateway
`;

describe('clients, egress and the mark of the server leg', { skip: whyNoPerimeter() }, () => {
  let lab: PerimeterLab;
  let vsftpd: RealServer;
  let gateway: PerimeterGateway;

  before(async () => {
    lab = await openPerimeter('outbound');
    vsftpd = await startServerAt(lab.lab, 'vsftpd', { host: '198.51.100.2', port: 21, network: lab.server.name });
    await lab.client.must('ip', 'address', 'add', '10.99.0.2/32', 'dev', 'eth0');
    await lab.router.must('ip', 'route', 'add', '10.99.0.2', 'dev', 'lan0');
    // Somebody without any right holds all that a stranger can hold of the gateway's name.
    const squatter = `import socket, time; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\\0portcullis table inet portcullis"); print("held", flush=True); time.sleep(600)`;
    const held = await lab.lab.start('setpriv', ['--reuid=65534', '/usr/bin/python3', '-c', squatter], {
      network: lab.router.name,
    });
    await becomes(() => held.output.includes('held'), true);
    gateway = await startGateway(lab, settings);
  });
  after(() => lab.close());

  async function reads421(target: string, expected: RegExp, localAddress?: string, port = 21): Promise<void> {
    const control = await lab.client.enter(() => RawControl.open({ host: target, port }, localAddress));
    assert.match(await control.reply(), expected);
    assert.equal(await control.ended, 'end');
  }

  function listening(network: Network, host: string): Promise<Victim> {
    return network.enter(() => Victim.open(lab.lab, { host, port: 21 }));
  }

  test('clients of the networks named reach servers out of the interface named', async () => {
    const control = await lab.client.enter(() => RawControl.login({ host: '198.51.100.2', port: 21 }, vsftpd));
    assert.match(await control.ask('NOOP'), /^200/);
    control.close();
  });

  for (const dmz of ['192.0.2.66', '2001:db8:66::66']) {
    test(`a server behind another interface, ${dmz}: 421, and nobody dials it`, async () => {
      const victim = await listening(lab.stranger, dmz);
      await reads421(dmz, /^421 .*leads elsewhere/);
      const line = await loggedLine(gateway.program, { msg: 'session refused', cause: 'egress' });
      assert.match(String(line['reason']), /wan0/);
      await lab.stranger.enter(() => victim.nobodyCame());
    });
  }

  for (const own of ['10.88.0.1', '198.51.100.1', '192.0.2.1', 'fd88::1', '2001:db8:1::1']) {
    test(`the router itself, ${own}: 421, and nobody dials it`, async () => {
      const victim = await listening(lab.router, own);
      await reads421(own, /^421 This FTP server cannot be reached/);
      await lab.router.enter(() => victim.nobodyCame());
    });
  }

  test('a client of another network is not taken, and gets 421 where it dials the listener', async () => {
    const unread = 'portcullis_kernel_dropped_packets_total{reason="unread"}';
    const before = await gateway.metric(unread);
    const attempt = await Attempt.from(lab.client, { host: '198.51.100.2', port: 21 }, '10.99.0.2');
    await becomes(async () => (await gateway.metric(unread)) > before, true);
    assert.equal(attempt.outcome, 'no answer');
    attempt.giveUp();
    await reads421('10.88.0.1', /^421 Clients in your network may not/, '10.99.0.2', 2121);
    await loggedLine(gateway.program, { msg: 'session refused', cause: 'network' });
    assert.equal(await gateway.metric('portcullis_sessions_total{outcome="refused-network"}'), 1);
  });

  test("the operator's output chain knows the server leg by its mark", async () => {
    await loadNft(
      lab.router,
      `table inet filter { chain out { type filter hook output priority filter; policy accept;
        meta mark 0xf7d ip daddr 198.51.100.2 reject with tcp reset
      }; }`,
    );
    await reads421('198.51.100.2', /^421 The FTP server cannot be reached/);
    await lab.router.must('nft', 'delete', 'table', 'inet', 'filter');
  });

  test('a second gateway does not start while the first one runs', async () => {
    const path = join(lab.lab.folder, 'second.yaml');
    await writeFile(path, `${settings.replace('2121', '2123')}\nadmin: { listen: "127.0.0.1:9123" }\n`);
    const second = await lab.lab.start(process.execPath, [executable, 'run', path], { network: lab.router.name });
    assert.equal((await second.finished).exitCode, 1);
    assert.match(second.output, /another Portcullis runs here with the nftables table inet portcullis/);
  });

  test('a link-local client whose address the server would see is told why that cannot be', async () => {
    gateway.program.signal('SIGTERM');
    await gateway.program.finished;
    gateway = await startGateway(
      lab,
      settings.replace('source: gateway', 'source: client').replace('"fd88::/64"', '"::/0"'),
    );
    const listed = async (): Promise<string> =>
      lab.client.must('ip', '-6', '-o', 'address', 'show', 'scope', 'link', '-tentative');
    await becomes(async () => /fe80/.test(await listed()), true);
    const [, address] = /(fe80::[0-9a-f:]+)/.exec(await listed()) ?? [];
    await reads421('2001:db8:1::2', /^421 .*link-local/, `${address}%eth0`);
    await loggedLine(gateway.program, { msg: 'session refused', cause: 'link-local' });
  });
});
