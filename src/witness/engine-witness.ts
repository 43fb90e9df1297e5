// Turns what sessions record into counts, log lines and the ledger of ways. Every refusal is a line with its reason and
// both addresses; every transfer is one audit record; PASS and ACCT never reach this place, because records do not hold
// them.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import type { SessionFacts, TurnedAway, Witness } from '../control/witness.ts';
import { writeAudit } from '../observe/audit.ts';
import { type EventId, events, logEvent } from '../observe/events.ts';
import type { Logger } from '../observe/log.ts';
import { otherVerb, replyClasses } from '../observe/metric-labels.ts';
import type { Slot, Tally } from '../observe/tally.ts';
import type { SessionRecord, TransferRecord, WayOutcome } from '../session/action.ts';
import type { Plane } from '../session/expectation.ts';
import type { LogLevel } from '../settings/settings.ts';
import { LogShares } from './log-shares.ts';
import { OpaqueLedger, printPorts } from './opaque-ledger.ts';
import { WayLedger } from './way-ledger.ts';

const outcomeOfTurnedAway = {
  total: 'refused-limit',
  client: 'refused-client-limit',
  server: 'refused-server',
  draining: 'refused-draining',
  network: 'refused-network',
  egress: 'refused-egress',
  'link-local': 'refused-link-local',
} as const;

export class EngineWitness implements Witness {
  readonly ledger = new WayLedger();
  readonly opaque = new OpaqueLedger();
  private readonly shares: LogShares;
  private readonly tally: Tally;
  private readonly createLog: (level: LogLevel) => Logger;
  private log: Logger;
  private readonly octetsToClient: Slot;
  private readonly octetsToServer: Slot;
  // Every line counts something, so these are looked up once.
  private readonly commands: ReadonlyMap<string, Slot>;
  private readonly rewrites: ReadonlyMap<string, Slot>;
  private readonly ways: Record<Plane, ReadonlyMap<string, Slot>>;
  /** By the first digit of the reply code. */
  private readonly replies: Record<'server' | 'gateway', readonly (Slot | undefined)[]>;

  constructor(tally: Tally, createLog: (level: LogLevel) => Logger, level: LogLevel) {
    this.tally = tally;
    this.createLog = createLog;
    this.log = createLog(level);
    this.shares = new LogShares({
      tell: (event, fields) => logEvent(this.log, event, fields),
      onUnwritten: () => tally.count('log_lines_dropped_total', 'share'),
    });
    this.octetsToClient = tally.slot('control_octets_total', 'to-client');
    this.octetsToServer = tally.slot('control_octets_total', 'to-server');
    this.commands = tally.slotsByLabel('commands_total');
    this.rewrites = tally.slotsByLabel('rewrites_total');
    this.ways = {
      relay: tally.slotsByLabel('ways_total', 'relay'),
      kernel: tally.slotsByLabel('ways_total', 'kernel'),
    };
    const repliesOf = (origin: 'server' | 'gateway') => [
      undefined,
      ...replyClasses.map((first) => tally.slot('replies_total', first, origin)),
    ];
    this.replies = { server: repliesOf('server'), gateway: repliesOf('gateway') };
  }

  setLevel(level: LogLevel): void {
    if (this.log.level !== level) this.log = this.createLog(level);
  }

  sessionStarted(facts: SessionFacts): void {
    this.tally.raise('sessions_active', 1);
    logEvent(this.log, 'session-begun', facts.fields);
  }

  sessionOver(facts: SessionFacts): void {
    this.tally.raise('sessions_active', -1);
    this.endOpaque(facts);
    this.ledger.sessionOver(facts);
    this.shares.sessionOver(facts);
  }

  turnedAway(listener: string, client: Endpoint, dialled: Endpoint, why: TurnedAway, reason?: string): void {
    this.tally.count('sessions_total', outcomeOfTurnedAway[why]);
    this.tally.count('replies_total', '4', 'gateway');
    if (!this.shares.atDoor(listener, why)) return;
    const ends = { client: printEndpoint(client), dialled: printEndpoint(dialled) };
    logEvent(this.log, 'session-refused', { listener, ...ends, cause: why, reason });
  }

  controlOctets(to: 'client' | 'server', octets: number): void {
    this.tally.add(to === 'client' ? this.octetsToClient : this.octetsToServer, octets);
  }

  internalError(facts: SessionFacts | undefined, error: unknown): void {
    this.tally.count('internal_errors_total');
    if (facts !== undefined) this.tally.count('sessions_total', 'internal-error');
    logEvent(this.log, 'internal-error', { ...facts?.fields, err: error });
  }

