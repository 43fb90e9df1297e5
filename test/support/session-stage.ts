// Plays one session by the runner of the gateway, without sockets: lines are cut from octets, the client is read only
// when the session accepts its next line, and what the world would answer is answered here.
// It refuses what no shell could do: a way opened twice, a leg dialled twice or after its way has gone.

import assert from 'node:assert/strict';
import { type Performer, SessionRunner } from '../../src/control/session-runner.ts';
import type { Action } from '../../src/session/action.ts';
import type { SessionEvent } from '../../src/session/event.ts';
import type { Expectation, OpenedPorts, Plane, Side, WayNews } from '../../src/session/expectation.ts';
import { acceptsClientLine, holdsRange, type Session, type Step } from '../../src/session/session.ts';
import { type ControlLine, LineSplitter } from '../../src/wire/line-splitter.ts';
import { TlsRecords } from '../../src/wire/tls-records.ts';
import { linesOf } from './lines.ts';

/** A way as the data path holds it. */
interface StagedWay {
  readonly expectation: Expectation;
  readonly ports: OpenedPorts;
  readonly dialled: Set<Side>;
}

/** One event that went through the session. */
export interface StagedStep {
  readonly before: Session;
  readonly event: SessionEvent;
  readonly after: Session;
  readonly actions: readonly Action[];
}

const FIRST_PORT = 50_000;

export class SessionStage {
  nowMs = 0;
  /** Where the next ways are carried. */
  plane: Plane = 'relay';
  /** What a look at a way finds. */
  news: readonly WayNews[] = [];
  /** What a look at the passive ports finds. */
  passiveConnections = 0;
  private range: 'open' | 'closed' = 'closed';
  private passing: Partial<Record<Side, TlsRecords | undefined>> = {};
  /** Whether the pool has ports left for the next way. */
  dataPorts: 'some' | 'none' = 'some';
  readonly ways = new Map<number, StagedWay>();
  private readonly splitters: { readonly client: LineSplitter; readonly server: LineSplitter };
  private readonly waiting: ControlLine[] = [];
  private readonly onAction: (action: Action) => void;
  private nextPort = FIRST_PORT;
  private readonly runner: WatchedRunner;
  private readonly begun = new Set<Side>();

  constructor(session: Session, onAction: (action: Action) => void, onStep: (step: StagedStep) => void = () => {}) {
    this.runner = new WatchedRunner(session, (action) => this.perform(action), onStep);
    this.onAction = onAction;
    if (session.said === 'something') this.begun.add('client');
    if (session.phase.kind !== 'expect-server' && session.phase.kind !== 'expect-greeting') this.begun.add('server');
    const { lineOctetsMax } = session.terms.limits;
    this.splitters = { client: new LineSplitter(lineOctetsMax), server: new LineSplitter(lineOctetsMax) };
  }

  get session(): Session {
    return this.runner.session;
  }

  /** Lines of the client that the session does not take yet. */
  get linesWaiting(): number {
    return this.waiting.length;
  }

  octets(from: Side, octets: Uint8Array): void {
    if (!this.begun.has(from) && octets.length > 0) {
      this.begun.add(from);
      this.event({ kind: 'first-octets', from, octets });
    }
    const passing = this.passing[from];
    if (passing !== undefined) {
      this.passOn(from, passing, octets);
      this.readClient();
      return;
    }
    for (const line of linesOf(this.splitters[from], octets)) {
      if (from === 'client') this.waiting.push(line);
      else this.event({ kind: 'line', from, line });
    }
    this.readClient();
  }

  private passOn(from: Side, records: TlsRecords, octets: Uint8Array): void {
    const { under, after } = records.take(octets);
    if (under > 0) this.dispatch({ kind: 'octets', from, octets: octets.subarray(0, under) });
    if (after === 'tls') return;
    this.passing[from] = undefined;
    if (after === 'neither') {
      this.dispatch({ kind: 'tls-failed', leg: from, reason: 'what follows AUTH is not TLS' });
      return;
    }
    this.dispatch({ kind: 'leg-cleared', leg: from });
    this.octets(from, octets.subarray(under));
  }

  private passThrough(leg: Side): SessionEvent | undefined {
    let discarded = this.splitters[leg].restart();
    if (leg === 'client') for (const { wire } of this.waiting.splice(0)) discarded += wire.length;
    this.passing[leg] = new TlsRecords();
    return discarded === 0 ? undefined : { kind: 'clear-text-discarded', leg, octets: discarded };
  }

