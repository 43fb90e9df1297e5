// Does a data connection in the kernel end with the session that asked for it, where `kernel.endFlows` says so, and
// only there? The session ends because its client goes, or because a drain has reached its bound.
//
//   routed    client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2 server
//   inbound   the same, where the client knows the server as 203.0.113.10 only
//
// Both ends of the transfer are bare sockets of the test: what either is told of the end is the point.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, passiveEndpoint } from '../support/data-ends.ts';
import { octetsFrom } from '../support/octets.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { loadNft, tables } from '../support/perimeter/nft.ts';
import { RawControl } from '../support/raw-control.ts';
import { becomes } from '../support/watch.ts';

const server = '10.77.0.2';
const published = '203.0.113.10';
const clientHost = '198.51.100.2';
const firstPart = octetsFrom(71, 1_000_003);
const secondPart = octetsFrom(72, 3_000_017);

const operatorsTranslation = `
table inet operator {
  chain masquerading { type nat hook postrouting priority srcnat; ip saddr 172.16.0.0/12 masquerade; }
}`;

const listener = (more: string, endFlows: boolean): string => `
listeners:
  - name: perimeter
    mode: transparent
    listen: 0.0.0.0:2121
    intercept: { ports: [21], interface: wan0 }
    servers: [10.77.0.0/24]
    ${more}
    dataPath: kernel
    dataPorts: 50000-50999
kernel: { endFlows: ${endFlows} }
sessions: { drainTimeout: 0s }
`;

const topologies = [
  { topology: 'routed', dialled: server, more: '' },
  { topology: 'inbound', dialled: published, more: `publish: [{ address: ${published}, to: ${server}:21 }]` },
] as const;

/** One end of a data connection: what came, and how it ended. */
class End {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  how: 'open' | 'end' | 'reset' = 'open';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (octets: Buffer) => {
      this.received = Buffer.concat([this.received, octets]);
    });
    socket.once('end', () => this.over('end'));
    socket.on('error', () => this.over('reset'));
  }

  private over(how: 'end' | 'reset'): void {
    if (this.how === 'open') this.how = how;
  }

  /** It sends on until it is told that nobody hears it. */
  async sendsInVain(): Promise<void> {
    await becomes(() => {
      if (this.how === 'open') this.socket.write('and on');
      return this.how;
    }, 'reset');
  }
}

/** A server that leaves the transfer to the test. `data` is where it listens for passive transfers. */
function startControl(data: DataPort): Promise<Server> {
  const replies: Readonly<Record<string, string>> = {
    USER: '331 Password, please.',
    PASS: '230 Come in.',
    PASV: `227 Entering Passive Mode (${data.hostPort}).`,
    PORT: '200 So be it.',
    RETR: '150 Here it comes.',
    QUIT: '226 All of it is on its way.\r\n221 Goodbye.',
  };
  const listening = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.write('220 A server.\r\n');
    let text = '';
    socket.setEncoding('latin1').on('data', (octets) => {
      const lines = (text + octets).split('\r\n');
      text = lines.pop() ?? '';
      for (const line of lines) socket.write(`${replies[line.split(' ', 1)[0] ?? ''] ?? '502 Not known here.'}\r\n`);
    });
  });
  return new Promise((resolve) => listening.listen(21, server, () => resolve(listening)));
}

