// The record of one control connection and all that it negotiates, and what may come next in its life (Phase).
// Plain, immutable data: advance.ts makes each next one from the last.

import type { Address, Endpoint } from '../address/endpoint.ts';
import type { SubjectPaths } from '../policy/access-subject.ts';
import type { Ruleset } from '../policy/ruleset.ts';
import type { Command } from '../wire/command.ts';
import type { ControlLine } from '../wire/line-splitter.ts';
import type { Verb } from '../wire/verbs.ts';
import type { Action, ServerDialect } from './action.ts';
import { type AwaitedReplies, isFull, nothingAwaited } from './awaited-replies.ts';
import type { SessionEvent } from './event.ts';
import type { Expectation, SetUp } from './expectation.ts';
import type { Limits } from './limits.ts';
import type { OpaqueLegs } from './opaque.ts';
import { type Security, type SecurityPhase, type TlsTerms, unprotected } from './security.ts';
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
   * From where the gateway dials the server's data ports: `routes` leaves it to the kernel, which to the same host
   * chooses as for the control connection and saves a bind; `control-leg` names that address, which need not be one of
   * this machine.
   */
  readonly dataSource: 'routes' | 'control-leg';
  /** Whether data connections end with the control connection, but for what the server has said to be complete. */
  readonly endFlows: boolean;
  /** Ports on which the gateway itself listens: never the target of a data connection. */
  readonly ownPorts: readonly number[];
  readonly ruleset: Ruleset;
  readonly limits: Limits;
  readonly tls: TlsTerms;
  /** Its name, which rules may ask for. */
  readonly listener: string;
  /** Milliseconds since 1970 at the moment 0 of the events' clock. */
  readonly epochMs: number;
}

export type Phase =
  | { readonly kind: 'expect-server' }
  | { readonly kind: 'expect-greeting' }
  | { readonly kind: 'expect-command' }
  /** A command of the client waits for its turn; he is not read meanwhile. */
  | { readonly kind: 'expect-turn'; readonly held: HeldCommand }
  /**
   * The server has been asked for a data connection; nothing overtakes that, for as long as it answers in good time.
   */
  | { readonly kind: 'expect-set-up-reply'; readonly sinceMs: number }
  /** `then` is the phase to go on with. */
  | {
      readonly kind: 'expect-data-path';
      readonly setUp: SetUp;
      readonly expectation: Expectation;
      readonly then: Phase;
    }
  | SecurityPhase
  | OpaquePhase
  /** The control connection has ended; data still flows (RFC 959 §4.1.1 QUIT). */
  | { readonly kind: 'lingering' }
  | { readonly kind: 'closed' };

/** The phases from AUTH until the session is read again. */
type OpaquePhase =
  /** Nothing is asked of the server before the ports are open: answered at once. `given` is AUTH. */
  | { readonly kind: 'expect-passive-range'; readonly given: ClientCommand }
  /** AUTH has been passed on; after a 234 its peers speak TLS. */
  | { readonly kind: 'expect-opaque'; readonly sinceMs: number }
  /** What the client says is TLS, or is to be. */
  | { readonly kind: 'opaque' };

/** A command as it was read, once. */
export interface ClientCommand {
  readonly command: Command;
  readonly verb: Verb | undefined;
  /** What is sent on: the line without the Telnet commands before it. */
  readonly octets: Uint8Array;
  /** The Telnet Synch stood before it. */
  readonly interrupt: boolean;
  /** `granted`: the access rules have been asked. */
  readonly access: 'not-judged' | 'granted';
}

/**
 * `replies`: it asks for a data connection, and waits until all before it is answered, so that its reply cannot be
 * another's. `login`: only who is in may say it, and whether he is will be known with the replies before it.
 * `directory`: a rule wants to know what it names, and the server is asked where the client is.
 */
export interface HeldCommand extends ClientCommand {
  readonly cause: 'replies' | 'login' | 'directory';
  readonly sinceMs: number;
}

/** `untold`: the server was asked, and did not say what can be used. */
export type WorkingDirectory =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'untold' }
  | { readonly kind: 'known'; readonly octets: Uint8Array };

/** A multi-line reply of which the end has not come. */
export interface OpenReply {
  readonly code: number;
  readonly treatment: ReplyTreatment;
  /** `repeated`: every line so far began with the code and a hyphen, as those of scripts do. */
  readonly style: 'repeated' | 'free';
}

/**
 * Lines of a reply that are kept until it is whole, the latest first: to add one costs the same however many there are.
 */
export interface CollectedLines {
  readonly line: ControlLine;
  readonly before: CollectedLines | undefined;
  /** How many lines, and octets, this one and all before it are. */
  readonly lines: number;
  readonly octets: number;
}

/**
 * What becomes of a reply's lines: sent on as they come; collected until the reply is whole because it answers a
 * set-up; held until then because it may end otherwise than it began; or dropped because it carries an address that
 * nobody asked for, or answers what the gateway has asked by itself. Of the reply to FEAT some lines are left out and
 * others added (`features`), or the gateway's own stands in its place (`own-features`, `masked`).
 */
export type ReplyTreatment = 'forward' | 'collect' | 'hold' | 'withhold' | 'features' | 'own-features' | 'masked';

export type Login =
  | { readonly kind: 'none' }
  /** The server knows the name, and has asked for a password or an account (331, 332). */
  | { readonly kind: 'named'; readonly user: string }
  | { readonly kind: 'in'; readonly user: string };

