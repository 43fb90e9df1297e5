// What does our nftables table do with packets by itself, as `portcullis rules` prints it? No gateway runs here: what
// it would put into sets and maps is put there by nft, and in its place a socket listens that takes whatever the kernel
// hands it.
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2, .3, .4 server

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { printRuleset } from '../../src/nftables/ruleset.ts';
import type { TablePlan } from '../../src/nftables/table-plan.ts';
import { DataPort, dial } from '../support/data-ends.ts';
import { Attempt } from '../support/perimeter/attempt.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { counted, elements, loadNft } from '../support/perimeter/nft.ts';
import { attemptsSeen, watchPeers } from '../support/perimeter/witness.ts';
import { intercept, networks, tablePlan } from '../support/table-plans.ts';
import { becomes } from '../support/watch.ts';

const skip = whyNoPerimeter();
const plan: TablePlan = {
  ...tablePlan,
  intercepts: [{ ...intercept, interface: 'wan0' }],
  guard: networks('10.77.0.0/24'),
  dscp: { control: undefined, data: 8 },
};

/** Says whom its clients wanted to reach. The option is IP_TRANSPARENT, ip(7). */
const taker = `
import socket
listener = socket.socket()
listener.setsockopt(socket.SOL_IP, 19, 1)
listener.bind(("0.0.0.0", 2121))
listener.listen()
print("listening", flush=True)
while True:
    taken, _ = listener.accept()
    print("for %s:%d" % taken.getsockname(), flush=True)
`;

describe("the perimeter's table", { skip }, () => {
  let lab: PerimeterLab;
  before(async () => {
    lab = await openPerimeter('routed');
    await watchPeers(lab.server);
  });
  after(() => lab.close());
  beforeEach(() => loadNft(lab.router, `flush ruleset\n${printRuleset(plan)}`));

  const listen = (host: string, port: number): Promise<DataPort> =>
    lab.server.enter(() => DataPort.open(lab.lab, host, port));

  /** From the client, once the server's end has it too. */
  async function reaches(host: string, port: number, at: DataPort): Promise<string> {
    const socket = await lab.client.enter(() => dial({ host, port }));
    const { from, socket: taken } = await at.next();
    taken.destroy();
    socket.destroy();
    return from.host;
  }

  test('control connections that nobody is there to read do not pass', async () => {
    const attempt = await Attempt.from(lab.client, { host: '10.77.0.2', port: 21 });
    await becomes(async () => (await counted(lab.router, 'portcullis', 'unread')).packets > 0, true);
    assert.equal(attempt.outcome, 'no answer');
    assert.equal(await attemptsSeen(lab.server, '198.51.100.2', 21), 0);
    attempt.giveUp();
  });

  test("the listener gets intercepted connections, and none to its port number at another's address", async () => {
    const program = await lab.lab.start('python3', ['-c', taker], { network: lab.router.name });
    await program.printed(/listening/);
    const control = await lab.client.enter(() => dial({ host: '10.77.0.2', port: 21 }));
    await program.printed(/for 10\.77\.0\.2:21\n/);
    control.destroy();
    await loadNft(lab.router, 'flush set inet portcullis guarded4');
    const same = await listen('10.77.0.2', 2121);
    assert.equal(await reaches('10.77.0.2', 2121, same), '198.51.100.2');
    assert.doesNotMatch(program.output, /2121/);
    await program.end();
  });

  test('nobody reaches a guarded network above port 1023 from any side, nor by UDP; below does not ask', async () => {
    const attempts = [
      await Attempt.from(lab.client, { host: '10.77.0.2', port: 1024 }),
      await Attempt.from(lab.stranger, { host: '10.77.0.2', port: 65_535 }),
    ];
    await becomes(async () => (await counted(lab.router, 'portcullis', 'unexpected')).packets >= 2, true);
    for (const attempt of attempts) {
      assert.equal(attempt.outcome, 'no answer');
      attempt.giveUp();
    }
    const { packets } = await counted(lab.router, 'portcullis', 'unexpected');
    await lab.client.must('python3', '-c', 'import socket; socket.socket(2, 2).sendto(b"x", ("10.77.0.2", 21))');
    await becomes(async () => (await counted(lab.router, 'portcullis', 'unexpected')).packets > packets, true);
    await assert.rejects(
      lab.client.enter(() => dial({ host: '10.77.0.2', port: 1023 })),
      { code: 'ECONNREFUSED' },
    );
  });

  test("our translations come before the operator's, once, and data connections carry their code point", async () => {
    await loadNft(
      lab.router,
      `add table ip operator
      add chain ip operator before { type nat hook prerouting priority dstnat; }
      add rule ip operator before tcp dport 50001 dnat to 10.77.0.3
      add chain ip operator after { type nat hook postrouting priority srcnat; }
      add rule ip operator after masquerade
      add element inet portcullis redirects4 { 198.51.100.2 . 10.77.0.4 . 50001 timeout 1m : 10.77.0.2 . 50000 }
      add element inet portcullis sources4 { 198.51.100.2 . 10.77.0.2 . 50000 timeout 1m : 10.77.0.99 }
      add element inet portcullis pinholes4 { 198.51.100.2 . 10.77.0.2 . 50000 timeout 1m }`,
    );
    await loadNft(
      lab.server,
      `add table inet points
      add counter inet points cs1
      add chain inet points came { type filter hook input priority filter; }
      add rule inet points came ip saddr 10.77.0.99 ip dscp cs1 counter name cs1`,
    );
    // Answers to an address that the router has taken find their way to it.
    await lab.router.must('ip', 'addr', 'add', '10.77.0.99/24', 'dev', 'lan0');
    const data = await listen('10.77.0.2', 50_000);
    assert.equal(await reaches('10.77.0.4', 50_001, data), '10.77.0.99');
    assert.ok((await counted(lab.server, 'points', 'cs1')).packets > 1);
    assert.deepEqual(await elements(lab.router, 'portcullis', 'pinholes4'), []);

    const second = await Attempt.from(lab.client, { host: '10.77.0.4', port: 50_001 });
    await becomes(async () => (await counted(lab.router, 'portcullis', 'unexpected')).packets > 0, true);
    assert.equal(second.outcome, 'no answer');
    second.giveUp();
  });

  test('a pinhole can be opened again as soon as it has been used', async () => {
    const data = await listen('10.77.0.3', 50_000);
    for (let use = 0; use < 3; use += 1) {
      await loadNft(
        lab.router,
        'add element inet portcullis pinholes4 { 198.51.100.2 . 10.77.0.3 . 50000 timeout 1m }',
      );
      assert.equal(await reaches('10.77.0.3', 50_000, data), '198.51.100.2');
    }
  });
});
