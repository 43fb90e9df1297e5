// Can a hostile server's answer to EPSV lead the client, or the perimeter, to a third host or to a port that was not
// asked for? A 229 that names more than a port, another reply in its place, two of them, and one that nobody asked for.
// The settings are deploy/routed-ipv6.yaml itself; the client is a bare socket.
//
//   client 2001:db8:1::2 ─── wan0 router lan0 ─── 2001:db8:77::3 the server, ::4 its neighbour

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DataPort, dial, hostPort, receiveAll } from '../support/data-ends.ts';
import { octetsFrom } from '../support/octets.ts';
import { authority } from '../support/operated-gateway.ts';
import { deployed } from '../support/perimeter/deployed.ts';
import { type PerimeterGateway, startGateway } from '../support/perimeter/gateway.ts';
import { openPerimeter, type PerimeterLab, whyNoPerimeter } from '../support/perimeter/lab.ts';
import { announcedBy, isDropped, pinholeKeys } from '../support/perimeter/pinhole-watch.ts';
import { isRefused, type Refused, waysOpened } from '../support/perimeter/refusal-watch.ts';
import { watchPeers } from '../support/perimeter/witness.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServerAt } from '../support/scripted-server.ts';

const file = octetsFrom(50, 300_007);
const scripted = '2001:db8:77::3';
const neighbour = '2001:db8:77::4';
const client = '2001:db8:1::2';
const stranger = { six: '2001:db8:66::66', four: '192.0.2.66' };

/** As RFC 1639 §3 writes the address of the stranger. */
const longHost = '6,16,32,1,13,184,0,102,0,0,0,0,0,0,0,0,0,102';

