// Can a crowd that has no business here keep a client from being served, or the gateway's memory from others? Each
// crowd does one thing without end while a bystander works; the bounds are on memory, on lines of the log and on who is
// refused.
//
//   crowds 127.0.2.n ─┐
//   bystander 127.0.0.1 ──── gateway 127.g:2121 ──── server 127.s:2121 (scripted, also an attacker)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { becomes, residentOctets } from '../support/watch.ts';

const KiB = 1024;
const crowdSize = 100;
// Each crowd has an address of its own: who had to go comes back more slowly.
let crowds = 0;
const crowdAddress = (number: number): string => `127.0.2.${number}`;
/**
 * A process breathes by so much, and more where the processor is not its own: the garbage collector's own halls, not a
 * share of them for each connection. What is looked for is hundreds of mebioctets; the bench measures the rest.
 */
const breathing = 48 * KiB * KiB;
const timeOf = (line: Record<string, unknown> | undefined): number => Date.parse(String(line?.['time']));
const chunk = (text: string): Buffer => Buffer.alloc(256 * KiB, text, 'latin1');

describe('starvation', { timeout: 600_000 }, () => {
  let lab: Lab;
  let server: ScriptedServer;
  let gateway: RunningGateway;
  let bystander: RawControl;

  before(async () => {
    lab = await openLab();
    server = await startScriptedServer(lab, {
      verbs: {
        // Each reply in the middle of Telnet options, and nothing is read any more.
        SYST: ({ socket }) => {
          socket.pause();
          const line = `${'\xff\xfd\x01'.repeat(1000)}200 and again\r\n`;
          const fill = (): void => {
            while (!socket.destroyed && socket.write(line, 'latin1'));
          };
          socket.on('drain', fill);
          fill();
        },
      },
    });
    gateway = await startGateway(lab, server);
    bystander = await RawControl.login(gateway, server);
  });
  after(async () => {
    bystander.close();
    await lab.close();
  });

  async function besideCrowd(octets: Buffer, begins: 'stranger' | 'user', reads: boolean): Promise<void> {
    const target = gateway;
    const from = crowdAddress(++crowds);
    const crowd = await Promise.all(
      Array.from({ length: crowdSize }, () =>
        begins === 'user' ? RawControl.login(target, server, from) : RawControl.open(target, from),
      ),
    );
    try {
      const grown = await growthMeanwhile(crowd, octets, reads);
      assert.ok(grown <= breathing + crowdSize * 64 * KiB, `memory has grown by ${Math.round(grown / KiB / KiB)} MiB`);
    } finally {
      for (const member of crowd) member.close();
    }
    await becomes(() => gateway.metric('portcullis_sessions_active'), 1);
  }

  /** How far the gateway's memory grows, while the crowd sends and the bystander is answered. */
  async function growthMeanwhile(crowd: readonly RawControl[], octets: Buffer, reads: boolean): Promise<number> {
    const before = await residentOctets(gateway.program.pid);
    let largest = before;
    for (const member of crowd) {
      if (!reads) member.pause();
      for (let times = 0; times < 8; times++) void member.sent(octets).catch(() => undefined);
    }
    for (let asked = 0; asked < 50; asked++) {
      assert.match(await bystander.ask('NOOP'), /^200/);
      largest = Math.max(largest, await residentOctets(gateway.program.pid));
    }
    return largest - before;
  }

  /** What the log holds of this client address. */
  function linesOf(client: string): ReturnType<RunningGateway['log']> {
    return gateway.log().filter((line) => String(line['client']).split(':', 1)[0] === client);
  }

  for (const [name, text] of [
    ['line feeds', '\n'],
    ['blanks', `${' '.repeat(300)}\r\n`],
    ['Telnet commands alone', '\xff\xf1\r\n'],
    ['unknown verbs', 'XYZZY\r\n'],
    ['a line without end', 'a'],
  ] as const) {
    test(`${crowdSize} strangers send ${name} without end`, () => besideCrowd(chunk(text), 'stranger', true));
    test(`${crowdSize} strangers send ${name} without end and do not read`, () =>
      besideCrowd(chunk(text), 'stranger', false));
  }
  test(`${crowdSize} users send NOOP without end and do not read`, () => besideCrowd(chunk('NOOP\r\n'), 'user', false));

  test('empty lines, unknown verbs and refusals: 421, one line at the end, fifty before it, and a count', async () => {
    const endings = await gateway.metric('portcullis_sessions_total{outcome="budget-spent"}');
    const control = await RawControl.login(gateway, server, '127.0.0.3');
    control.send('XYZZY\r\n'.repeat(1000));
    assert.equal(await control.ended, 'end');
    const replies = control.unread.split('\r\n').slice(0, -1);
    assert.match(replies.at(-1)!, /^421 Too many commands that lead nowhere/);
    const refused = replies.length - 1;
    // The last one, and what the seconds meanwhile gave back.
    assert.ok(refused > 200 && refused < 300, `${refused} refusals`);
    assert.equal(await gateway.metric('portcullis_sessions_total{outcome="budget-spent"}'), endings + 1);
    control.close();
    await becomes(() => gateway.metric('portcullis_sessions_active'), 1);
    await loggedLine(gateway.program, { msg: 'more of the same was not logged', lines: refused - 50 });
    assert.equal(linesOf('127.0.0.3').filter(({ msg }) => msg === 'refused').length, 50);
  });

  test('who had to go again and again begins later, and nobody else does', async () => {
    const unwelcome = '127.0.0.4';
    const began = Date.now();
    for (let times = 0; times < 30; times++) {
      const control = await RawControl.open(gateway, unwelcome);
      control.send('GET / HTTP/1.1\r\n');
      await control.ended;
    }
    const waiting = await RawControl.login(gateway, server, unwelcome);
    const other = await RawControl.login(gateway, server, '127.0.0.5');
    for (const control of [waiting, other]) control.close();
    // Ten are free, and each of the others takes a tenth of a second; the timers' grain is taken off amply.
    const last = linesOf(unwelcome).findLast(({ msg }) => msg === 'no FTP');
    assert.ok(timeOf(last) - began >= 1500, `thirty times within ${timeOf(last) - began} ms`);
  });

  test('the lines of a crowd with one address are bounded over all its sessions', async () => {
    const lines = linesOf(crowdAddress(1));
    const seconds = (timeOf(lines.at(-1)) - timeOf(lines[0])) / 1000;
    // At most 500 at once and 20 a second, and with each of the latter one that tells how many there were not.
    const written = lines.filter(({ msg }) => msg !== 'session ended').length;
    assert.ok(written >= 500 && written <= 500 + 40 * (seconds + 1), `${written} lines in ${seconds} s`);
    const dropped = await gateway.metric('portcullis_log_lines_dropped_total{at="share"}');
    assert.ok(dropped > written, `${dropped} lines were not written`);
  });

  test('a server that makes the gateway answer its Telnet options, and does not read: the session ends', async () => {
    const control = await RawControl.login(gateway, server);
    const before = await residentOctets(gateway.program.pid);
    control.send('SYST\r\n');
    const reason = 'the server does not read what it is sent';
    await loggedLine(gateway.program, { msg: 'session ended', outcome: 'protocol-error', reason });
    const grown = (await residentOctets(gateway.program.pid)) - before;
    assert.ok(grown <= breathing, `memory has grown by ${Math.round(grown / KiB / KiB)} MiB`);
    control.close();
  });
});
