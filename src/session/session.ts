// The record of one control connection and all that it negotiates, and what may come next in its life (Phase).
// Plain, immutable data: advance.ts makes each next one from the last.

import type { Address, Endpoint } from '../address/endpoint.ts';
import type { Ruleset } from '../policy/ruleset.ts';
import type { ControlLine } from '../wire/line-splitter.ts';
import type { Action, ServerDialect } from './action.ts';
import { type AwaitedReplies, nothingAwaited } from './awaited-replies.ts';
import type { Expectation, SetUpVerb } from './expectation.ts';
import type { Limits } from './limits.ts';
import type { Way } from './way.ts';

/** What is settled before the first octet. */
export interface SessionTerms {
  readonly clientPeer: Endpoint;
  readonly clientLocal: Endpoint;
  readonly serverPeer: Endpoint;
  readonly advertise: Address | undefined;
  readonly advertiseToServer: Address | undefined;
  readonly serverMode: 'as-client' | 'passive' | 'active';
  readonly activeSourcePort: number | undefined;
  /**
   * From where the gateway dials the server's data ports: `routes` leaves it to the kernel, which to the same host chooses as
   * for the control connection and saves a bind; `control-leg` names that address, which need not be one of this machine.
   */
  readonly dataSource: 'routes' | 'control-leg';
  /** Whether data connections end with the control connection, but for what the server has said to be complete. */
  readonly endFlows: boolean;
  readonly ruleset: Ruleset;
  readonly limits: Limits;
}

/** A data connection being negotiated: what the client asked, and what the server is asked for it. */
export interface SetUp {
  readonly asked: SetUpVerb;
  /** Where an active client listens. */
  readonly target: Endpoint | undefined;
  readonly toServer: SetUpVerb;
}

export type Phase =
  | { readonly kind: 'expect-server' }
  | { readonly kind: 'expect-greeting' }
  | { readonly kind: 'expect-command' }
  /** A set-up command waits until all before it is answered, so that its reply cannot be another's. */
  | { readonly kind: 'expect-replies'; readonly line: ControlLine }
  /** `way` is open already where the server dials. */
  | { readonly kind: 'expect-set-up-reply'; readonly setUp: SetUp; readonly way: number | undefined }
  | { readonly kind: 'expect-data-path'; readonly setUp: SetUp; readonly expectation: Expectation }
  /** The control connection has ended; data still flows (RFC 959 §4.1.1 QUIT). */
  | { readonly kind: 'lingering' }
  | { readonly kind: 'closed' };

/** A multi-line reply of which the end has not come. */
export interface OpenReply {
  readonly code: number;
  readonly lines: number;
  readonly octets: number;
  readonly treatment: ReplyTreatment;
}

/**
 * What becomes of a reply's lines: sent on as they come; kept until the reply is whole because it answers a set-up;
 * or dropped because it carries an address that nobody asked for.
 */
export type ReplyTreatment = 'forward' | 'collect' | 'withhold';

export type Login =
  | { readonly kind: 'none' }
  | { readonly kind: 'named'; readonly user: string }
  /** `asked`: another user named since; until the server takes the name, the first one is still in. */
  | { readonly kind: 'in'; readonly user: string; readonly asked: string | undefined };

export interface Session {
  readonly terms: SessionTerms;
  readonly phase: Phase;
  /** Local end of the server leg, once it is connected. */
  readonly serverLocal: Endpoint | undefined;
  readonly awaited: AwaitedReplies;
  readonly openReply: OpenReply | undefined;
  /** Lines of a reply that is being collected. */
  readonly collected: readonly ControlLine[];
  readonly ways: readonly Way[];
  /** The way that the next transfer command will use. */
  readonly currentWay: number | undefined;
  readonly nextWay: number;
  readonly login: Login;
  readonly dialect: ServerDialect;
  /** RFC 2428 §4: after EPSV ALL no other set-up is accepted. */
  readonly setUps: 'any' | 'epsv-only';
  /** `off`: the client has said ALGS DISABLE64 (RFC 6384 §11); its verbs are then asked of the server as they are, or not at all. */
  readonly translation: 'on' | 'off';
  /** `draining`: the gateway is going down. `leaving`: the client has said QUIT and the server goodbye. */
  readonly service: 'serving' | 'draining' | 'leaving';
  readonly startedMs: number;
  /** When the login at hand began: with the greeting, with REIN, or with another USER that the server took. */
  readonly loginBeganMs: number | undefined;
  readonly lastActivityMs: number;
  /** What is left of the patience with lines that lead nowhere, see budget.ts; undefined before the first of them. */
  readonly budget: Budget | undefined;
}

