// The gateway as a whole: the one place where parts are built and handed their collaborators.
// Start, reload, drain and stop; what each promises stands at the method. Session traffic never touches this thread.

import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { printEndpoint } from './address/endpoint.ts';
import { tuneCollector } from './engine/collector.ts';
import { EngineHost } from './engine/engine-host.ts';
import { newQuotaMemory, raiseDescriptorLimit } from './engine/process-wide.ts';
import { dropReasons } from './nftables/drop-reasons.ts';
import type { AdminRefusal } from './observe/admin-caller.ts';
import { type AdminServer, type Readiness, startAdminServer } from './observe/admin-server.ts';
import { logEvent } from './observe/events.ts';
import { createLog, type Logger } from './observe/log.ts';
import { LogAllowance } from './observe/log-allowance.ts';
import { type LogOutput, openLogOutput } from './observe/log-output.ts';
import { createMetrics, type ShownCertificate } from './observe/metrics.ts';
import type { Tally } from './observe/tally.ts';
import type { WayListing } from './observe/way-entry.ts';
import { packageVersion } from './package-version.ts';
import { Perimeter, type TableKeeping } from './perimeter/perimeter.ts';
import { type Outcome, type ReadSettings, Reloading } from './reloading.ts';
import { done } from './result.ts';
import { FileWatch } from './settings/file-watch.ts';
import { tlsFilesOf } from './settings/renew-tls.ts';
import type { Settings } from './settings/settings.ts';
import { isTerminated } from './settings/tls-settings.ts';
import { ticketKeyOctets } from './sys/tls-context.ts';
import { newTally } from './witness/verb-tally.ts';
import { printPlace } from './yaml/problem.ts';

type Service = 'starting' | 'ready' | 'draining' | 'stopped';

// A session needs 2 descriptors, a relayed transfer up to 8 (two sockets, two pipes of two ends each, a listener).
const descriptorsPerSession = 6;
// After the bound of the drain: the time that 421s and the last log lines get.
const farewellMs = 12_000;
// How long an operator's `flush ruleset` may leave FTP unread; to ask whether the table is there takes some
// microseconds.
const glanceMs = 200;
// The same for damage within the table; to look it through takes a millisecond of this thread and more.
const mendingMs = 5_000;
// Once the table has gone, a data connection that was ended could be taken up again: each peer that sends is reset
// before.
const flowEndingMs = 2_000;
// Longer than any turn of a healthy loop, shorter than a probe's patience.
const stuckSeconds = 10;
// Twice this, and a renewed certificate is in force; to look takes some microseconds.
const certificateGlanceMs = 3_000;
// Enough to see who asks for the admin pages, too little for a web page to fill a disk with.
const adminRefusalLines = 10;
const adminRefusalLineMs = 6_000;

export class Gateway {
  private settings: Settings;
  private readonly output: LogOutput;
  private readonly log: Logger;
  private readonly own: Tally = newTally();
  private readonly tallies: Tally[] = [];
  private readonly engines: EngineHost[] = [];
  private readonly perimeter: Perimeter;
  private mending: NodeJS.Timeout | undefined;
  private glancing: NodeJS.Timeout | undefined;
  private watching: NodeJS.Timeout | undefined;
  private tableState: 'sound' | 'beyond-us' = 'sound';
  private admin: AdminServer | undefined;
  private service: Service = 'starting';
  private started: Promise<Outcome> | undefined;
  private readonly reloading: Reloading;
  private readonly adminRefusals = new LogAllowance(adminRefusalLines, adminRefusalLineMs);
  private readonly onFatal: (problem: string) => void;

  /** `onFatal` hears of a death that the gateway cannot go on after. */
  constructor(settings: Settings, keeping: TableKeeping, onFatal: (problem: string) => void) {
    this.settings = settings;
    this.perimeter = new Perimeter(keeping);
    this.onFatal = onFatal;
    this.output = openLogOutput({
      onDropped: (lines) => this.own.increase('log_lines_dropped_total', lines, 'output'),
    });
    this.log = createLog({ level: settings.log.level, write: (line) => this.output.write(line) });
    this.reloading = new Reloading({
      engines: () => this.engines,
      perimeter: this.perimeter,
      inForce: () => this.settings,
      isServing: () => this.service === 'ready',
      onApplied: (applied) => this.onApplied(applied),
      log: this.log,
      tally: this.own,
    });
  }

  /**
   * Resolves once every listener is bound and the admin pages answer, or with the sentence why not; nothing is left
   * bound then.
   */
  start(): Promise<Outcome> {
    this.started = this.startAlone();
    this.reloading.after(this.started);
    return this.started;
  }

