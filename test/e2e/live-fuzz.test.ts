// Can anything that either side says bring the gateway down, or make it keep what it should have given back? Both sides
// say what chance chooses, of words that mean something and of octets that do not, in pieces of any size; some dial the
// ports that were announced, and any may go at any time, in order or by a reset. PORTCULLIS_FUZZ_SESSIONS for longer.
//
//   clients 127.c ──── gateway 127.g:2121 ──── server 127.s:2121 (random)

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate as breathe } from 'node:timers/promises';
import { hostPort } from '../support/data-ends.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { scrambled } from '../support/octets.ts';
import { becomes, residentOctets } from '../support/watch.ts';

const sessions = Number(process.env['PORTCULLIS_FUZZ_SESSIONS'] ?? 400);
const seed = Number(process.env['PORTCULLIS_FUZZ_SEED'] ?? Date.now() % 0x7fff_ffff);
const atOnce = 16;
const piecesMax = 40;
/** What V8 may take for its own comfort. */
const growthMax = 64 * 1024 * 1024;
/** Each way may leave a pair of pipes to the next one. */
const sparesMax = 8 * atOnce;

class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 1;
  }

  /** From 0 to `count` - 1. */
  below(count: number): number {
    this.state = scrambled(this.state);
    return (this.state >>> 0) % count;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  octets(): string {
    return Array.from({ length: this.below(40) }, () => String.fromCharCode(this.below(256))).join('');
  }
}

const ends = ['\r\n', '\r\n', '\r\n', '\r\n', '\n', '\r', '\r\0', ''];

function commandOf(chance: Chance, data: LabEndpoint): string {
  const port = hostPort(data);
  const { host } = data;
  const words = [
    'USER a',
    'PASS b',
    'ACCT c',
    'PASV',
    'EPSV',
    'EPSV ALL',
    `PORT ${port}`,
    `EPRT |1|${host}|${data.port}|`,
  ];
  const files = ['RETR a', 'STOR b', 'LIST', 'APPE c', 'REST 1', 'TYPE I', 'MODE B', 'STAT', 'STAT a', 'NOOP', 'ABOR'];
  const odd = [
    'REIN',
    'QUIT',
    'AUTH TLS',
    'HELP',
    'LPSV',
    'PORT 1,2,3',
    '\xff\xf4\xff\xf2ABOR',
    '\xff\xfd\x01',
    'ALGS STATUS64',
  ];
  const said = chance.of([...words, ...words, ...files, ...files, ...odd, chance.octets(), 'x'.repeat(9000)]);
  return `${said}${chance.of(ends)}`;
}

function replyOf(chance: Chance, data: LabEndpoint): string {
  const codes = [
    125, 150, 200, 211, 213, 220, 221, 225, 226, 230, 250, 257, 331, 332, 350, 421, 425, 426, 451, 500, 502, 550,
  ];
  const code = chance.of(codes);
  const ways = [
    `227 here (${hostPort(data)})`,
    `229 here (|||${data.port}|)`,
    `227-a\r\n227 (${hostPort(data)})`,
    '228 x',
  ];
  const many = [`${code}-a\r\n b\r\n${code} c`, `${code}-a`, `${code}-a\r\n550 b`, `${code}-\r\n`.repeat(50)];
  const plain = `${code} text`;
  return `${chance.of([plain, plain, plain, plain, ...ways, ...ways, ...many, chance.octets()])}${chance.of(ends)}`;
}

/** Breaks off at once, or says goodbye. */
function leave(chance: Chance, socket: Socket): void {
  if (chance.below(2) === 0) socket.resetAndDestroy();
  else socket.end();
}

/** Takes whatever comes, and says at most `pieces` times what chance chooses. */
async function speak(chance: Chance, socket: Socket, pieces: number, word: () => string): Promise<void> {
  for (let piece = chance.below(pieces); piece > 0 && socket.writable; piece -= 1) {
    const text = word();
    const cut = chance.below(4) === 0 ? chance.below(text.length + 1) : text.length;
    for (const part of [text.slice(0, cut), text.slice(cut)]) if (part !== '') socket.write(part, 'latin1');
    await breathe();
  }
  if (socket.writable) leave(chance, socket);
}

