// How does a running gateway come to new settings? The file is read, all parts make ready what it needs, and then they
// change: all or nothing. Must not break: whatever happens on the way, the gateway goes on, and the log, /readyz and
// the metrics say by which settings; what was taken down for good is not put up again.

import { printEndpoint } from './address/endpoint.ts';
import { socketsMeet } from './address/meeting.ts';
import { type ChangingEngine, SettingsInStep } from './engine/settings-in-step.ts';
import { type EventId, type EventLog, logEvent } from './observe/events.ts';
import type { Tally } from './observe/tally.ts';
import type { Perimeter } from './perimeter/perimeter.ts';
import { done, type Result } from './result.ts';
import { changeable } from './settings/changeable.ts';
import { renewTls } from './settings/renew-tls.ts';
import type { KernelSettings, Settings } from './settings/settings.ts';
import { printProblem } from './yaml/problem.ts';

/** What went wrong, in one sentence for the operator. */
export type Outcome = Result<undefined, string>;

/** The settings file as it is now, or what is wrong with it. */
export type ReadSettings = () => Result<Settings, string>;

export interface ReloadingParts {
  readonly engines: () => readonly ChangingEngine[];
  readonly perimeter: Pick<Perimeter, 'apply' | 'kernelSettings'>;
  readonly inForce: () => Settings;
  /** False before the start is over, and from the first signal to end on. */
  readonly isServing: () => boolean;
  /** The engines and the table have them. */
  readonly onApplied: (settings: Settings) => void;
  readonly log: EventLog;
  readonly tally: Tally;
}

/** Where the new settings come from, and what the log says of them. */
interface Wanted {
  /** Undefined where nothing has changed. */
  readonly read: () => Result<Settings | undefined, string>;
  readonly applied: EventId;
  readonly refused: EventId;
}

const ofFile = { applied: 'settings-reloaded', refused: 'settings-refused' } as const;
const ofCertificates = { applied: 'certificates-renewed', refused: 'certificates-refused' } as const;

const goingDown = 'the gateway is going down';
const tablePart = 'nftables table';

export class Reloading {
  private readonly parts: ReloadingParts;
  private readonly inStep: SettingsInStep;
  private last: Promise<unknown> = Promise.resolve();
  /**
   * Asked for and not begun: it will read the file when its turn comes, so that whoever asks meanwhile has asked for
   * it.
   */
  private waiting: { wanted: Wanted; readonly outcome: Promise<Outcome> } | undefined;
  /** What the last transparent listeners had: engines keep its name and marks. */
  private kernelInUse: KernelSettings | undefined;

  constructor(parts: ReloadingParts) {
    this.parts = parts;
    this.inStep = new SettingsInStep(parts.engines, () => this.onStepChanged());
    parts.tally.set('settings_in_step', 1);
  }

  /** Which part goes by other settings than the rest, and why; undefined while none does. */
  get outOfStep(): string | undefined {
    const { outOfStep } = this.inStep;
    return outOfStep.length === 0 ? undefined : outOfStep.map(({ part, problem }) => `${part}: ${problem}`).join('; ');
  }

  /** Nothing is reloaded before this is over. */
  after(start: Promise<unknown>): void {
    this.last = start;
  }

  /** The file is read when the reloads before have been dealt with, so that of many in a row the last one holds. */
  ask(read: ReadSettings): Promise<Outcome> {
    const wanted: Wanted = { read, ...ofFile };
    if (this.waiting === undefined) return this.enqueue(wanted);
    this.waiting.wanted = wanted;
    return this.waiting.outcome;
  }

  /** Certificates and keys are read again, and the settings file is not. */
  renew(): Promise<Outcome> {
    // What waits reads them too.
    return this.waiting?.outcome ?? this.enqueue({ read: () => this.renewed(), ...ofCertificates });
  }

  private enqueue(first: Wanted): Promise<Outcome> {
    const outcome = this.last.then(() => {
      const wanted = this.waiting?.wanted ?? first;
      this.waiting = undefined;
      return this.reload(wanted).catch((error: unknown) => {
        this.inStep.abandon();
        return this.refuse(this.mistake(error), wanted);
      });
    });
    this.waiting = { wanted: first, outcome };
    this.last = outcome;
    return outcome;
  }

