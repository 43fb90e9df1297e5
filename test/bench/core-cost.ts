// What does one transfer cost in the pure core alone, without sockets? Plays the nine events of a PASV and RETR again
// and again and prints microseconds for three depths: the session, with counts and the audit line, and with line
// splitting. Run by hand: `npx tsx test/bench/core-cost.ts`. It asserts nothing; it says where not to look for time.

import type { Endpoint } from '../../src/address/endpoint.ts';
import { sessionFacts } from '../../src/control/witness.ts';
import { createLog, LogBatch } from '../../src/observe/log.ts';
import { advance } from '../../src/session/advance.ts';
import { nextDeadlineMs } from '../../src/session/deadline.ts';
import type { SessionEvent } from '../../src/session/event.ts';
import { defaultLimits } from '../../src/session/limits.ts';
import { newSession, type Session } from '../../src/session/session.ts';
import { loadPackagedRules } from '../../src/settings/load-rules.ts';
import { type ControlLine, LineSplitter } from '../../src/wire/line-splitter.ts';
import { EngineWitness } from '../../src/witness/engine-witness.ts';
import { newTally } from '../../src/witness/verb-tally.ts';
import { linesOf } from '../support/lines.ts';
import { noTls } from '../support/no-tls.ts';

const at = (text: string, port: number): Endpoint => ({ address: { family: 4, text }, port });
const rules = loadPackagedRules();
if (!rules.ok) throw new Error('the packaged rules cannot be read');

const client = at('198.51.100.2', 40_000);
const server = at('10.77.0.2', 21);
const facts = sessionFacts('0-1', 'front', client, server);
const batch = new LogBatch();
const witness = new EngineWitness(
  newTally(),
  (level) => createLog({ level, write: (line) => batch.write(line) }),
  'info',
);
const splitter = new LineSplitter(4096);

type Depth = 'session' | 'and counts, audit' | 'and lines';

const text = {
  pasv: 'PASV\r\n',
  passive: '227 Entering Passive Mode (10,77,0,2,78,52)\r\n',
  retr: 'RETR n1024\r\n',
  mark: '150 here it comes\r\n',
  done: '226 done\r\n',
};
const octets = Object.fromEntries(Object.entries(text).map(([name, line]) => [name, Buffer.from(line)]));
const lines = Object.fromEntries(Object.entries(octets).map(([name, line]) => [name, split(line)]));

function split(line: Uint8Array): ControlLine {
  return linesOf(splitter, Buffer.from(line))[0]!;
}

const login = [
  ['server', '220 hello'],
  ['client', 'USER bench'],
  ['server', '331 who says so?'],
  ['client', 'PASS bench'],
  ['server', '230 come in'],
] as const;

class Player {
  private session: Session;
  private readonly depth: Depth;

  constructor(depth: Depth) {
    this.depth = depth;
    this.session = newSession(
      {
        clientPeer: client,
        clientLocal: at('198.51.100.1', 21),
        serverPeer: server,
        advertise: undefined,
        advertiseToServer: undefined,
        serverMode: 'as-client',
        activeSourcePort: undefined,
        dataSource: 'routes',
        endFlows: false,
        ownPorts: [],
        ruleset: rules.ok ? rules.value.ruleset : (undefined as never),
        limits: defaultLimits,
        tls: noTls,
        listener: 'front',
        epochMs: 0,
      },
      { epsv: 'unknown', eprt: 'unknown' },
      1,
    );
    this.happen({ kind: 'server-connected', local: at('10.77.0.1', 5000) }, 1);
    for (const [from, said] of login) {
      this.happen({ kind: 'line', from, line: split(Buffer.from(`${said}\r\n`)) }, 1);
    }
  }

  transfer(nowMs: number): void {
    this.line('client', 'pasv', nowMs);
    const way = this.line('server', 'passive', nowMs);
    // A session that refuses is the fastest of all.
    if (way === 0) throw new Error('the session opened no way');
    const ports = { client: 50_001, server: undefined };
    this.happen({ kind: 'data-path-opened', way, plane: 'relay', ports, tookMs: 0.01 }, nowMs);
    this.happen({ kind: 'data-leg-arrived', way, leg: 'client' }, nowMs);
    this.happen({ kind: 'data-path-joined', way }, nowMs);
    this.line('client', 'retr', nowMs);
    this.line('server', 'mark', nowMs);
    const ends = { clientPeer: at('198.51.100.2', 40_001), serverPeer: at('10.77.0.2', 20_020) };
    const result = {
      outcome: 'completed',
      reason: 'both ends closed',
      octetsToClient: 1024,
      octetsToServer: 0,
      durationMs: 1,
      ...ends,
    } as const;
    this.happen({ kind: 'data-path-ended', way, result }, nowMs);
    this.line('server', 'done', nowMs);
  }

  private line(from: 'client' | 'server', name: keyof typeof text, nowMs: number): number {
    const line = this.depth === 'and lines' ? split(octets[name]!) : lines[name]!;
    return this.happen({ kind: 'line', from, line }, nowMs);
  }

  /** The way that the event led to, if any. */
  private happen(event: SessionEvent, nowMs: number): number {
    const step = advance(this.session, event, nowMs);
    this.session = step.session;
    nextDeadlineMs(this.session);
    let way = 0;
    for (const action of step.actions) {
      if (action.kind === 'open-data-path') way = action.expectation.way;
      if (action.kind === 'record' && this.depth !== 'session') witness.sessionRecord(facts, action.record);
    }
    return way;
  }
}

const transfers = 60_000;
for (const depth of ['session', 'and counts, audit', 'and lines'] as const) {
  const player = new Player(depth);
  let beganMs = 0;
  for (let count = -transfers / 3; count < transfers; count++) {
    if (count === 0) beganMs = performance.now();
    player.transfer(1000 + count);
    if (count % 50 === 0) batch.take();
  }
  const microseconds = ((performance.now() - beganMs) * 1000) / transfers;
  console.log(`${depth.padEnd(20)} ${microseconds.toFixed(1)} µs per transfer`);
}
