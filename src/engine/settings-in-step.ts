// How do all parts of the gateway come to new settings together? First every engine makes ready what they need, and
// only when each can, they change: until then nothing has to be rolled back. Must not break: an engine that dies or
// hangs holds nobody up, and whoever has not taken what the others have is told, and stays told, until it has.

import type { Settings } from '../settings/settings.ts';

/** An engine, as far as it changes its settings. */
export interface ChangingEngine {
  readonly index: number;
  /** Resolves to undefined when all is ready, or to the sentence why it cannot be. */
  prepare(change: number, settings: Settings): Promise<string | undefined>;
  /** Resolves to undefined when the settings are in force, or to the sentence why that is not certain. */
  commit(change: number): Promise<string | undefined>;
  abandon(change: number): void;
}

/** A part of the gateway that goes by other settings than the rest. */
export interface OutOfStep {
  readonly part: string;
  readonly problem: string;
}

// An engine answers within a turn of its loop. One that does not within this is stuck, and /healthz says so at the same
// time.
const answerMs = 10_000;

export class SettingsInStep {
  private readonly engines: () => readonly ChangingEngine[];
  private readonly onChanged: () => void;
  private readonly boundMs: number;
  private change = 0;
  /** The change that all are meant to have taken. */
  private inForce = 0;
  private readonly behind = new Map<string, string>();

  /** `onChanged` is called when a part has fallen out of step, or is in step again. */
  constructor(engines: () => readonly ChangingEngine[], onChanged: () => void, boundMs: number = answerMs) {
    this.engines = engines;
    this.onChanged = onChanged;
    this.boundMs = boundMs;
  }

  /** Empty while all go by the same settings. */
  get outOfStep(): readonly OutOfStep[] {
    return [...this.behind].map(([part, problem]) => ({ part, problem }));
  }

  /** Undefined once every engine can change, or the sentence why one cannot; then none has changed. */
  async prepare(settings: Settings): Promise<string | undefined> {
    this.change += 1;
    const { change } = this;
    // One after another, because the first one looks for other programs on the ports before the rest of us are there.
    for (const engine of this.engines()) {
      const late = `engine ${engine.index} did not answer within ${this.boundMs / 1000} s`;
      const problem = await this.answerOf(engine.prepare(change, settings), late);
      if (problem === undefined) continue;
      this.abandon();
      return problem;
    }
    return undefined;
  }

  abandon(): void {
    for (const engine of this.engines()) engine.abandon(this.change);
  }

  /** Resolves when every engine has changed, or is known not to have; `outOfStep` then says which. */
  async commit(): Promise<void> {
    const { change } = this;
    this.inForce = change;
    const late = `has not answered within ${this.boundMs / 1000} s whether it took the settings`;
    await Promise.all(
      this.engines().map(async (engine) => {
        const part = `engine ${engine.index}`;
        const committed = engine.commit(change);
        // Late or not, what it says in the end is what holds, unless a later change has gone over it.
        void committed.then((problem) => {
          if (change === this.inForce) this.mark(part, problem);
        });
        const problem = await this.answerOf(committed, late);
        if (problem === late) this.mark(part, problem);
      }),
    );
  }

  /** Says of a part that it is in step, or why not. */
  mark(part: string, problem: string | undefined): void {
    if (this.behind.get(part) === problem) return;
    if (problem === undefined) this.behind.delete(part);
    else this.behind.set(part, problem);
    this.onChanged();
  }

  private async answerOf(answer: Promise<string | undefined>, late: string): Promise<string | undefined> {
    let bound: NodeJS.Timeout | undefined;
    const passed = new Promise<string>((resolve) => {
      bound = setTimeout(() => resolve(late), this.boundMs);
    });
    const first = await Promise.race([answer, passed]);
    clearTimeout(bound);
    return first;
  }
}