describe('whatever both sides say', () => {
  const chance = new Chance(seed);
  let lab: Lab;
  let gateway: RunningGateway;
  let clientData: LabEndpoint;

  /** Listens until the lab closes. */
  async function listen(endpoint: LabEndpoint, onSocket: (socket: Socket) => void): Promise<void> {
    const open = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      open.add(socket.on('error', () => undefined).on('close', () => open.delete(socket)));
      onSocket(socket.resume());
    });
    server.listen(endpoint.port, endpoint.host);
    await once(server, 'listening');
    lab.onClose(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
  }

  const transfer = (socket: Socket): void => void speak(chance, socket, 4, () => 'x'.repeat(chance.below(100_000)));

  function dialData(port: number, localAddress: string): void {
    const socket = connect({ host: gateway.host, port, localAddress, allowHalfOpen: true });
    socket.on('error', () => undefined).on('connect', () => transfer(socket.resume()));
  }

  async function session(): Promise<void> {
    const { host } = clientData;
    const socket = connect({ host: gateway.host, port: gateway.port, localAddress: host, allowHalfOpen: true });
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined).setEncoding('latin1');
    socket.on('data', (text: string) => {
      for (const [, port] of text.matchAll(/^229[^\r]*\|\|\|(\d+)\|/gm)) dialData(Number(port), host);
      for (const [, high, low] of text.matchAll(/^227[^\r]*,(\d+),(\d+)\)/gm)) {
        dialData(Number(high) * 256 + Number(low), host);
      }
    });
    if (chance.below(8) > 0) socket.write('USER anna\r\nPASS secret\r\n');
    await speak(chance, socket, piecesMax, () => commandOf(chance, clientData));
    await ended;
  }

  async function many(count: number): Promise<void> {
    let left = count;
    const one = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await session();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
    await becomes(() => gateway.metric('portcullis_data_ports_in_use'), 0);
  }

  const descriptors = async (): Promise<number> => (await readdir(`/proc/${gateway.program.pid}/fd`)).length;

  before(async () => {
    lab = await openLab();
    const upstream = await lab.endpoint();
    const serverData = { host: upstream.host, port: 30_000 };
    clientData = { host: (await lab.endpoint()).host, port: 30_000 };
    await listen(upstream, (socket) => {
      socket.write('220 hello\r\n');
      if (chance.below(8) > 0) socket.write('331 who\r\n230 in\r\n');
      socket.setEncoding('latin1').on('data', (text: string) => {
        for (const [, high, low] of text.matchAll(/^PORT [\d,]*,(\d+),(\d+)/gm)) {
          if (chance.below(2) > 0) dialData(Number(high) * 256 + Number(low), upstream.host);
        }
      });
      void speak(chance, socket, piecesMax, () => replyOf(chance, serverData));
    });
    for (const endpoint of [serverData, clientData]) await listen(endpoint, transfer);
    const top = ['sessions:', '  perClient: 1000', 'limits:', '  holdTimeout: 100ms', '  farewellTimeout: 1s'];
    gateway = await startGateway(lab, upstream, { top });
  });
  after(() => lab.close());

  test(`${sessions} sessions of chance: no internal error, nothing left open, memory back`, async (t) => {
    t.diagnostic(`seed ${seed}`);
    await many(sessions / 2);
    const [memory, open] = [await residentOctets(gateway.program.pid), await descriptors()];
    await many(sessions / 2);
    assert.equal(await gateway.metric('portcullis_internal_errors_total'), 0);
    assert.deepEqual(
      gateway.log().filter(({ level }) => level === 'error' || level === 'fatal'),
      [],
    );
    const grown = (await residentOctets(gateway.program.pid)) - memory;
    assert.ok(grown < growthMax, `memory has grown by ${grown} octets`);
    const left = (await descriptors()) - open;
    assert.ok(left <= sparesMax, `${left} descriptors more than half-way`);
  });
});