for (const { topology, dialled, more } of topologies) {
  for (const endFlows of [true, false]) {
    describe(`${topology}, endFlows: ${endFlows}`, { skip: whyNoPerimeter() }, () => {
      let lab: PerimeterLab;
      let data: DataPort;
      let gateway: PerimeterGateway;
      let endedBefore = 0;

      before(async () => {
        lab = await openPerimeter(topology);
        data = await lab.server.enter(() => DataPort.open(lab.lab, server));
        const control = await lab.server.enter(() => startControl(data));
        lab.lab.onClose(() => void control.close());
        // The kernel tracks and translates only while somebody has rules for it, and a stopped gateway has none any
        // more.
        await loadNft(lab.router, operatorsTranslation);
        gateway = await startGateway(lab, listener(more, endFlows));
      });
      after(() => lab.close());

      const login = (): Promise<RawControl> =>
        lab.client.enter(() =>
          RawControl.login({ host: dialled, port: 21 }, { user: 'tester', password: 'open-sesame' }),
        );

      async function passive(control: RawControl): Promise<[client: End, server: End]> {
        const target = passiveEndpoint(await control.ask('PASV'));
        control.send('RETR large\r\n');
        const client = await lab.client.enter(() => dial(target));
        return underWay(control, client, (await data.next()).socket);
      }

      /** The server calls from the port that RFC 959 gives it. */
      async function active(control: RawControl): Promise<[client: End, server: End]> {
        const own = await lab.client.enter(() => DataPort.open(lab.lab, clientHost));
        assert.match(await control.ask(`PORT ${own.hostPort}`), /^200/);
        control.send('RETR large\r\n');
        const socket = await lab.server.enter(async () => connect({ host: clientHost, port: own.port, localPort: 20 }));
        await once(socket, 'connect');
        return underWay(control, (await own.next()).socket, socket);
      }

      /** A part has come, and the rest waits for the test. */
      async function underWay(control: RawControl, client: Socket, from: Socket): Promise<[client: End, server: End]> {
        assert.match(await control.reply(), /^150/);
        const ends: [End, End] = [new End(client), new End(from)];
        lab.lab.onClose(() => void (client.destroy() && from.destroy()));
        from.write(firstPart);
        await becomes(() => ends[0].received.length, firstPart.length);
        return ends;
      }

      /** As many more sessions as before. */
      async function ended(more: number): Promise<void> {
        endedBefore += more;
        await becomes(() => gateway.log().filter(({ msg }) => msg === 'session ended').length, endedBefore);
      }

      async function fares(ends: [client: End, server: End]): Promise<void> {
        if (!endFlows) return arrivesWhole(ends);
        const [client, from] = ends;
        from.socket.write(secondPart);
        await Promise.all([from.sendsInVain(), client.sendsInVain()]);
        assert.ok(client.received.length < firstPart.length + secondPart.length);
      }

      async function arrivesWhole([client, from]: [End, End]): Promise<void> {
        from.socket.end(secondPart);
        await becomes(() => client.how, 'end');
        assert.deepEqual(client.received, Buffer.concat([firstPart, secondPart]));
        client.socket.end();
        await becomes(() => from.how, 'end');
      }

      for (const [name, transfer] of [
        ['passive', passive],
        ['active', active],
      ] as const) {
        test(`${name}: the client ends its session in the middle`, async () => {
          const control = await login();
          const ends = await transfer(control);
          control.close();
          await ended(1);
          await fares(ends);
        });
      }

      test('whoever still has a session keeps its transfer', async () => {
        const [gone, staying] = [await login(), await login()];
        const other = await passive(gone);
        const kept = await passive(staying);
        gone.close();
        await ended(1);
        await fares(other);
        await arrivesWhole(kept);
        staying.close();
        await ended(1);
      });

      test('what the server has said to be complete still arrives', async () => {
        const control = await login();
        const ends = await passive(control);
        assert.match(await control.ask('QUIT'), /^226/);
        assert.match(await control.reply(), /^221/);
        control.close();
        await ended(1);
        await arrivesWhole(ends);
      });

      test('the bound of a drain passes in the middle', async () => {
        const control = await login();
        const ends = await passive(control);
        gateway.program.signal('SIGTERM');
        assert.match(await control.reply(), /^421/);
        await control.ended;
        await fares(ends);
        assert.equal((await gateway.program.finished).exitCode, 0);
        assert.deepEqual(await tables(lab.router), ['operator']);
      });
    });
  }
}