  private openRange(): SessionEvent {
    assert.equal(this.range, 'closed', 'passive ports are opened twice');
    if (this.dataPorts === 'none') return { kind: 'passive-range-unavailable', reason: 'the kernel refuses' };
    this.range = 'open';
    return { kind: 'passive-range-opened' };
  }

  /** One event, and whatever of the client's lines it makes room for. */
  event(event: SessionEvent): void {
    if (event.kind === 'data-path-ended') this.ways.delete(event.way);
    this.dispatch(event);
    this.readClient();
    const { phase, ways } = this.session;
    const open = ways.some(({ stage }) => stage.kind !== 'ended');
    if (phase.kind === 'lingering' || phase.kind === 'closed') this.passing = {};
    assert.ok(this.range === 'closed' || holdsRange(this.session), 'passive ports are open for nobody');
    assert.ok(phase.kind !== 'lingering' || open, 'a session without control connection waits for nothing');
  }

  private readClient(): void {
    while (this.waiting.length > 0 && acceptsClientLine(this.session)) {
      this.dispatch({ kind: 'line', from: 'client', line: this.waiting.shift()! });
    }
    if (this.session.phase.kind === 'lingering' || this.session.phase.kind === 'closed') this.waiting.length = 0;
  }

  private dispatch(event: SessionEvent): void {
    this.runner.dispatch(event, this.nowMs);
  }

  private perform(action: Action): SessionEvent | undefined {
    this.onAction(action);
    switch (action.kind) {
      case 'open-data-path':
        return this.open(action.expectation);
      case 'dial-data-leg': {
        const way = this.ways.get(action.way);
        assert.ok(way !== undefined, `way ${action.way} is dialled although it is not open`);
        assert.equal(way.expectation[action.leg].mode, 'dial', `the ${action.leg} leg of way ${action.way} listens`);
        assert.ok(!way.dialled.has(action.leg), `the ${action.leg} leg of way ${action.way} is dialled again`);
        way.dialled.add(action.leg);
        return undefined;
      }
      case 'pass-through':
        return this.passThrough(action.leg);
      case 'open-passive-range':
        return this.openRange();
      case 'close-passive-range':
        assert.equal(this.range, 'open', 'passive ports are closed although they are not open');
        this.range = 'closed';
        return undefined;
      case 'look-at-passive-range':
        assert.equal(this.range, 'open', 'passive ports are looked at although they are not open');
        return { kind: 'passive-range-looked', connections: this.passiveConnections };
      case 'keep-data-path':
        assert.ok(this.ways.has(action.way), `way ${action.way} is kept although it is not open`);
        return undefined;
      case 'look-at-ways':
        for (const way of action.ways) assert.ok(this.ways.has(way), `way ${way} is looked at although it is not open`);
        return action.when === 'now' ? this.look() : undefined;
      case 'close-data-path':
        assert.ok(this.ways.delete(action.way), `way ${action.way} is closed although it is not open`);
        return undefined;
      default:
        return undefined;
    }
  }

  private look(): SessionEvent {
    const { news } = this;
    this.news = [];
    for (const each of news) if (each.kind === 'data-path-ended') this.ways.delete(each.way);
    return { kind: 'ways-looked', news };
  }

  private open(expectation: Expectation): SessionEvent {
    const { way } = expectation;
    assert.ok(!this.ways.has(way), `way ${way} is opened twice`);
    if (this.dataPorts === 'none') return { kind: 'data-path-unavailable', way, reason: 'every port is in use' };
    const ports: OpenedPorts = {
      client: this.portFor(expectation, 'client'),
      server: this.portFor(expectation, 'server'),
    };
    this.ways.set(way, { expectation, ports, dialled: new Set() });
    return { kind: 'data-path-opened', way, plane: this.plane, ports, tookMs: 0 };
  }

  private portFor(expectation: Expectation, side: Side): number | undefined {
    return expectation[side].mode === 'listen' ? this.nextPort++ : undefined;
  }
}

/** The runner of the gateway, whose every step is told. */
class WatchedRunner extends SessionRunner {
  private readonly onStep: (step: StagedStep) => void;

  constructor(session: Session, perform: Performer, onStep: (step: StagedStep) => void) {
    super(session, perform);
    this.onStep = onStep;
  }

  protected override advance(event: SessionEvent, nowMs: number): Step {
    const before = this.session;
    const step = super.advance(event, nowMs);
    this.onStep({ before, event, after: step.session, actions: step.actions });
    return step;
  }
}
