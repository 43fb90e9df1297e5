// One engine: a loop over its own epoll set, its own listeners and its own sessions, on its own thread.
// The loop returns to Node's own now and then, and asks for messages without waiting for it to deliver them.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { SessionQuota } from '../control/session-quota.ts';
import { Turns } from '../control/turns.ts';
import { createLog, LogBatch } from '../observe/log.ts';
import type { Tally } from '../observe/tally.ts';
import type { Settings } from '../settings/settings.ts';
import { Poller } from '../sys/poller.ts';
import { PipePool } from '../sys/splice-pipe.ts';
import { WakeUp } from '../sys/wake-up.ts';
import { EngineWitness } from '../witness/engine-witness.ts';
import { sharedTally } from '../witness/verb-tally.ts';
import { Doors } from './doors.ts';
import type { EngineBirth, FromEngine, ToEngine } from './messages.ts';

// Log lines leave in batches: a message per line would cost more than the line.
const logDelayMs = 100;
// A main thread that cannot follow is not sent more; the batch has a bound and counts what it drops.
const logsUnderWayMax = 4;
// How long the loop may run without Node's own loop having a turn (its garbage collector's tasks live there).
const stretchMs = 50;
const goingDown = 'the gateway is going down';

export class Engine {
  private readonly port: MessagePort;
  private readonly poller = new Poller();
  private readonly batch = new LogBatch();
  private readonly tally: Tally;
  private readonly doors: Doors;
  private readonly witness: EngineWitness;
  private readonly wakeUp: WakeUp;
  private service: 'serving' | 'draining' | 'over' = 'serving';
  private readonly logsTaken: Int32Array;
  private logsSent = 0;
  /** When the lines that wait are due; Infinity while none waits. */
  private logDueMs = Number.POSITIVE_INFINITY;
  private sessionsMade = 0;
  /** Made ready, and neither committed nor abandoned yet. */
  private prepared: { readonly change: number; readonly settings: Settings } | undefined;

  constructor(birth: EngineBirth, port: MessagePort) {
    this.port = port;
    this.tally = sharedTally(birth.tally);
    this.logsTaken = new Int32Array(birth.logsTaken);
    this.witness = new EngineWitness(this.tally, (level) => this.createLog(level), birth.settings.log.level);
    this.doors = new Doors({
      poller: this.poller,
      pipes: new PipePool(),
      witness: this.witness,
      quota: new SessionQuota(birth.quota),
      turns: new Turns(this.poller),
      index: birth.index,
      count: birth.count,
      ticketKeys: birth.ticketKeys,
      nextSessionId: () => `${birth.index}-${(++this.sessionsMade).toString(36)}`,
    });
    this.poller.onMistake = (error) => this.witness.internalError(undefined, error);
    this.wakeUp = new WakeUp(this.poller, () => this.readMessages());
    this.tell({ kind: 'born', wakeFd: this.wakeUp.fd });
    this.prepare(0, birth.settings);
    if (this.prepared !== undefined) this.takeUp(this.prepared.settings);
  }

  /** Turns until it is time for Node's loop, then asks to be called again. */
  readonly run = (): void => {
    const until = this.poller.nowMs + stretchMs;
    do this.turn();
    while (this.poller.nowMs < until && this.service !== 'over');
    this.tally.set('data_ports_in_use', this.doors.ports().inUse);
    this.tally.set('engine_last_turn_seconds', Date.now() / 1000);
    if (this.service === 'over') this.finish();
    else setImmediate(this.run);
  };

  private turn(): void {
    this.poller.turn(this.batch.isEmpty ? 1000 : logDelayMs);
    const { nowMs } = this.poller;
    if (!this.batch.isEmpty) this.sendLogInTime(nowMs);
    this.tally.increase('engine_busy_seconds_total', (performance.now() - this.poller.awokeMs) / 1000);
    if (this.service === 'draining' && this.doors.sessionCount === 0) this.service = 'over';
  }

  private readMessages(): void {
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
      this.hear(next.message as ToEngine);
    }
  }

  private hear(message: ToEngine): void {
    switch (message.kind) {
      case 'prepare':
        this.prepare(message.change, message.settings);
        return;
      case 'commit':
        this.commit(message.change);
        return;
      case 'abandon':
        if (this.prepared?.change === message.change) this.abandon();
        return;
      case 'list-ways':
        this.tell({
          kind: 'ways',
          request: message.request,
          ways: [...this.witness.opaque.list(), ...this.witness.ledger.list()],
        });
        return;
      case 'drain':
        this.abandon();
        this.service = 'draining';
        this.doors.drain();
        return;
      case 'end':
        this.endSessions();
        return;
      case 'stop':
        // The end of the process would close every socket with a clean end, and what was cut would look complete.
        this.abandon();
        this.doors.closeAll();
        this.endSessions();
        this.service = 'over';
        return;
      default:
        message satisfies never;
    }
  }

  private endSessions(): void {
    for (const door of this.doors) {
      door.tellAll({ kind: 'end', outcome: 'drained', reason: goingDown });
    }
  }

  private prepare(change: number, settings: Settings): void {
    this.abandon();
    // A new listener would let new sessions in.
    const problem = this.service === 'serving' ? this.inOneSentence(() => this.doors.prepare(settings)) : goingDown;
    if (problem === undefined) this.prepared = { change, settings };
    this.tell({ kind: 'prepared', change, problem });
  }

  private commit(change: number): void {
    const { prepared } = this;
    const known = prepared?.change === change ? prepared : undefined;
    const problem = known === undefined ? goingDown : this.inOneSentence(() => this.takeUp(known.settings));
    this.tell({ kind: 'committed', change, problem });
  }

  private takeUp(settings: Settings): undefined {
    this.prepared = undefined;
    this.doors.commit();
    this.witness.setLevel(settings.log.level);
    this.tally.set('data_ports_limit', this.doors.ports().size);
  }

  private abandon(): void {
    this.prepared = undefined;
    this.doors.abandon();
  }

  /** Whoever asked for a change waits for an answer, whatever happens. */
  private inOneSentence(step: () => string | undefined): string | undefined {
    try {
      return step();
    } catch (error) {
      this.witness.internalError(undefined, error);
      return `internal error: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  private createLog(level: Settings['log']['level']) {
    return createLog({ level, write: (line) => this.batch.write(line) });
  }

  private sendLogInTime(nowMs: number): void {
    if (this.logDueMs === Number.POSITIVE_INFINITY) this.logDueMs = nowMs + logDelayMs;
    if (nowMs < this.logDueMs || this.logsSent - Atomics.load(this.logsTaken, 0) >= logsUnderWayMax) return;
    this.sendLog();
    this.logDueMs = Number.POSITIVE_INFINITY;
  }

  private sendLog(): void {
    this.tally.increase('log_lines_dropped_total', this.batch.takeDropped(), 'engine');
    this.logsSent += 1;
    const lines = this.batch.take();
    this.port.postMessage({ kind: 'log', lines } satisfies FromEngine, [lines.buffer]);
  }

  private finish(): void {
    // Those of transparent listeners have stayed open to say 421.
    this.doors.closeAll();
    this.sendLog();
    // The eventfd stays: the main thread may still write to it, and under a number given out anew these octets would
    // end up in somebody's transfer. The process is about to end.
    this.doors.shutDown();
    this.poller.close();
    this.tell({ kind: 'finished' });
    this.port.close();
  }

  private tell(message: FromEngine): void {
    this.port.postMessage(message);
  }
}
