// The sample server as its clients see it, over loopback: by basic-ftp, and line by line where a proper client would
// not go.

import assert from 'node:assert/strict';
import { access, readdir, readFile, truncate } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Client, enterPassiveModeIPv4, enterPassiveModeIPv6 } from 'basic-ftp';
import { type SampleServer, startSampleServer } from '../../../src/sample/sample-server.ts';

let server: SampleServer;
beforeEach(async () => {
  server = await startSampleServer({ host: '127.0.0.1', port: 0 });
});
afterEach(() => server.close());

/** A control connection by hand: `ask` sends one line and resolves with the last line of its reply. */
class Conversation {
  readonly socket: Socket;
  readonly #lines: string[] = [];
  #rest = '';
  #wake = (): void => {};

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\r\n');
      this.#rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#wake();
    });
  }

  async reply(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (/^\d{3} /.test(line)) return line;
    }
  }

  ask(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`, 'latin1');
    return this.reply();
  }

  async login(): Promise<this> {
    await this.reply();
    await this.ask('USER any');
    await this.ask('PASS any');
    return this;
  }
}

async function logIn(): Promise<Conversation> {
  return new Conversation(server.port).login();
}

/** Connects to where a 227 points. */
function dial(reply: string): Socket {
  const numbers = (/\((.*)\)/.exec(reply)?.[1] ?? '').split(',').map(Number);
  return connect((numbers[4] ?? 0) * 256 + (numbers[5] ?? 0), numbers.slice(0, 4).join('.'));
}

async function octetsOf(socket: Socket): Promise<number> {
  let count = 0;
  for await (const chunk of socket) count += (chunk as Buffer).length;
  return count;
}

describe('with a client library', () => {
  for (const [mode, prepare] of Object.entries({ PASV: enterPassiveModeIPv4, EPSV: enterPassiveModeIPv6 })) {
    test(`files go there and back by ${mode}`, async () => {
      const client = new Client();
      await client.access({ host: '127.0.0.1', port: server.port });
      client.prepareTransfer = prepare;
      await client.uploadFrom(Readable.from([Buffer.from('first ')]), 'in/note');
      await client.appendFrom(Readable.from([Buffer.from('second')]), 'in/note');
      const got: Buffer[] = [];
      const sink = new Writable({
        write(chunk: Buffer, _, done) {
          got.push(chunk);
          done();
        },
      });
      await client.downloadTo(sink, 'in/note', 3);
      assert.equal(Buffer.concat(got).toString(), 'st second');
      assert.deepEqual(
        (await client.list()).map(({ name }) => name),
        ['README.txt', 'in', 'picture.bmp'],
      );
      await client.rename('in/note', 'in/other');
      await client.ensureDir('in/deep');
      await client.cd('/');
      await client.removeDir('in/deep');
      assert.deepEqual(await readdir(join(server.folder, 'in')), ['other']);
      client.close();
    });
  }
});

test('the picture is some 100 KiB, and close removes the folder', async () => {
  assert.ok((await readFile(join(server.folder, 'picture.bmp'))).length > 100_000);
  const { folder } = await startSampleServer({ host: '127.0.0.1', port: 0 }).then(async (other) => {
    await other.close();
    return other;
  });
  await assert.rejects(access(folder));
});

test('a port in use is an error, and leaves no folder', async () => {
  await assert.rejects(startSampleServer({ host: '127.0.0.1', port: server.port }), { code: 'EADDRINUSE' });
});

test('before the login only the login is answered', async () => {
  const talk = new Conversation(server.port);
  await talk.reply();
  for (const line of ['RETR README.txt', 'PASV', 'CWD in']) assert.match(await talk.ask(line), /^530 /);
  assert.match(await talk.ask('PASS x'), /^503 /);
  talk.socket.destroy();
});

test('nothing leads out of the folder', async () => {
  const talk = await logIn();
  assert.match(await talk.ask('CWD ../../..'), /^250 /);
  assert.match(await talk.ask('PWD'), /^257 "\/" /);
  assert.match(await talk.ask('SIZE ../../../etc/passwd'), /^550 /);
  assert.match(await talk.ask('SIZE /etc/passwd'), /^550 /);
  assert.match(await talk.ask('DELE a\0b'), /^501 /);
  assert.match(await talk.ask('RMD /'), /^501 /);
  talk.socket.destroy();
});

test('it is nobody’s tool for a bounce', async () => {
  const talk = await logIn();
  for (const line of [
    'PORT 10,0,0,1,200,13',
    'EPRT |1|10.0.0.1|51213|',
    'PORT 127,0,0,1,0,25',
    'EPRT |1|127.0.0.1|1023|',
  ]) {
    assert.match(await talk.ask(line), /^504 /, line);
  }
  assert.match(await talk.ask('PORT 127,0,0,1,200'), /^501 /);
  assert.match(await talk.ask('LIST'), /^425 /);
  talk.socket.destroy();
});

test('active mode delivers every octet', async () => {
  const talk = await logIn();
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as { port: number };
  const arrived = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  assert.match(await talk.ask(`PORT 127,0,0,1,${port >> 8},${port & 255}`), /^200 /);
  assert.match(await talk.ask('RETR picture.bmp'), /^150 /);
  assert.equal(await octetsOf(await arrived), (await readFile(join(server.folder, 'picture.bmp'))).length);
  assert.match(await talk.reply(), /^226 /);
  listener.close();
  talk.socket.destroy();
});

test('a download whose reader goes away is not complete', async () => {
  const talk = await logIn();
  // More than the buffers of both sockets hold.
  await truncate(join(server.folder, 'picture.bmp'), 64 * 1024 ** 2);
  const data = dial(await talk.ask('PASV'));
  assert.match(await talk.ask('RETR picture.bmp'), /^150 /);
  await new Promise((resolve) => data.once('data', resolve));
  data.destroy();
  assert.match(await talk.reply(), /^426 /);
  talk.socket.destroy();
});

test('ABOR stops a transfer: 426 for it, 226 for ABOR, and the session goes on', async () => {
  const talk = await logIn();
  const data = dial(await talk.ask('PASV'));
  data.on('error', () => {});
  assert.match(await talk.ask('STOR in/endless'), /^150 /);
  data.write('octets');
  talk.socket.write(Buffer.from('\xff\xf4\xff\xf2ABOR\r\n', 'latin1'));
  assert.match(await talk.reply(), /^426 /);
  assert.match(await talk.reply(), /^226 /);
  assert.match(await talk.ask('NOOP'), /^200 /);
  talk.socket.destroy();
});

test('pipelined commands are answered in their order, and QUIT comes last', async () => {
  const talk = await logIn();
  talk.socket.write('NOOP\r\nPWD\r\nXYZZY\r\nQUIT\r\n');
  const codes = [];
  for (let count = 0; count < 4; count += 1) codes.push((await talk.reply()).slice(0, 3));
  assert.deepEqual(codes, ['200', '257', '502', '221']);
  talk.socket.destroy();
});

test('EPSV ALL binds, a foreign family is 522, an endless line and a flood end the session', async () => {
  const talk = await logIn();
  assert.match(await talk.ask('EPSV 2'), /^522 /);
  assert.match(await talk.ask('EPSV ALL'), /^200 /);
  assert.match(await talk.ask('PORT 127,0,0,1,200,13'), /^503 /);
  assert.match(await talk.ask('a'.repeat(5000)), /^500 /);
  const flood = await logIn();
  flood.socket.write('MLST\r\n'.repeat(5000));
  let last = '';
  while (!last.startsWith('421 ')) last = await flood.reply();
  talk.socket.destroy();
  flood.socket.destroy();
});

test('beyond a hundred sessions a client is turned away', async () => {
  const talks = await Promise.all(Array.from({ length: 100 }, () => logIn()));
  assert.match(await new Conversation(server.port).reply(), /^220 /);
  const late = new Conversation(server.port);
  await late.reply();
  assert.match(await late.reply(), /^421 /);
  for (const talk of talks) talk.socket.destroy();
});
