// Lets a session live through arbitrary moves, as its shell would, and tells every step and action to whoever checks a
// law.

import type { Action } from '../../src/session/action.ts';
import type { SessionEvent } from '../../src/session/event.ts';
import type { Move } from './session-arbitraries.ts';
import { SessionStage, type StagedStep } from './session-stage.ts';
import { type Progress, type Scene, serverLocal, sessionAt } from './session-terms.ts';

interface Witness {
  readonly onStep?: (step: StagedStep, stage: SessionStage) => void;
  readonly onAction?: (action: Action, stage: SessionStage) => void;
}

export function beginLife(scene: Scene, beginning: Progress, witness: Witness): SessionStage {
  const stage: SessionStage = new SessionStage(
    sessionAt[beginning](scene),
    (action) => witness.onAction?.(action, stage),
    (step) => witness.onStep?.(step, stage),
  );
  return stage;
}

export function live(stage: SessionStage, scene: Scene, moves: readonly Move[]): void {
  for (const move of moves) {
    if (move.kind === 'octets') {
      // Who has not been reached has said nothing.
      const canBe = move.from === 'client' || stage.session.phase.kind !== 'expect-server';
      if (canBe) stage.octets(move.from, move.octets);
    } else if (move.kind === 'ports') stage.dataPorts = move.left;
    else {
      if (move.kind === 'clock') stage.nowMs += move.ms;
      const event = eventOf(move, stage, scene);
      if (event !== undefined) stage.event(event);
    }
  }
}

/** The bound of a drain: whatever is left of the session ends. */
export function endLife(stage: SessionStage): void {
  stage.event({ kind: 'end', outcome: 'drained', reason: 'the test is over' });
}

const peer = { address: { family: 4, text: '192.0.2.99' }, port: 40_666 } as const;

/**
 * The event, or undefined where the shell could not report it: the data path tells nothing of ways that are not open.
 */
function eventOf(
  move: Exclude<Move, { kind: 'octets' | 'ports' }>,
  stage: SessionStage,
  scene: Scene,
): SessionEvent | undefined {
  switch (move.kind) {
    case 'clock':
      return { kind: 'clock' };
    case 'drain':
      return { kind: 'drain' };
    case 'leg-ended':
      return { kind: 'leg-ended', leg: move.leg, how: move.how, reason: 'gone' };
    case 'connected':
    case 'unreachable':
      if (stage.session.phase.kind !== 'expect-server') return undefined;
      if (move.kind === 'connected') return { kind: 'server-connected', local: serverLocal(scene) };
      return { kind: 'server-unreachable', reason: 'ECONNREFUSED' };
    default: {
      const way = wayAt(stage, move.way);
      return way === undefined ? undefined : dataEvent(move, way);
    }
  }
}

function dataEvent(move: Extract<Move, { way: number }>, way: number): SessionEvent {
  switch (move.kind) {
    case 'arrived':
      return { kind: 'data-leg-arrived', way, leg: move.leg };
    case 'joined':
      return { kind: 'data-path-joined', way };
    case 'stranger':
      return { kind: 'stranger', way, leg: 'client', peer };
    case 'ended': {
      const octets = {
        octetsToClient: 1,
        octetsToServer: 0,
        durationMs: 1,
        clientPeer: undefined,
        serverPeer: undefined,
      };
      return { kind: 'data-path-ended', way, result: { outcome: move.outcome, reason: 'over', ...octets } };
    }
  }
}

/** Where none is open it is one that has gone, of which news may still be under way. */
function wayAt(stage: SessionStage, fromLatest: number): number | undefined {
  const gone = stage.session.nextWay > 1 ? 1 : undefined;
  return [...stage.ways.keys()].at(-1 - fromLatest) ?? gone;
}
