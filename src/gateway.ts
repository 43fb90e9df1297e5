// The gateway as a whole: the one place where parts are built and handed their collaborators.
// Start, reload, drain and stop; what each promises stands at the method. Session traffic never touches this thread.

import { setTimeout as delay } from 'node:timers/promises';
import { printEndpoint } from './address/endpoint.ts';
import { EngineHost } from './engine/engine-host.ts';
import { newQuotaMemory, raiseDescriptorLimit } from './engine/process-wide.ts';
import { dropReasons } from './nftables/drop-reasons.ts';
import { type AdminServer, type Readiness, startAdminServer } from './observe/admin-server.ts';
import { createLog, type Logger } from './observe/log.ts';
import { type LogOutput, openLogOutput } from './observe/log-output.ts';
import { createMetrics } from './observe/metrics.ts';
import type { Tally } from './observe/tally.ts';
import type { WayListing } from './observe/way-entry.ts';
import { packageVersion } from './package-version.ts';
import { Perimeter, type TableKeeping } from './perimeter/perimeter.ts';
import type { Settings } from './settings/settings.ts';
import { newTally } from './witness/verb-tally.ts';

/** What went wrong, in one sentence for the operator. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly problem: string };

type Service = 'starting' | 'ready' | 'draining' | 'stopped';

// A session needs 2 descriptors, a relayed transfer up to 8 (two sockets, two pipes of two ends each, a listener).
const descriptorsPerSession = 6;
// After the bound of the drain: the time that 421s and the last log lines get.
const farewellMs = 12_000;
// How long an operator's `flush ruleset` may leave FTP unread; to ask whether the table is there takes some microseconds.
const glanceMs = 200;
// The same for damage within the table; to look it through takes a millisecond of this thread and more.
const mendingMs = 5_000;
// Once the table has gone, a data connection that was ended could be taken up again: each peer that sends is reset before.
const flowEndingMs = 2_000;
// Longer than any turn of a healthy loop, shorter than a probe's patience.
const stuckSeconds = 10;

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
  private tableState: 'sound' | 'beyond-us' = 'sound';
  private admin: AdminServer | undefined;
  private service: Service = 'starting';
  private reloading: Promise<unknown> = Promise.resolve();
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
  }

  /** Resolves once every listener is bound and the admin pages answer, or with the sentence why not; nothing is left bound then. */
  async start(): Promise<Outcome> {
    this.checkDescriptors();
    const problem = (await this.startAdmin()) ?? this.perimeter.apply(this.settings) ?? (await this.startEngines());
    if (problem !== undefined) {
      await this.stop();
      return { ok: false, problem };
    }
    this.service = 'ready';
    this.mending = setInterval(() => this.mendPerimeter(), mendingMs);
    this.glancing = setInterval(() => this.glanceAtPerimeter(), glanceMs);
    this.own.set('ready', 1);
    this.own.set('engines', this.engines.length);
    this.own.set('sessions_limit', this.settings.sessions.totalMax);
    this.log.info(
      {
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
      },
      'ready',
    );
    return { ok: true };
  }

  /** New settings for new sessions; live ones keep theirs. What cannot change in a running process is named in the log. */
  reload(settings: Settings): Promise<Outcome> {
    // One after another: two that overlap would each take the other's answers for its own.
    const reloaded = this.reloading.then(() => this.reloadAlone(settings));
    this.reloading = reloaded;
    return reloaded;
  }

  private async reloadAlone(asked: Settings): Promise<Outcome> {
    const settings = { ...asked, kernel: this.perimeter.kernelSettings(asked.kernel) };
    // New listeners would let new sessions in.
    if (this.service !== 'ready') return this.refuseReload('the gateway is going down');
    const tableProblem = this.perimeter.apply(settings);
    if (tableProblem !== undefined) return this.refuseReload(tableProblem);
    const done: EngineHost[] = [];
    for (const engine of this.engines) {
      const problem = await engine.configure(settings);
      if (problem !== undefined) {
        for (const changed of done) await changed.configure(this.settings);
        this.perimeter.apply(this.settings);
        return this.refuseReload(problem);
      }
      done.push(engine);
    }
    this.warnOfFixed(asked);
    this.settings = settings;
    this.own.set('sessions_limit', settings.sessions.totalMax);
    this.own.count('settings_reload_total', 'applied');
    this.log.info('settings reloaded; they hold for new sessions');
    return { ok: true };
  }

  /** For a settings file that could not be read: says so and goes on with the old settings. */
  refuseReload(problem: string): Outcome {
    this.own.count('settings_reload_total', 'refused');
    this.log.error({ problem }, 'settings not reloaded; the old ones stay in force');
    return { ok: false, problem };
  }

  /** The data connections of all engines; one that does not answer within its bound is told as missing, not waited for. */
  async listWays(): Promise<WayListing> {
    const answers = await Promise.all(this.engines.map((engine) => engine.listWays()));
    const ways = answers.flatMap((answer) => answer ?? []);
    // Times of one length and form sort as texts; of one moment the session's later way first.
    ways.sort((a, b) => (a.openedAt === b.openedAt ? b.way - a.way : a.openedAt < b.openedAt ? 1 : -1));
    return { ways, missingEngines: answers.filter((answer) => answer === undefined).length };
  }

  /** No new sessions; those under way finish, those that have not by the bound get 421. Resolves when all have ended. */
  async drain(): Promise<void> {
    if (this.service !== 'ready') return;
    this.service = 'draining';
    this.own.set('ready', 0);
    const { drainTimeoutMs } = this.settings.sessions;
    this.log.info({ boundMs: drainTimeoutMs }, 'draining');
    for (const engine of this.engines) engine.drain();
    const ended = Promise.all(this.engines.map((engine) => engine.whenEnded()));
    let cut = false;
    const bound = setTimeout(() => {
      cut = true;
      this.log.warn('the bound of the drain has passed; ending the remaining sessions');
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
    const began = this.service !== 'starting';
    this.service = 'stopped';
    clearInterval(this.mending);
    clearInterval(this.glancing);
    await Promise.all(this.engines.map((engine) => engine.kill()));
    this.perimeter.remove();
    await this.admin?.close();
    if (began) this.log.info('stopped');
    this.output.close();
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
    if (state === 'restored') this.log.warn('the nftables table had gone; it is back, and what waited in it is lost');
    else if (state !== 'sound') this.log.error({ problem: state.problem }, 'control connections may pass unread');
  }

  private async startEngines(): Promise<string | undefined> {
    const { settings } = this;
    const quota = newQuotaMemory();
    for (let index = 0; index < settings.engines; index++) {
      const tally = newTally();
      this.tallies.push(tally);
      const logsTaken = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
      const birth = { index, count: settings.engines, settings, tally: tally.buffer, quota, logsTaken };
      const { host, problem } = await EngineHost.start(birth, {
        log: (lines) => this.output.write(lines),
        died: (engine, error) => this.onEngineDied(engine, error),
      });
      this.engines.push(host);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  private onEngineDied(index: number, error: Error): void {
    this.own.count('internal_errors_total');
    this.log.fatal({ engine: index, err: error }, 'an engine died');
    // Its listeners died with it: a supervisor restarts the whole sooner than half a gateway would be noticed.
    this.onFatal(`engine ${index} died: ${error.message}`);
  }

  private async startAdmin(): Promise<string | undefined> {
    if (this.settings.admin === undefined) return undefined;
    const metrics = createMetrics({ engines: () => this.tallies, own: this.own, version: packageVersion() });
    const started = await startAdminServer({
      listen: this.settings.admin.listen,
      metrics,
      health: () => this.health(),
      readiness: () => (this.service === 'ready' ? { ok: true } : { ok: false, reason: this.service }),
      listWays: () => this.listWays(),
      onError: (error) => this.log.error({ err: error }, 'admin page failed'),
    });
    if (!started.ok) return started.problem.sentence;
    this.admin = started.server;
    return undefined;
  }

  /** An engine comes round its loop at least once a second; one that has not for long is stuck. */
  private health(): Readiness {
    const nowSeconds = Date.now() / 1000;
    const stuck = this.tallies.findIndex((tally) => nowSeconds - tally.read('engine_last_turn_seconds') > stuckSeconds);
    return stuck < 0
      ? { ok: true }
      : { ok: false, reason: `engine ${stuck} has not come round its loop for ${stuckSeconds} s` };
  }

  private checkDescriptors(): void {
    const wanted = this.settings.sessions.totalMax * descriptorsPerSession + 256;
    const have = raiseDescriptorLimit(wanted);
    if (have >= wanted) return;
    this.log.warn(
      { descriptors: have, wanted },
      'fewer file descriptors than sessions.max may need; ' +
        'raise the limit (ulimit -n, systemd LimitNOFILE) or lower sessions.max',
    );
  }

  private warnOfFixed(settings: Settings): void {
    const fixed: readonly (readonly [string, unknown, unknown])[] = [
      ['engines', settings.engines, this.settings.engines],
      ['admin', settings.admin, this.settings.admin],
      ['kernel', this.perimeter.kernelSettings(settings.kernel), settings.kernel],
    ];
    for (const [setting, now, wanted] of fixed) {
      if (JSON.stringify(now) !== JSON.stringify(wanted)) {
        this.log.warn({ setting }, 'this setting changes only with a restart');
      }
    }
  }
}
