// Plays one session as the shell does, without sockets: lines are cut from octets, the client is read only when the session
// accepts its next line, actions are performed one after another, and an opened way answers before anything else.
// It refuses what no shell could do: a way opened twice, a leg dialled twice or after its way has gone.

import assert from 'node:assert/strict';
import type { Action } from '../../src/session/action.ts';
import { advance } from '../../src/session/advance.ts';
import type { SessionEvent } from '../../src/session/event.ts';
import type { Expectation, OpenedPorts, Side } from '../../src/session/expectation.ts';
import { acceptsClientLine, type Session } from '../../src/session/session.ts';
import { type ControlLine, LineSplitter } from '../../src/wire/line-splitter.ts';
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
  session: Session;
  nowMs = 0;
  /** Whether the pool has ports left for the next way. */
  dataPorts: 'some' | 'none' = 'some';
  readonly ways = new Map<number, StagedWay>();
  private readonly splitters: { readonly client: LineSplitter; readonly server: LineSplitter };
  private readonly waiting: ControlLine[] = [];
  private readonly onAction: (action: Action) => void;
  private readonly onStep: (step: StagedStep) => void;
  private nextPort = FIRST_PORT;

  constructor(session: Session, onAction: (action: Action) => void, onStep: (step: StagedStep) => void = () => {}) {
    this.session = session;
    this.onAction = onAction;
    this.onStep = onStep;
    const { lineOctetsMax } = session.terms.limits;
    this.splitters = { client: new LineSplitter(lineOctetsMax), server: new LineSplitter(lineOctetsMax) };
  }

  /** Lines of the client that the session does not take yet. */
  get linesWaiting(): number {
    return this.waiting.length;
  }

  octets(from: Side, octets: Uint8Array): void {
    for (const line of linesOf(this.splitters[from], octets)) {
      if (from === 'client') this.waiting.push(line);
      else this.event({ kind: 'line', from, line });
    }
    this.readClient();
  }

  /** One event, and whatever of the client's lines it makes room for. */
  event(event: SessionEvent): void {
    if (event.kind === 'data-path-ended') this.ways.delete(event.way);
    this.dispatch(event);
    this.readClient();
  }

  private readClient(): void {
    while (this.waiting.length > 0 && acceptsClientLine(this.session)) {
      this.dispatch({ kind: 'line', from: 'client', line: this.waiting.shift()! });
    }
    if (this.session.phase.kind === 'lingering' || this.session.phase.kind === 'closed') this.waiting.length = 0;
  }

  private dispatch(event: SessionEvent): void {
    const before = this.session;
    const step = advance(before, event, this.nowMs);
    this.session = step.session;
    this.onStep({ before, event, after: step.session, actions: step.actions });
    for (const action of step.actions) this.perform(action);
  }

  private perform(action: Action): void {
    this.onAction(action);
    switch (action.kind) {
      case 'open-data-path':
        this.open(action.expectation);
        return;
      case 'dial-data-leg': {
        const way = this.ways.get(action.way);
        assert.ok(way !== undefined, `way ${action.way} is dialled although it is not open`);
        assert.equal(way.expectation[action.leg].mode, 'dial', `the ${action.leg} leg of way ${action.way} listens`);
        assert.ok(!way.dialled.has(action.leg), `the ${action.leg} leg of way ${action.way} is dialled again`);
        way.dialled.add(action.leg);
        return;
      }
      case 'close-data-path':
        assert.ok(this.ways.delete(action.way), `way ${action.way} is closed although it is not open`);
        return;
      default:
        return;
    }
  }

  private open(expectation: Expectation): void {
    const { way } = expectation;
    assert.ok(!this.ways.has(way), `way ${way} is opened twice`);
    if (this.dataPorts === 'none') {
      this.dispatch({ kind: 'data-path-unavailable', way, reason: 'every port is in use' });
      return;
    }
    const ports: OpenedPorts = {
      client: this.portFor(expectation, 'client'),
      server: this.portFor(expectation, 'server'),
    };
    this.ways.set(way, { expectation, ports, dialled: new Set() });
    this.dispatch({ kind: 'data-path-opened', way, plane: 'relay', ports, tookMs: 0 });
  }

  private portFor(expectation: Expectation, side: Side): number | undefined {
    return expectation[side].mode === 'listen' ? this.nextPort++ : undefined;
  }
}