  /** What cannot be used is told, and does not keep the rest from being renewed. */
  private renewed(): Result<Settings | undefined, string> {
    const { settings, problems } = renewTls(this.parts.inForce());
    if (problems.length === 0) return { ok: true, value: settings };
    const problem = problems.map(printProblem).join('; ');
    if (settings === undefined) return { ok: false, reason: problem };
    this.refuse(problem, { refused: 'certificates-refused-in-part' });
    return { ok: true, value: settings };
  }

  private async reload(wanted: Wanted): Promise<Outcome> {
    if (!this.parts.isServing()) return this.refuse(goingDown, wanted);
    const asked = wanted.read();
    if (!asked.ok) return this.refuse(asked.reason, wanted);
    const { perimeter, inForce, log } = this.parts;
    if (asked.value === undefined) return done;
    this.kernelInUse = kernelOf(inForce()) ?? this.kernelInUse;
    const kernel = perimeter.kernelSettings(this.withKernelInUse(asked.value.kernel));
    const { settings, fixed } = changeable(asked.value, inForce(), kernel);
    const problem =
      this.adminInTheWay(settings) ?? (await this.inStep.prepare(settings)) ?? this.changePerimeter(settings);
    if (problem !== undefined) {
      this.inStep.abandon();
      return this.refuse(problem, wanted);
    }
    await this.inStep.commit();
    this.parts.onApplied(settings);
    for (const setting of fixed) logEvent(log, 'setting-needs-restart', { setting });
    return this.tell(this.outOfStep, wanted);
  }

  private tell(problem: string | undefined, { applied }: Wanted): Outcome {
    const { log, tally } = this.parts;
    tally.count('settings_reload_total', problem === undefined ? 'applied' : 'incomplete');
    if (problem === undefined) {
      logEvent(log, applied);
      return done;
    }
    logEvent(log, 'settings-incomplete', { problem });
    return { ok: false, reason: problem };
  }

  private refuse(problem: string, { refused }: Pick<Wanted, 'refused'>): Outcome {
    this.parts.tally.count('settings_reload_total', 'refused');
    logEvent(this.parts.log, refused, { problem });
    return { ok: false, reason: problem };
  }

  private mistake(error: unknown): string {
    this.parts.tally.count('internal_errors_total');
    logEvent(this.parts.log, 'internal-error', { err: error });
    return `internal error: ${error instanceof Error ? error.message : String(error)}`;
  }

  /** The admin server stays where it is, also where the file has another place for it. */
  private adminInTheWay({ listeners }: Settings): string | undefined {
    const { admin } = this.parts.inForce();
    const taken = listeners.find(({ listen }) => admin !== undefined && socketsMeet(listen, admin.listen));
    if (taken === undefined) return undefined;
    const where = printEndpoint(taken.listen);
    return `listener ${taken.name}: the admin pages have ${where} until the next restart`;
  }

  /** Comes last before the engines change, which are ready then and cannot fail. */
  private changePerimeter(settings: Settings): string | undefined {
    // A signal may have come while the engines made ready.
    if (!this.parts.isServing()) return goingDown;
    try {
      const problem = this.parts.perimeter.apply(settings);
      if (problem === undefined) this.inStep.mark(tablePart, undefined);
      return problem;
    } catch (error) {
      this.restorePerimeter();
      return this.mistake(error);
    }
  }

  private restorePerimeter(): void {
    let problem: string | undefined;
    try {
      problem = this.parts.perimeter.apply(this.parts.inForce());
    } catch (error) {
      problem = this.mistake(error);
    }
    this.inStep.mark(tablePart, problem && `may hold settings that were refused: ${problem}`);
  }

  /**
   * Engines put elements into the table that they began with, also after a time in which no listener was transparent.
   */
  private withKernelInUse(asked: KernelSettings): KernelSettings {
    if (this.kernelInUse === undefined) return asked;
    const { table, divertMark, dataMark } = this.kernelInUse;
    return { ...asked, table, divertMark, dataMark };
  }

  private onStepChanged(): void {
    const { log, tally } = this.parts;
    const { outOfStep } = this.inStep;
    tally.set('settings_in_step', outOfStep.length === 0 ? 1 : 0);
    if (outOfStep.length === 0) logEvent(log, 'in-step-again');
    for (const each of outOfStep) logEvent(log, 'out-of-step', each);
  }
}

/** Undefined where no listener needs the kernel's help. */
function kernelOf({ listeners, kernel }: Settings): KernelSettings | undefined {
  return listeners.some(({ mode }) => mode === 'transparent') ? kernel : undefined;
}
