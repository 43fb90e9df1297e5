// Does a data connection in the kernel survive the loss of its first packets? Does its pinhole stay until its handshake
// is complete, however long that takes, and let nothing else through from then on?
//
//   routed    client 198.51.100.2, 2001:db8:1::2 ─── wan0 router lan0 ─── 10.77.0.2, 2001:db8:77::2 vsftpd
//   inbound   client 198.51.100.2 ────────────────── wan0 router lan0 ─── 10.77.0.2 vsftpd, published as 203.0.113.10
//   outbound  client 10.88.0.2 ───────────────────── lan0 router wan0 ─── 198.51.100.2 vsftpd, sees 198.51.100.1 only
//
// The host to which a packet goes loses it (loss.ts), so the router has let it through by then: the first SYN, the
// first answer to it, or the first octets of the file. Whatever else of its kind comes is held back until the test has
// tried another connection from the same host to the same endpoint; then TCP's own timers do the rest. Where addresses
// are translated, the host that dials also knows the way behind the translation.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type ClientRun, type DataMode, sentSetups, setupVerb } from '../support/clients/client.ts';
import { curl } from '../support/clients/curl.ts';
import type { LabEndpoint } from '../support/lab.ts';
import type { LogLine } from '../support/log-line.ts';
import { octetsFrom } from '../support/octets.ts';
import { Attempt } from '../support/perimeter/attempt.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { Loss, type Lost, synsSeen, watchSyns } from '../support/perimeter/loss.ts';
import type { Network } from '../support/perimeter/network.ts';
import { elements } from '../support/perimeter/nft.ts';
import { pinholeKeys, unexpected } from '../support/perimeter/pinhole-watch.ts';
import type { Topology } from '../support/perimeter/topology.ts';
import { type RealServer, startServerAt } from '../support/real-servers.ts';
import { becomes } from '../support/watch.ts';

/** Over many segments, and no multiple of any buffer. */
const file = octetsFrom(61, 300_007);

interface Realm {
  readonly topology: Topology;
  readonly family: 4 | 6;
  readonly modes: readonly DataMode[];
  readonly server: string;
  readonly dialled: string;
  readonly listener: readonly string[];
  /** Both sides: whoever dials, the guard has to see it. */
  readonly guard: string;
  /** Who is behind the translation, and how somebody before it would get there. */
  readonly behind?: { readonly host: 'client' | 'server'; readonly route: readonly string[] };
}

const realms: readonly Realm[] = [
  {
    topology: 'routed',
    family: 4,
    modes: ['passive', 'active'],
    server: '10.77.0.2',
    dialled: '10.77.0.2',
    listener: ['intercept: { ports: [21], interface: wan0 }', 'servers: [10.77.0.0/24]'],
    guard: '[10.77.0.0/24, 198.51.100.0/24]',
  },
  {
    topology: 'routed',
    family: 6,
    modes: ['extended', 'extended-active'],
    server: '2001:db8:77::2',
    dialled: '2001:db8:77::2',
    listener: ['intercept: { ports: [21], interface: wan0 }', 'servers: ["2001:db8:77::/64"]'],
    guard: '["2001:db8:77::/64", "2001:db8:1::/64"]',
  },
  {
    topology: 'inbound',
    family: 4,
    modes: ['passive', 'active'],
    server: '10.77.0.2',
    dialled: '203.0.113.10',
    listener: [
      'intercept: { ports: [21], interface: wan0 }',
      'servers: [10.77.0.0/24]',
      'publish: [{ address: 203.0.113.10, to: 10.77.0.2:21 }]',
    ],
    guard: '[10.77.0.0/24, 198.51.100.0/24]',
    behind: { host: 'client', route: ['10.77.0.0/24', 'via', '198.51.100.1'] },
  },
  {
    topology: 'outbound',
    family: 4,
    modes: ['passive', 'active'],
    server: '198.51.100.2',
    dialled: '198.51.100.2',
    listener: ['intercept: { ports: [21], interface: lan0 }', 'servers: [0.0.0.0/0]', 'source: gateway'],
    guard: '[10.88.0.0/24, 198.51.100.0/24]',
    behind: { host: 'server', route: ['10.88.0.0/24', 'via', '198.51.100.1'] },
  },
];

