// Can a crowd that has logged in keep another from being answered? The commands of one address, over all its sessions,
// are read at one rate, and of each session the gateway does a small share before it turns to the next one.
//
//   crowd 127.0.2.n ──────┐
//   bystander 127.0.0.1 ──── gateway 127.g:2121 ──── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { RawControl } from '../support/raw-control.ts';
import { type ScriptedServer, type ScriptedSession, startScriptedServer } from '../support/scripted-server.ts';
import { whileStopped } from '../support/stopped.ts';

const crowdAddress = '127.0.2.1';
const answer = '200 Nothing done.\r\n';

interface Stage {
  readonly gateway: RunningGateway;
  readonly server: ScriptedServer;
  readonly bystander: RawControl;
  readonly crowd: readonly RawControl[];
}

/** The bystander and a crowd of so many, logged in. */
async function stageOf(gateway: RunningGateway, server: ScriptedServer, crowdSize: number): Promise<Stage> {
  const login = (from: string): Promise<RawControl> => RawControl.login(gateway, server, from);
  const crowd = await Promise.all(Array.from({ length: crowdSize }, () => login(crowdAddress)));
  return { gateway, server, crowd, bystander: await login('127.0.0.1') };
}

async function answered(control: RawControl, times: number): Promise<void> {
  for (let count = 0; count < times; count++) assert.match(await control.reply(), /^200/);
}

describe('commands of one address a second', () => {
  let lab: Lab;
  let stage: Stage;

  before(async () => {
    lab = await openLab();
    const server = await startScriptedServer(lab);
    // Few are under way at any time, so that it does not matter when the test's own process is slow to count.
    const top = ['sessions: { commandsPerSecond: 300 }', 'limits: { commandsInFlight: 8 }'];
    stage = await stageOf(await startGateway(lab, server, { top }), server, 20);
  });
  after(() => lab.close());

  test('twenty sessions at once have as much as one session of another address, not twenty times as much', async () => {
    const { crowd, bystander } = stage;
    for (const member of crowd) member.send('NOOP\r\n'.repeat(3000));
    bystander.send('NOOP\r\n'.repeat(900));
    await answered(bystander, 900);
    const answers = crowd.reduce((sum, { unread }) => sum + unread.split('\r\n').length - 1, 0);
    for (const control of [...crowd, bystander]) control.close();
    assert.ok(answers >= 300 && answers <= 1800, `the crowd has ${answers} answers, the bystander 900`);
  });
});

/** A server's side of a round: it counts the NOOPs of all until one SYST comes, and answers none of them before. */
class Round {
  /** How many came before SYST did. */
  linesBefore = 0;
  #come: 'no SYST' | 'SYST' = 'no SYST';
  readonly #waiting = new Map<ScriptedSession, number>();

  readonly noop = (session: ScriptedSession): void => {
    if (this.#come === 'SYST') session.write(answer);
    else {
      this.linesBefore += 1;
      this.#waiting.set(session, (this.#waiting.get(session) ?? 0) + 1);
    }
  };

  readonly syst = (session: ScriptedSession): void => {
    this.#come = 'SYST';
    session.write('215 UNIX Type: L8\r\n');
    for (const [{ write }, times] of this.#waiting) write(answer.repeat(times));
  };
}

describe('work of one session in a turn', () => {
  const rounds = 9;
  const crowdSize = 32;
  const linesEach = 1000;
  let round = new Round();
  let lab: Lab;
  let stage: Stage;

  before(async () => {
    lab = await openLab();
    const server = await startScriptedServer(lab, {
      verbs: { NOOP: (session) => round.noop(session), SYST: (session) => round.syst(session) },
    });
    // No rate holds anybody back: what does is the share alone.
    const top = [
      'sessions: { commandsPerSecond: 10000000 }',
      'limits: { commandsInFlight: 1024, commandsPerSecond: 1000000, commandBurst: 1000000 }',
    ];
    stage = await stageOf(await startGateway(lab, server, { top }), server, crowdSize);
  });
  after(() => lab.close());

  /** How many lines of the crowd reach the server before that of the bystander, which is sent behind all of them. */
  async function overtaken({ gateway, crowd, bystander }: Stage): Promise<number> {
    round = new Round();
    await whileStopped(gateway.program, async () => {
      const flood = Buffer.from('NOOP\r\n'.repeat(linesEach));
      for (const member of crowd) await member.sent(flood);
      await bystander.sent(Buffer.from('SYST\r\n'));
    });
    assert.match(await bystander.reply(), /^215/);
    await Promise.all(crowd.map((member) => answered(member, linesEach)));
    return round.linesBefore;
  }

  test(`one command comes through before ${crowdSize} sessions have been heard out`, async () => {
    const before: number[] = [];
    for (let count = 0; count < rounds; count++) before.push(await overtaken(stage));
    for (const control of [...stage.crowd, stage.bystander]) control.close();
    // A quarter of them all. Some share is read while the server wakes up, and now and then it wakes up late.
    const median = before.toSorted((one, other) => one - other)[rounds >> 1]!;
    assert.ok(median < (crowdSize * linesEach) / 4, `lines of the crowd that came first: ${before.join(' ')}`);
  });
});