  sessionRecord(facts: SessionFacts, record: SessionRecord): void {
    const { tally } = this;
    switch (record.kind) {
      case 'command':
        this.countIn(this.commands.get(record.verb) ?? this.commands.get(otherVerb));
        return;
      case 'reply':
        this.countIn(this.replies[record.origin][Math.trunc(record.code / 100)]);
        return;
      case 'rewrite':
        this.countIn(this.rewrites.get(record.what));
        return;
      case 'refusal':
        this.onRefusal(facts, record);
        return;
      case 'granted':
      case 'reported':
        this.onAccess(facts, record);
        return;
      case 'replaced':
        tally.count('address_replacements_total', record.cause);
        if (record.bounce !== undefined) tally.count('bounce_attempts_total', record.bounce);
        if (!this.shares.ofSession(facts, 'replaced')) return;
        logEvent(this.log, 'address-replaced', {
          ...facts.fields,
          cause: record.cause,
          target: printEndpoint(record.target),
          reason: record.reason,
        });
        return;
      case 'stranger':
        tally.count('strangers_total');
        tally.count('bounce_attempts_total', 'stranger');
        if (!this.shares.ofSession(facts, 'stranger')) return;
        logEvent(this.log, 'stranger-refused', {
          ...facts.fields,
          way: record.way,
          leg: record.leg,
          stranger: printEndpoint(record.peer),
        });
        return;
      case 'way-opened':
        this.ledger.opened(facts, record);
        this.onWayOpened(record.plane, record.setUpMs);
        return;
      case 'way':
        this.ledger.changed(facts, record);
        this.onWay(record.plane, record.outcome);
        return;
      case 'opaque':
        this.opaque.begun(facts, record.range);
        tally.count('sessions_opaque_total', record.kind);
        tally.raise('sessions_opaque', 1);
        logEvent(this.log, 'tls-passed-through', { ...facts.fields, passivePorts: printPorts(record.range.ports) });
        return;
      case 'read-again':
        tally.count('sessions_opaque_total', record.kind);
        this.endOpaque(facts);
        logEvent(this.log, 'read-again', facts.fields);
        return;
      case 'login':
        if (this.log.isLevelEnabled('debug')) logEvent(this.log, 'login', { ...facts.fields, user: record.user });
        return;
      case 'tls-up':
      case 'tls-failed':
      case 'clear-text-discarded':
        this.onTls(facts, record);
        return;
      case 'foreign-protocol':
        tally.count(record.from === 'client' ? 'foreign_protocols_total' : 'foreign_greetings_total', record.protocol);
        if (!this.shares.ofSession(facts, record.protocol)) return;
        logEvent(this.log, 'foreign-protocol', { ...facts.fields, from: record.from, protocol: record.protocol });
        return;
      case 'transfer':
        this.onTransfer(facts, record.transfer);
        return;
      case 'session-ended':
        this.endOpaque(facts);
        tally.count('sessions_total', record.outcome);
        this.logEnd(facts, record.outcome, record.reason);
        return;
      default:
        record satisfies never;
    }
  }

  private endOpaque(facts: SessionFacts): void {
    if (this.opaque.ended(facts)) this.tally.raise('sessions_opaque', -1);
  }

  /** The one line that every session has; field by field, because spreading takes longer than the rest of it. */
  private logEnd({ fields }: SessionFacts, outcome: string, reason: string): void {
    if (!this.log.isLevelEnabled('info')) return;
    const { session, listener, client, server } = fields;
    const event: EventId = 'session-ended';
    this.log.info({ event, session, listener, client, server, outcome, reason }, events[event].text);
  }

  private countIn(slot: Slot | undefined): void {
    if (slot === undefined) throw new RangeError('no series for this count');
    this.tally.add(slot, 1);
  }

  private onAccess(facts: SessionFacts, record: Extract<SessionRecord, { kind: 'granted' | 'reported' }>): void {
    const { kind, verb, rule, reason } = record;
    if (kind === 'granted') {
      if (this.log.isLevelEnabled('debug')) logEvent(this.log, kind, { ...facts.fields, verb, rule, reason });
      return;
    }
    this.tally.count('rules_reported_total');
    if (!this.shares.ofSession(facts, kind)) return;
    logEvent(this.log, 'would-be-denied', { ...facts.fields, verb, rule, reason });
  }

  private onRefusal(facts: SessionFacts, record: Extract<SessionRecord, { kind: 'refusal' }>): void {
    const { cause, reason, verb, target, bounce, rule } = record;
    this.tally.count('refusals_total', cause);
    if (bounce !== undefined) this.tally.count('bounce_attempts_total', bounce);
    if (!this.shares.ofSession(facts, cause)) return;
    const { session, listener, client, server } = facts.fields;
    const where = target === undefined ? undefined : printEndpoint(target);
    // Field by field, as at the end of a session.
    const event: EventId = 'refused';
    const fields = { event, session, listener, client, server, cause, verb, target: where, bounce, rule, reason };
    this.log.warn(fields, events[event].text);
  }

  private onTls(
    facts: SessionFacts,
    record: Extract<SessionRecord, { kind: 'tls-up' | 'tls-failed' | 'clear-text-discarded' }>,
  ): void {
    const { tally, log } = this;
    const { leg } = record;
    if (record.kind === 'tls-up') {
      tally.count('tls_handshakes_total', leg, record.facts.resumed ? 'resumed' : 'full');
      if (log.isLevelEnabled('debug')) logEvent(log, 'tls-up', { ...facts.fields, leg, ...record.facts });
      return;
    }
    if (record.kind === 'tls-failed') tally.count('tls_handshakes_total', leg, 'failed');
    else tally.increase('tls_clear_octets_discarded_total', record.octets, leg);
    if (!this.shares.ofSession(facts, record.kind)) return;
    const { kind, ...told } = record;
    logEvent(log, kind, { ...facts.fields, ...told });
  }

  private onWayOpened(plane: Plane, setUpMs: number): void {
    const { tally } = this;
    this.countIn(this.ways[plane].get('opened'));
    tally.raise('ways_active', 1, plane);
    tally.observe('way_setup_seconds', setUpMs / 1000, plane);
  }

  private onWay(plane: Plane, outcome: WayOutcome): void {
    this.countIn(this.ways[plane].get(outcome));
    if (outcome !== 'used') this.tally.raise('ways_active', -1, plane);
  }

  private onTransfer(facts: SessionFacts, transfer: TransferRecord): void {
    const { tally } = this;
    tally.increase('data_octets_total', transfer.octetsToClient, 'to-client');
    tally.increase('data_octets_total', transfer.octetsToServer, 'to-server');
    tally.observe('transfer_duration_seconds', transfer.durationMs / 1000, transfer.direction);
    writeAudit(this.log, facts.fields, transfer);
  }
}