describe('a hostile server over IPv6', { skip: whyNoPerimeter() }, () => {
  let lab: PerimeterLab;
  let gateway: PerimeterGateway;
  let server: ScriptedServer;
  let control: RawControl;
  /** Both listen at the server; the file comes from the first. */
  let data: DataPort;
  let spare: DataPort;
  let answers: readonly string[];
  before(async () => {
    lab = await openPerimeter('routed');
    await watchPeers(lab.server);
    gateway = await startGateway(lab, await deployed('routed-ipv6.yaml', []));
    data = await lab.server.enter(() => DataPort.open(lab.lab, scripted));
    spare = await lab.server.enter(() => DataPort.open(lab.lab, scripted));
    server = await lab.server.enter(() =>
      startScriptedServerAt(
        lab.lab,
        { host: scripted, port: 21 },
        {
          verbs: {
            EPSV: (session) => session.write(answers.map((line) => `${line}\r\n`).join('')),
            EPRT: '200 So be it.',
            HELP: (session) => session.write(`${right(spare)}\r\n`),
            RETR: async (session) => {
              session.write('150 Here it comes.\r\n');
              (await data.next()).socket.end(file);
              session.write('226 Done.\r\n');
            },
          },
        },
      ),
    );
    control = await lab.client.enter(() => RawControl.login(server, server));
  });
  after(async () => {
    control?.close();
    await lab.close();
  });

  const pinholes = async (): Promise<string[]> => [...(await pinholeKeys(lab, 4)), ...(await pinholeKeys(lab, 6))];
  const right = ({ port }: { readonly port: number }): string => `229 Entering Extended Passive Mode (|||${port}|)`;

  async function opensOneWay(): Promise<void> {
    const reply = await control.ask('EPSV');
    assert.match(reply, /^229 [^(]*\(\|\|\|\d+\|\)\.?$/);
    const announced = announcedBy(reply, scripted);
    assert.deepEqual(announced, { host: scripted, port: data.port });
    assert.match(await control.ask('NOOP'), /^200/);
    assert.deepEqual(await pinholes(), [`${client} ${scripted} ${data.port}`]);
    for (const target of [spare, { host: neighbour, port: data.port }]) {
      await isDropped(lab, lab.client, client, target);
    }
    control.send('RETR file.bin\r\n');
    const connection = await lab.client.enter(() => dial(announced));
    assert.deepEqual(await receiveAll(connection), { octets: file, how: 'end' });
    assert.match(await control.reply(), /^150/);
    assert.match(await control.reply(), /^226/);
    assert.deepEqual(await pinholes(), []);
  }

  const unusable = { cause: 'malformed-address' };
  const lowPort = { cause: 'low-port', bounce: 'low-port', target: authority({ host: scripted, port: 25 }) };
  const refusals: readonly (readonly [string, (port: number) => string, Refused])[] = [
    ['a third host', (port) => `229 Here (|2|${stranger.six}|${port}|)`, unusable],
    ['a third host of IPv4', (port) => `229 Here (|1|${stranger.four}|${port}|)`, unusable],
    ['a neighbour without its family', (port) => `229 Here (||${neighbour}|${port}|)`, unusable],
    ['a family', (port) => `229 Here (|2||${port}|)`, unusable],
    ['a 227', (port) => `227 Here (${hostPort({ host: stranger.four, port })})`, unusable],
    ['a 228', (port) => `228 Here (${longHost},2,${port >> 8},${port & 255})`, unusable],
    ['port 0', () => '229 Here (|||0|)', unusable],
    ['a port over 65535', (port) => `229 Here (|||${port + 65_536}|)`, unusable],
    ['two ports', (port) => `229 Here (|||${port}|${port}|)`, unusable],
    ['a port of system services', () => '229 Here (|||25|)', lowPort],
  ];
  for (const [what, answer, refused] of refusals) {
    test(`EPSV answered with ${what}: 425, and no way`, async () => {
      const before = await waysOpened(gateway);
      answers = [answer(data.port)];
      await isRefused(gateway, control, refused, async () =>
        assert.match(await control.ask('EPSV'), /^425 The server announced (no|a) data port/),
      );
      assert.match(await control.ask('NOOP'), /^200/);
      assert.equal(await waysOpened(gateway), before);
      assert.deepEqual(await pinholes(), []);
    });
  }

  const texts: readonly (readonly [string, (port: number) => readonly string[]])[] = [
    ['in front', (port) => [`229 Go to ${neighbour} (${neighbour}) (|||${port}|)`]],
    ['behind', (port) => [`229 (|||${port}|) (|2|${neighbour}|${port}|)`]],
    ['in a line of its own', (port) => [`229-(|2|${neighbour}|${port}|)`, `229 (|||${port}|)`]],
  ];
  for (const [where, answer] of texts) {
    test(`a 229 with another host in its text, ${where}: only the port counts`, async () => {
      answers = answer(data.port);
      await opensOneWay();
    });
  }

  const unasked = { cause: 'unsolicited-reply', bounce: 'unsolicited-passive' };
  test('two 229s at once: the first counts', async () => {
    answers = [right(data), right(spare)];
    await isRefused(gateway, control, unasked, opensOneWay);
  });

  test('a 229 that nobody asked for, before and after the one that counts', async () => {
    const [session] = server.sessions;
    const says = async (): Promise<void> => session!.write(`${right(spare)}\r\n`);
    const before = await waysOpened(gateway);
    await isRefused(gateway, control, unasked, says);
    assert.equal(await waysOpened(gateway), before);
    answers = [right(data)];
    await opensOneWay();
    await isRefused(gateway, control, unasked, says);
    assert.equal(await waysOpened(gateway), before + 1);
    assert.deepEqual(await pinholes(), []);
    assert.equal(control.unread, '');
  });

  test('a 229 in answer to another verb', async () => {
    const before = await waysOpened(gateway);
    await isRefused(gateway, control, unasked, async () => assert.match(await control.ask('HELP'), /^451/));
    assert.equal(await waysOpened(gateway), before);
  });

  test('what passes is written anew: it reads an address in one spelling only', async () => {
    const { port } = data;
    assert.match(await control.ask(`EPRT !2!2001:DB8:1:0::0002!${port}!`), /^200/);
    assert.equal(server.lines.at(-1), `EPRT |2|${client}|${port}|`);
  });
});
