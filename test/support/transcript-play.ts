// Plays the events of a transcript, each one line of text, and gives back what the gateway did, line by line.

import assert from 'node:assert/strict';
import { parseAddress } from '../../src/address/endpoint.ts';
import { nextDeadlineMs } from '../../src/session/deadline.ts';
import type { SessionOutcome } from '../../src/session/event.ts';
import type { DataResult, Side } from '../../src/session/expectation.ts';
import { octetsOf } from './escaped-text.ts';
import { SessionStage } from './session-stage.ts';
import { type Progress, type Scene, serverLocal, sessionAt } from './session-terms.ts';
import { printAction } from './transcript-print.ts';

export interface Beginning {
  readonly scene: Scene;
  readonly session: Progress;
}

type Play = (stage: SessionStage, found: RegExpExecArray, scene: Scene) => void;

// The words of a transcript. `for way 2` names a way; without it the way opened last is meant.
const plays: readonly (readonly [RegExp, Play])[] = [
  [/^(client|server): ?(.*)$/, (stage, [, from, text]) => stage.octets(side(from), octetsOf(`${text}\\r\\n`))],
  [/^(client|server) without line end: (.*)$/, (stage, [, from, text]) => stage.octets(side(from), octetsOf(text!))],
  [
    /^(client|server) under TLS: (handshake|data|alert)(?:, (\d+) octets)?$/,
    (stage, [, from, type, octets]) => stage.octets(side(from), record(type!, Number(octets ?? 2))),
  ],
  [
    /^passive connections: (\d+)$/,
    (stage, [, count]) => {
      stage.passiveConnections = Number(count);
    },
  ],
  [/^passive ports lost: (.*)$/, (stage, [, reason]) => stage.event({ kind: 'passive-range-lost', reason: reason! })],
  [/^(client|server) (end|reset)s$/, (stage, [, leg, how]) => endLeg(stage, side(leg), how as 'end' | 'reset')],
  [/^client ends unread$/, (stage) => stage.event({ kind: 'leg-ending', leg: 'client' })],
  [/^TLS up: (client|server)$/, (stage, [, leg]) => stage.event({ kind: 'tls-up', leg: side(leg), facts })],
  [
    /^TLS fails: (client|server) (.*)$/,
    (stage, [, leg, reason]) => stage.event({ kind: 'tls-failed', leg: side(leg), reason: reason! }),
  ],
  [/^TLS ends: client$/, (stage) => stage.event({ kind: 'tls-down', leg: 'client' })],
  [
    /^(\d+) clear octets of the (client|server)$/,
    (stage, [, octets, leg]) => stage.event({ kind: 'clear-text-discarded', leg: side(leg), octets: Number(octets) }),
  ],
  [/^accepted$/, (stage) => stage.event({ kind: 'accepted' })],
  [/^server connected$/, (stage, _, scene) => stage.event({ kind: 'server-connected', local: serverLocal(scene) })],
  [/^server unreachable: (.*)$/, (stage, [, reason]) => stage.event({ kind: 'server-unreachable', reason: reason! })],
  [/^arrives: (client|server)(?: for way (\d+))?$/, (stage, [, leg, way]) => arrive(stage, side(leg), way)],
  [
    /^joined(?: for way (\d+))?$/,
    (stage, [, way]) => stage.event({ kind: 'data-path-joined', way: wayOf(stage, way) }),
  ],
  [/^data ended(?: for way (\d+))?: (completed|failed)(?: (\d+) octets to (client|server))?$/, endData],
  [
    /^stranger: (\S+) at (client|server)(?: for way (\d+))?$/,
    (stage, [, from, leg, way]) => stranger(stage, from!, side(leg), way),
  ],
  [/^after ([\d.]+) s:?$/, (stage, [, seconds]) => passTime(stage, Number(seconds) * 1000)],
  [/^drain$/, (stage) => stage.event({ kind: 'drain' })],
  [
    /^end: (\S+) (.*)$/,
    (stage, [, outcome, reason]) => stage.event({ kind: 'end', outcome: outcome as SessionOutcome, reason: reason! }),
  ],
  [
    /^data ports: (some|none)$/,
    (stage, [, left]) => {
      stage.dataPorts = left as 'some' | 'none';
    },
  ],
];

const facts = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', resumed: false, peerSubject: undefined };

export class TranscriptPlay {
  private readonly scene: Scene;
  private readonly stage: SessionStage;
  private done: string[] = [];

  constructor({ scene, session }: Beginning) {
    this.scene = scene;
    this.stage = new SessionStage(sessionAt[session](scene), (action) => {
      this.done.push(printAction(action, this.stage.session));
    });
  }

  /** What the gateway does upon this event. */
  event(text: string): readonly string[] {
    this.done = [];
    const waited = this.stage.linesWaiting;
    for (const [words, play] of plays) {
      const found = words.exec(text);
      if (found === null) continue;
      play(this.stage, found, this.scene);
      if (this.stage.linesWaiting > waited) this.done.push('client waits');
      return this.done;
    }
    throw new Error(`no event of a transcript: ${text}`);
  }
}

function record(type: string, length: number): Uint8Array {
  const octets = new Uint8Array(5 + length);
  octets.set([{ handshake: 22, data: 23, alert: 21 }[type]!, 3, 3, length >> 8, length & 255]);
  return octets;
}

function side(text: string | undefined): Side {
  assert.ok(text === 'client' || text === 'server');
  return text;
}

function wayOf(stage: SessionStage, named: string | undefined): number {
  const way = named === undefined ? [...stage.ways.keys()].at(-1) : Number(named);
  assert.ok(way !== undefined, 'a way is open');
  return way;
}

function endLeg(stage: SessionStage, leg: Side, how: 'end' | 'reset'): void {
  stage.event({ kind: 'leg-ended', leg, how, reason: `the ${leg} ${how === 'end' ? 'closed' : 'reset'}` });
}

function arrive(stage: SessionStage, leg: Side, named: string | undefined): void {
  stage.event({ kind: 'data-leg-arrived', way: wayOf(stage, named), leg });
}

function endData(stage: SessionStage, [, named, outcome, octets, to]: RegExpExecArray): void {
  const way = wayOf(stage, named);
  const result: DataResult = {
    outcome: outcome as DataResult['outcome'],
    reason: outcome === 'completed' ? 'both ends closed' : 'a leg was reset',
    octetsToClient: to === 'client' ? Number(octets) : 0,
    octetsToServer: to === 'server' ? Number(octets) : 0,
    durationMs: 100,
    clientPeer: undefined,
    serverPeer: undefined,
  };
  stage.event({ kind: 'data-path-ended', way, result });
}

function stranger(stage: SessionStage, from: string, leg: Side, named: string | undefined): void {
  const address = parseAddress(from);
  assert.ok(address.ok);
  stage.event({ kind: 'stranger', way: wayOf(stage, named), leg, peer: { address: address.value, port: 40_666 } });
}

// As the shell's timer does: the session is looked at when it asked for it, and never later than the time that passes.
function passTime(stage: SessionStage, ms: number): void {
  const until = stage.nowMs + ms;
  for (let due = nextDeadlineMs(stage.session); due <= until; due = nextDeadlineMs(stage.session)) {
    stage.nowMs = Math.max(stage.nowMs, due);
    stage.event({ kind: 'clock' });
    assert.ok(nextDeadlineMs(stage.session) > stage.nowMs, 'a deadline that has passed is dealt with');
  }
  stage.nowMs = until;
}