const settingsOf = ({ family, listener, guard }: Realm): string => `
listeners:
  - name: perimeter
    mode: transparent
    listen: "${family === 4 ? '0.0.0.0' : '[::]'}:2121"
${listener.map((line) => `    ${line}`).join('\n')}
    dataPath: kernel
    dataPorts: 50000-50999
kernel:
  guard: ${guard}
`;

type Direction = 'download' | 'upload';

const losses: readonly (readonly [Lost, Direction])[] = [
  ['SYN', 'download'],
  ['SYN-ACK', 'download'],
  ['data', 'download'],
  ['data', 'upload'],
];

for (const realm of realms) {
  const { topology, family, modes, server, dialled, behind } = realm;
  describe(`losses, ${topology}, IPv${family}`, { skip: whyNoPerimeter() }, () => {
    let lab: PerimeterLab;
    let vsftpd: RealServer;
    let gateway: PerimeterGateway;

    before(async () => {
      lab = await openPerimeter(topology);
      vsftpd = await startServerAt(lab.lab, 'vsftpd', { host: server, port: 21, network: lab.server.name });
      if (behind !== undefined) await lab[behind.host].must('ip', 'route', 'add', ...behind.route);
      gateway = await startGateway(lab, settingsOf(realm));
    });
    after(() => lab.close());

    for (const mode of modes) {
      const isPassive = mode === 'passive' || mode === 'extended';
      for (const [lost, direction] of losses) {
        const title = `${setupVerb[mode]}, ${direction}: the first ${lost} is lost, and no other passes beside it`;
        test(title, async (t) => {
          const [dials, listens] = isPassive ? [lab.client, lab.server] : [lab.server, lab.client];
          const readsFile = direction === 'download' ? lab.client : lab.server;
          const name = `${setupVerb[mode]}-${direction}-${lost}.bin`.toLowerCase();
          const [before, transfersBefore] = [await waysCounted(), gateway.transfers().length];
          await watchSyns(listens, family);
          const loss = await Loss.at({ SYN: listens, 'SYN-ACK': dials, data: readsFile }[lost], lost, family);
          t.after(() => loss.end());

          let dropped = 0;
          const run = transfer(mode, direction, name);
          try {
            await loss.happened();
            if (lost === 'data') {
              await isSpent();
              await nothingElsePasses(dials, listens);
            } else {
              assert.equal((await pinholeKeys(lab, family)).length, 1, 'nothing is complete yet');
            }
            dropped = await unexpected(lab);
            assert.equal(gateway.transfers().length, transfersBefore, 'the transfer goes on');
          } finally {
            await loss.goesOn();
            await run;
          }
          await arrived(mode, direction, name, await run);
          await isSpent();

          await becomes(() => gateway.transfers().length, transfersBefore + 1);
          const { opened, used } = await waysCounted();
          assert.deepEqual({ opened, used }, { opened: before.opened + 1, used: before.used + 1 });
          await cameAgain(loss, lost);
          assert.equal(await unexpected(lab), dropped, 'the guard has dropped nothing that was sent again');
          const seen = await synsSeen(listens);
          assert.equal(seen.length, 1, `one connection came: ${JSON.stringify(seen)}`);
          if (lost === 'SYN') assert.ok(seen[0]!.packets! >= 2, JSON.stringify(seen));
          assertRecord(
            gateway.transfers()[transfersBefore]!,
            direction,
            lost === 'data' ? (await loss.extent()).octets : 0,
          );
        });
      }
    }

    async function transfer(mode: DataMode, direction: Direction, name: string): Promise<ClientRun> {
      const folder = await lab.lab.makeFolder(name);
      const { user, password, files } = vsftpd;
      const target = { host: dialled, port: 21, user, password, mode, folder, network: lab.client.name };
      await writeFile(join(direction === 'download' ? files : folder, name), file);
      return direction === 'download'
        ? curl.download(target, `files/${name}`, name)
        : curl.upload!(target, name, `files/${name}`);
    }

    async function arrived(mode: DataMode, direction: Direction, name: string, run: ClientRun): Promise<void> {
      assert.equal(run.exitCode, 0, run.output);
      assert.deepEqual(sentSetups(curl, run), [setupVerb[mode]], run.output);
      const there = direction === 'download' ? join(lab.lab.folder, name) : vsftpd.files;
      assert.ok((await readFile(join(there, name))).equals(file), 'every octet');
    }

    async function waysCounted(): Promise<{ opened: number; used: number }> {
      const count = (event: string): Promise<number> =>
        gateway.metric(`portcullis_ways_total{plane="kernel",event="${event}"}`);
      return { opened: await count('opened'), used: await count('used') };
    }

    /**
     * The connection that was completed has taken the pinhole out, and the gateway the translation of its destination.
     */
    async function isSpent(): Promise<void> {
      assert.deepEqual(await pinholeKeys(lab, family), []);
      await becomes(async () => (await elements(lab.router, 'portcullis', `redirects${family}`, 'map')).length, 0);
    }

    /**
     * From another port of the host that dials, to where the data connection really goes and to where it was told to
     * go.
     */
    async function nothingElsePasses(dials: Network, listens: Network): Promise<void> {
      const { announced, real } = await livingWay();
      const came = async (): Promise<string[]> => (await synsSeen(listens)).map(({ key }) => key);
      const connections = await came();
      assert.equal(connections.length, 1);
      assert.ok(connections[0]!.endsWith(` ${real.host} ${real.port}`), `${connections} to ${JSON.stringify(real)}`);
      const dropped = await unexpected(lab);
      const attempt = await Attempt.from(dials, real);
      await becomes(async () => (await unexpected(lab)) > dropped, true);
      assert.equal(attempt.outcome, 'no answer');
      attempt.giveUp();
      if (announced.host !== real.host) {
        // That is an address of the router, where nobody listens any more.
        const another = await Attempt.from(dials, announced);
        await becomes(() => another.outcome, 'ECONNREFUSED');
      }
      assert.deepEqual(await came(), connections);
    }

    async function livingWay(): Promise<{ announced: LabEndpoint; real: LabEndpoint }> {
      const page = JSON.parse(await lab.router.must('curl', '-sSf', 'http://127.0.0.1:9121/pinholes'));
      const ways = page.ways.filter(({ endedAt }: { endedAt: string | null }) => endedAt === null);
      assert.equal(ways.length, 1, JSON.stringify(page));
      const legs = [ways[0].clientLeg, ways[0].serverLeg];
      const end = (mode: string, which: string): LabEndpoint => endpoint(legs.find((leg) => leg.mode === mode)[which]);
      return { announced: end('listen', 'local'), real: end('dial', 'remote') };
    }
  });
}

/** `host:port`, with brackets around an IPv6 address. */
function endpoint(text: string): LabEndpoint {
  const [, host = '', port] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? [];
  return { host, port: Number(port) };
}

/** One packet was lost, once, and the very same one arrived later. */
async function cameAgain(loss: Loss, lost: Lost): Promise<void> {
  const [gone, again] = [await loss.lost(), await loss.again()];
  assert.deepEqual([gone.length, (await loss.extent()).packets], [1, 1]);
  assert.deepEqual(
    again.map(({ key }) => key),
    gone,
  );
  // The first to arrive is answered at once; of the others both ends send some before they know.
  if (lost === 'SYN') assert.equal(again[0]!.packets, 1);
}

function assertRecord(record: LogLine, direction: Direction, lostOctets: number): void {
  const { plane, outcome } = record;
  assert.deepEqual({ plane, outcome }, { plane: 'kernel', outcome: 'completed' }, JSON.stringify(record));
  // The kernel counted where nothing had been lost yet: what did not arrive is in it too.
  const octets = Number(record[direction === 'download' ? 'octetsToClient' : 'octetsToServer']);
  assert.ok(octets >= file.length + lostOctets, `${lostOctets} lost: ${JSON.stringify(record)}`);
}