interface Budget {
  readonly left: number;
  /** When that was reckoned. */
  readonly atMs: number;
}

/** What one event leads to. */
export interface Step {
  readonly session: Session;
  readonly actions: readonly Action[];
}

const expectServer: Phase = { kind: 'expect-server' };

/** A session at the moment its client was accepted. */
export function newSession(terms: SessionTerms, dialect: ServerDialect, nowMs: number): Session {
  return new SessionCopy({
    terms,
    phase: expectServer,
    serverLocal: undefined,
    awaited: nothingAwaited,
    openReply: undefined,
    collected: noLines,
    ways: noWays,
    currentWay: undefined,
    nextWay: 1,
    login: nobody,
    dialect,
    setUps: 'any',
    translation: 'on',
    service: 'serving',
    startedMs: nowMs,
    loginBeganMs: undefined,
    lastActivityMs: nowMs,
    budget: undefined,
  });
}

export const noLines: readonly ControlLine[] = [];
export const noWays: readonly Way[] = [];
export const nobody: Login = { kind: 'none' };
export const expectCommand: Phase = { kind: 'expect-command' };

/** May the shell deliver the client's next line? Where not, it stops reading: back-pressure instead of a queue. */
export function acceptsClientLine(session: Session): boolean {
  return session.phase.kind === 'expect-command' && session.awaited.length < session.terms.limits.commandsInFlightMax;
}

/**
 * The same session but for `changes`. Sessions change at every line, and a class with a copying constructor does this in
 * a tenth of the time that V8 takes to spread an object of this size.
 */
export function changed(session: Session, changes: Partial<Session>): Session {
  return Object.assign(new SessionCopy(session), changes);
}

// The changes that every transfer makes, without an object for the change itself.

export function inPhase(session: Session, phase: Phase): Session {
  const next = new SessionCopy(session);
  next.phase = phase;
  return next;
}

export function awaiting(session: Session, awaited: AwaitedReplies): Session {
  if (awaited === session.awaited) return session;
  const next = new SessionCopy(session);
  next.awaited = awaited;
  return next;
}

export function collecting(session: Session, collected: readonly ControlLine[]): Session {
  const next = new SessionCopy(session);
  next.collected = collected;
  return next;
}

export function activeAt(session: Session, nowMs: number): Session {
  if (nowMs === session.lastActivityMs) return session;
  const next = new SessionCopy(session);
  next.lastActivityMs = nowMs;
  return next;
}

export function withWays(session: Session, ways: readonly Way[], currentWay: number | undefined): Session {
  const next = new SessionCopy(session);
  next.ways = ways;
  next.currentWay = currentWay;
  return next;
}

class SessionCopy implements Session {
  readonly terms: Session['terms'];
  phase: Session['phase'];
  readonly serverLocal: Session['serverLocal'];
  awaited: Session['awaited'];
  readonly openReply: Session['openReply'];
  collected: Session['collected'];
  ways: Session['ways'];
  currentWay: Session['currentWay'];
  readonly nextWay: Session['nextWay'];
  readonly login: Session['login'];
  readonly dialect: Session['dialect'];
  readonly setUps: Session['setUps'];
  readonly translation: Session['translation'];
  readonly service: Session['service'];
  readonly startedMs: Session['startedMs'];
  readonly loginBeganMs: Session['loginBeganMs'];
  lastActivityMs: Session['lastActivityMs'];
  readonly budget: Session['budget'];

  constructor(from: Session) {
    this.terms = from.terms;
    this.phase = from.phase;
    this.serverLocal = from.serverLocal;
    this.awaited = from.awaited;
    this.openReply = from.openReply;
    this.collected = from.collected;
    this.ways = from.ways;
    this.currentWay = from.currentWay;
    this.nextWay = from.nextWay;
    this.login = from.login;
    this.dialect = from.dialect;
    this.setUps = from.setUps;
    this.translation = from.translation;
    this.service = from.service;
    this.startedMs = from.startedMs;
    this.loginBeganMs = from.loginBeganMs;
    this.lastActivityMs = from.lastActivityMs;
    this.budget = from.budget;
  }
}