  private async startAlone(): Promise<Outcome> {
    this.checkDescriptors(this.settings);
    const problem = (await this.startAdmin()) ?? this.startPerimeter() ?? (await this.startEngines());
    if (problem !== undefined || this.service !== 'starting') {
      this.service = 'stopped';
      await this.tearDown();
      this.output.flush();
      return { ok: false, reason: problem ?? stoppedEarly };
    }
    this.service = 'ready';
    this.mending = setInterval(() => this.mendPerimeter(), mendingMs);
    this.glancing = setInterval(() => this.glanceAtPerimeter(), glanceMs);
    const certificates = new FileWatch(
      () => tlsFilesOf(this.settings),
      () => void this.reloading.renew(),
    );
    this.watching = setInterval(() => certificates.look(), certificateGlanceMs);
    this.own.set('ready', 1);
    this.own.set('engines', this.engines.length);
    this.own.set('sessions_limit', this.settings.sessions.totalMax);
    logEvent(this.log, 'ready', {
      listeners: this.settings.listeners.map((listener) => ({
        name: listener.name,
        listen: printEndpoint(listener.listen),
        ...(listener.mode === 'reverse'
          ? { upstream: printEndpoint(listener.upstream) }
          : { servers: listener.servers.map(({ text }) => text) }),
      })),
      rules: this.settings.rules.source,
      admin: this.settings.admin === undefined ? 'off' : printEndpoint(this.settings.admin.listen),
      engines: this.engines.length,
    });
    this.warn(this.settings);
    return done;
  }

  /**
   * New settings for new sessions; live ones keep theirs. What cannot change in a running process is named in the log.
   */
  reload(read: ReadSettings): Promise<Outcome> {
    return this.reloading.ask(read);
  }

  /**
   * The data connections of all engines; one that does not answer within its bound is told as missing, not waited for.
   */
  async listWays(): Promise<WayListing> {
    const answers = await Promise.all(this.engines.map((engine) => engine.listWays()));
    const ways = answers.flatMap((answer) => answer ?? []);
    // Times of one length and form sort as texts; of one moment the session's later way first.
    ways.sort((a, b) => (a.openedAt === b.openedAt ? b.way - a.way : a.openedAt < b.openedAt ? 1 : -1));
    return { ways, missingEngines: answers.filter((answer) => answer === undefined).length };
  }

  /**
   * No new sessions; those under way finish, those that have not by the bound get 421. Resolves when all have ended.
   */
  async drain(): Promise<void> {
    if (this.service === 'starting') return this.stop();
    if (this.service !== 'ready') return;
    this.service = 'draining';
    this.own.set('ready', 0);
    const { drainTimeoutMs } = this.settings.sessions;
    logEvent(this.log, 'draining', { boundMs: drainTimeoutMs });
    for (const engine of this.engines) engine.drain();
    const ended = Promise.all(this.engines.map((engine) => engine.whenEnded()));
    let cut = false;
    const bound = setTimeout(() => {
      cut = true;
      logEvent(this.log, 'drain-bound-passed');
      for (const engine of this.engines) engine.endSessions();
    }, drainTimeoutMs);
    const last = setTimeout(() => void this.stop(), drainTimeoutMs + farewellMs);
    await ended;
    clearTimeout(bound);
    clearTimeout(last);
    if (cut && this.settings.kernel.endFlows) await delay(flowEndingMs);
    await this.stop();
  }

  /** Ends everything at once. */
  async stop(): Promise<void> {
    if (this.service === 'stopped') return;
    const starting = this.service === 'starting';
    this.service = 'stopped';
    // A start under way sees it at its next step and takes down what it has put up, but an engine might keep it
    // waiting.
    await Promise.all(this.engines.map((engine) => engine.kill()));
    await (starting ? this.started : this.tearDown());
    logEvent(this.log, 'stopped');
    this.output.close();
  }

  private async tearDown(): Promise<void> {
    clearInterval(this.mending);
    clearInterval(this.glancing);
    clearInterval(this.watching);
    await Promise.all(this.engines.map((engine) => engine.kill()));
    this.perimeter.remove();
    await this.admin?.close();
  }

  private glanceAtPerimeter(): void {
    // What could not be mended is tried again, and told again, less often.
    if (this.tableState === 'sound' && this.perimeter.hasGone()) this.mendPerimeter();
  }