export interface Session {
  readonly terms: SessionTerms;
  readonly phase: Phase;
  /** Local end of the server leg, once it is connected. */
  readonly serverLocal: Endpoint | undefined;
  readonly awaited: AwaitedReplies;
  readonly openReply: OpenReply | undefined;
  readonly collected: CollectedLines | undefined;
  /** An event that is judged once the ways have been looked at. */
  readonly judging: SessionEvent | undefined;
  readonly ways: readonly Way[];
  /** The way that the next transfer command will use. */
  readonly currentWay: number | undefined;
  readonly nextWay: number;
  readonly login: Login;
  /** Followed only where rules ask for paths. */
  readonly directory: WorkingDirectory;
  /** What RNFR has named. */
  readonly renaming: SubjectPaths | undefined;
  readonly security: Security;
  /** Set while TLS of its peers is passed through. */
  readonly opaque: OpaqueLegs | undefined;
  readonly dialect: ServerDialect;
  /** RFC 2428 §4: after EPSV ALL no other set-up is accepted. */
  readonly setUps: 'any' | 'epsv-only';
  /**
   * `off`: the client has said ALGS DISABLE64 (RFC 6384 §11); its verbs are then asked of the server as they are, or
   * not at all.
   */
  readonly translation: 'on' | 'off';
  /**
   * `draining`: the gateway is going down. `closing`: the server has sent 421, after which the gateway adds no reply
   * of its own. `leaving`: the client has said QUIT and the server goodbye.
   */
  readonly service: 'serving' | 'draining' | 'closing' | 'leaving';
  /** Whether the client has said anything yet. */
  readonly said: 'nothing' | 'something';
  /** When the client ended its direction. */
  readonly clientEndedMs: number | undefined;
  /** How it did, as long as the server has not been told. */
  readonly untoldEnd: ClientEnd | undefined;
  readonly startedMs: number;
  /** When the login at hand began: with the greeting, with REIN, or with another USER that the server took. */
  readonly loginBeganMs: number | undefined;
  readonly lastActivityMs: number;
  /** What is left of the patience with lines that lead nowhere, see budget.ts; undefined before the first of them. */
  readonly budget: Budget | undefined;
}

/** Of the client's control connection. */
export interface ClientEnd {
  readonly how: 'end' | 'reset';
  readonly reason: string;
}

interface Budget {
  readonly left: number;
  /** When `left` was computed: it grows again from then on. */
  readonly atMs: number;
}

/** What one event leads to. */
export interface Step {
  readonly session: Session;
  readonly actions: readonly Action[];
}

export const expectServer: Phase = { kind: 'expect-server' };

/** A session at the moment its client was accepted. */
export function newSession(terms: SessionTerms, dialect: ServerDialect, nowMs: number): Session {
  return new SessionCopy({
    terms,
    phase: expectServer,
    serverLocal: undefined,
    awaited: nothingAwaited,
    openReply: undefined,
    collected: undefined,
    judging: undefined,
    ways: noWays,
    currentWay: undefined,
    nextWay: 1,
    login: nobody,
    directory: { kind: 'unknown' },
    renaming: undefined,
    security: unprotected,
    opaque: undefined,
    dialect,
    setUps: 'any',
    translation: 'on',
    service: 'serving',
    said: 'nothing',
    clientEndedMs: undefined,
    untoldEnd: undefined,
    startedMs: nowMs,
    loginBeganMs: undefined,
    lastActivityMs: nowMs,
    budget: undefined,
  });
}

export const noWays: readonly Way[] = [];
export const nobody: Login = { kind: 'none' };
export const expectGreeting: Phase = { kind: 'expect-greeting' };
export const expectCommand: Phase = { kind: 'expect-command' };

/** May the shell deliver the client's next line? Where not, it stops reading: back-pressure instead of a queue. */
export function acceptsClientLine(session: Session): boolean {
  const { phase, awaited, terms } = session;
  return phase.kind === 'expect-command' && !isFull(awaited, terms.limits.commandsInFlightMax);
}

/** Are the server's ports open to its client? */
export function holdsRange({ phase, opaque }: Session): boolean {
  return phase.kind === 'expect-opaque' || opaque !== undefined;
}

/** Is the client to be read, in lines or unread? */
export function readsClient(session: Session): boolean {
  return session.phase.kind === 'opaque' || acceptsClientLine(session);
}

/**
 * The same session but for `changes`. Sessions change at every line, and a class with a copying constructor does this
 * in a tenth of the time that V8 takes to spread an object of this size.
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

export function collecting(session: Session, collected: CollectedLines | undefined): Session {
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
  readonly judging: Session['judging'];
  ways: Session['ways'];
  currentWay: Session['currentWay'];
  readonly nextWay: Session['nextWay'];
  readonly login: Session['login'];
  readonly directory: Session['directory'];
  readonly renaming: Session['renaming'];
  readonly security: Session['security'];
  readonly opaque: Session['opaque'];
  readonly dialect: Session['dialect'];
  readonly setUps: Session['setUps'];
  readonly translation: Session['translation'];
  readonly service: Session['service'];
  readonly said: Session['said'];
  readonly clientEndedMs: Session['clientEndedMs'];
  readonly untoldEnd: Session['untoldEnd'];
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
    this.judging = from.judging;
    this.ways = from.ways;
    this.currentWay = from.currentWay;
    this.nextWay = from.nextWay;
    this.login = from.login;
    this.directory = from.directory;
    this.renaming = from.renaming;
    this.security = from.security;
    this.opaque = from.opaque;
    this.dialect = from.dialect;
    this.setUps = from.setUps;
    this.translation = from.translation;
    this.service = from.service;
    this.said = from.said;
    this.clientEndedMs = from.clientEndedMs;
    this.untoldEnd = from.untoldEnd;
    this.startedMs = from.startedMs;
    this.loginBeganMs = from.loginBeganMs;
    this.lastActivityMs = from.lastActivityMs;
    this.budget = from.budget;
  }
}
