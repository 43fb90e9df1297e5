// Carries out one action of the session core. One exhaustive switch: an action without a case does not compile.
// What the world may refuse, or knows better, has an answer: dialling, opening a way, looking at one.

import { noNews, type OpenWay, type WayOwner } from '../datapath/data-path.ts';
import type { Action } from '../session/action.ts';
import type { SessionEvent } from '../session/event.ts';
import type { Expectation, Side, WayNews } from '../session/expectation.ts';
import type { PassiveRange } from '../session/opaque.ts';
import type { Protection } from '../session/security.ts';
import type { ControlLeg } from './control-leg.ts';
import type { ServicePoint, Upstream } from './service-point.ts';
import type { Place } from './session-quota.ts';
import type { SessionFacts } from './witness.ts';

/** What actions act upon. */
export interface Stage extends WayOwner {
  readonly point: ServicePoint;
  readonly upstream: Upstream;
  readonly facts: SessionFacts;
  readonly client: ControlLeg;
  readonly server: ControlLeg;
  readonly ways: Map<number, OpenWay>;
  /** Begins to dial the server; why that cannot even begin. */
  dialServer(): string | undefined;
  /** Looks at these ways once everything of this turn has been sent. */
  lookLater(ways: readonly number[]): void;
  readonly place: Place;
  /** How many octets that had come in the clear were thrown away. */
  startTls(leg: Side, before: 'nothing' | 'in-the-clear'): number;
  endTls(leg: Side): void;
  /** How many octets that had come in the clear were thrown away. */
  passThrough(leg: Side): number;
  /** Why it cannot be had; of one that is open the session is told when it is lost. */
  openPassiveRange(range: PassiveRange): string | undefined;
  closePassiveRange(): void;
  /** Data connections of it that there are. */
  passiveConnections(): number;
  /** Settles which legs of that way are under TLS. */
  protectWay(way: number, levels: Readonly<Record<Side, Protection>>): void;
  forgetWay(way: number): void;
}

export function perform(stage: Stage, action: Action): SessionEvent | undefined {
  switch (action.kind) {
    case 'dial-server': {
      const reason = stage.dialServer();
      return reason === undefined ? undefined : { kind: 'server-unreachable', reason };
    }
    case 'start-tls': {
      const octets = stage.startTls(action.leg, action.before);
      return octets === 0 ? undefined : { kind: 'clear-text-discarded', leg: action.leg, octets };
    }
    case 'pass-through': {
      const octets = stage.passThrough(action.leg);
      return octets === 0 ? undefined : { kind: 'clear-text-discarded', leg: action.leg, octets };
    }
    case 'open-passive-range': {
      const reason = stage.openPassiveRange(action.range);
      return reason === undefined ? { kind: 'passive-range-opened' } : { kind: 'passive-range-unavailable', reason };
    }
    case 'close-passive-range':
      stage.closePassiveRange();
      return undefined;
    case 'look-at-passive-range':
      return { kind: 'passive-range-looked', connections: stage.passiveConnections() };
    case 'end-tls':
      stage.endTls(action.leg);
      return undefined;
    case 'protect-data-path':
      stage.protectWay(action.way, action);
      return undefined;
    case 'send':
      stage[action.to].out.push(action.octets);
      return undefined;
    case 'send-urgent': {
      const leg = stage[action.to];
      if (leg.socket !== undefined) leg.out.pushUrgent(action.octets, leg.socket);
      return undefined;
    }
    case 'open-data-path':
      return open(stage, action.expectation);
    case 'dial-data-leg':
      stage.ways.get(action.way)?.dial(action.leg);
      return undefined;
    case 'keep-data-path':
      stage.ways.get(action.way)?.keep();
      return undefined;
    case 'look-at-ways':
      if (action.when === 'now') return lookedAt(stage, action.ways);
      stage.lookLater(action.ways);
      return undefined;
    case 'conclude-data-path':
      stage.ways.get(action.way)?.conclude();
      return undefined;
    case 'close-data-path':
      stage.ways.get(action.way)?.close();
      stage.forgetWay(action.way);
      return undefined;
    case 'end-writing':
      stage[action.leg].out.endWritingWhenSent();
      return undefined;
    case 'close-leg':
      stage[action.leg].end();
      return undefined;
    case 'charge-client':
      stage.place.charge();
      return undefined;
    case 'remember-dialect':
      stage.upstream.dialect = { ...stage.upstream.dialect, ...action.dialect };
      return undefined;
    case 'record':
      stage.point.witness.sessionRecord(stage.facts, action.record);
      return undefined;
    default:
      return action satisfies never;
  }
}

/** What has become of these ways and was not known. */
export function lookedAt(stage: Pick<Stage, 'ways' | 'forgetWay'>, ways: readonly number[]): SessionEvent {
  const news: WayNews[] = [];
  for (const id of ways) {
    for (const each of stage.ways.get(id)?.look() ?? noNews) {
      if (each.kind === 'data-path-ended') stage.forgetWay(id);
      news.push(each);
    }
  }
  return { kind: 'ways-looked', news };
}

function open(stage: Stage, expectation: Expectation): SessionEvent {
  const { way } = expectation;
  const beganMs = performance.now();
  if (!stage.place.takeWay()) {
    const reason = 'the client address has as many data connections as one may have (sessions.waysPerClient)';
    return { kind: 'data-path-unavailable', way, cause: 'client-share', reason };
  }
  const opening = stage.point.dataPath.open(expectation, stage);
  if (!opening.ok) {
    stage.place.giveWayBack();
    const { cause = 'no-data-port', text } = opening.reason;
    return { kind: 'data-path-unavailable', way, cause, reason: text };
  }
  const { plane, ports } = opening.value;
  stage.ways.set(way, opening.value.way);
  return { kind: 'data-path-opened', way, plane, ports, tookMs: performance.now() - beganMs };
}