  private mendPerimeter(): void {
    const drops = this.perimeter.newDrops();
    for (const reason of dropReasons) {
      this.own.increase('kernel_dropped_packets_total', drops[reason], reason);
    }
    const state = this.perimeter.mend();
    this.tableState = typeof state === 'string' ? 'sound' : 'beyond-us';
    if (state === 'restored') logEvent(this.log, 'table-restored');
    else if (state !== 'sound') logEvent(this.log, 'table-unsound', { problem: state.problem });
  }

  private startPerimeter(): string | undefined {
    if (this.service !== 'starting') return stoppedEarly;
    return this.perimeter.apply(this.settings);
  }

  private async startEngines(): Promise<string | undefined> {
    const { settings } = this;
    tuneCollector();
    const quota = newQuotaMemory(settings.sessions.totalMax);
    const ticketKeys = new Uint8Array(randomBytes(ticketKeyOctets));
    for (let index = 0; index < settings.engines; index++) {
      const tally = newTally();
      this.tallies.push(tally);
      const logsTaken = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
      const birth = { index, count: settings.engines, settings, tally: tally.buffer, quota, ticketKeys, logsTaken };
      const host = new EngineHost(birth, {
        log: (lines) => this.output.write(lines),
        died: (engine, error) => this.onEngineDied(engine, error),
      });
      this.engines.push(host);
      const problem = await host.whenBorn();
      if (problem !== undefined) return problem;
      if (this.service !== 'starting') return stoppedEarly;
    }
    return undefined;
  }

  private onEngineDied(index: number, error: Error): void {
    this.own.count('internal_errors_total');
    logEvent(this.log, 'engine-died', { engine: index, err: error });
    // Its listeners died with it: a supervisor restarts the whole sooner than half a gateway would be noticed.
    this.onFatal(`engine ${index} died: ${error.message}`);
  }

  private async startAdmin(): Promise<string | undefined> {
    if (this.settings.admin === undefined) return undefined;
    const metrics = createMetrics({
      engines: () => this.tallies,
      own: this.own,
      certificates: () => shownCertificates(this.settings),
      version: packageVersion(),
    });
    const started = await startAdminServer({
      listen: this.settings.admin.listen,
      metrics,
      health: () => this.health(),
      readiness: () => this.readiness(),
      hosts: () => this.settings.admin?.hosts ?? [],
      onRefused: (refusal, client) => this.onAdminRefused(refusal, client),
      listWays: () => this.listWays(),
      onError: (error) => logEvent(this.log, 'admin-failed', { err: error }),
    });
    if (!started.ok) return started.reason.sentence;
    this.admin = started.value;
    return undefined;
  }

  private onApplied(settings: Settings): void {
    this.settings = settings;
    this.log.level = settings.log.level;
    this.own.set('sessions_limit', settings.sessions.totalMax);
    this.checkDescriptors(settings);
    this.warn(settings);
  }

  private warn({ warnings }: Settings): void {
    for (const warning of warnings)
      logEvent(this.log, 'settings-doubtful', { at: printPlace(warning), problem: warning.message });
  }

  private onAdminRefused({ cause, host }: AdminRefusal, client: string | undefined): void {
    this.own.count('admin_requests_refused_total', cause);
    const unwritten = this.adminRefusals.take(performance.now());
    if (unwritten !== undefined) logEvent(this.log, 'admin-refused', { cause, host, client, unwritten });
  }

  private readiness(): Readiness {
    if (this.service !== 'ready') return { ok: false, reason: this.service };
    const problem = this.reloading.outOfStep;
    return problem === undefined ? done : { ok: false, reason: `settings are not in step: ${problem}` };
  }

  /** An engine comes round its loop at least once a second; one that has not for long is stuck. */
  private health(): Readiness {
    const nowSeconds = Date.now() / 1000;
    const stuck = this.tallies.findIndex((tally) => nowSeconds - tally.read('engine_last_turn_seconds') > stuckSeconds);
    return stuck < 0
      ? done
      : { ok: false, reason: `engine ${stuck} has not come round its loop for ${stuckSeconds} s` };
  }

  private checkDescriptors(settings: Settings): void {
    const wanted = settings.sessions.totalMax * descriptorsPerSession + 256;
    const have = raiseDescriptorLimit(wanted);
    if (have >= wanted) return;
    logEvent(this.log, 'descriptors-short', { descriptors: have, wanted });
  }
}

function shownCertificates({ listeners }: Settings): readonly ShownCertificate[] {
  return listeners.flatMap(({ name, tls: { client } }) =>
    isTerminated(client)
      ? client.certificates.map(({ subject, notAfterMs }) => ({ listener: name, subject, notAfterMs }))
      : [],
  );
}

const stoppedEarly = 'told to stop before it was ready';
