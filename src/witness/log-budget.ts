// How many lines may one session, or one listener, write into the log for one cause? A line costs more than what it
// tells of, and whoever can cause it can cause a million. The first ones tell all there is to know; the others are
// counted, and the number is told once.

/** For one cause of one source: more than an honest client ever needs, and enough to see each attempt of a person's. */
const linesMax = 50;

/** What was not written. */
export interface Unwritten {
  readonly cause: string;
  readonly lines: number;
}

export class LogBudget<Source extends object> {
  private readonly written = new Map<Source, Map<string, number>>();

  /** May one more line be written? If not, it is counted. */
  allows(source: Source, cause: string): boolean {
    let causes = this.written.get(source);
    if (causes === undefined) {
      causes = new Map();
      this.written.set(source, causes);
    }
    const lines = (causes.get(cause) ?? 0) + 1;
    causes.set(cause, lines);
    return lines <= linesMax;
  }

  /** Nothing more comes of this source, or its budget begins anew: what of it was not written. */
  settle(source: Source): readonly Unwritten[] {
    const causes = this.written.get(source);
    if (causes === undefined) return nothing;
    this.written.delete(source);
    const unwritten: Unwritten[] = [];
    for (const [cause, lines] of causes) if (lines > linesMax) unwritten.push({ cause, lines: lines - linesMax });
    return unwritten;
  }
}

const nothing: readonly Unwritten[] = [];
