// What the main thread and an engine tell each other: two closed unions, and what an engine is born with.
// Counts need no message: they stand in shared memory.

import type { WayEntry } from '../observe/way-entry.ts';
import type { Settings } from '../settings/settings.ts';

/** Handed over when the thread starts. */
export interface EngineBirth {
  readonly index: number;
  /** How many engines share the listeners and the data ports. */
  readonly count: number;
  readonly settings: Settings;
  /** With which TLS tickets are sealed: the same for all engines, so that sessions resume at any of them. */
  readonly ticketKeys: Uint8Array;
  /** The memory of this engine's tally. */
  readonly tally: SharedArrayBuffer;
  /** The memory of the session quota, the same for all engines. */
  readonly quota: SharedArrayBuffer;
  /** One Int32: how many `log` messages of this engine the main thread has written out. */
  readonly logsTaken: SharedArrayBuffer;
}

export type ToEngine =
  /**
   * Everything that new settings need is to be made ready, while the old ones stay in force; answered by `prepared`.
   */
  | { readonly kind: 'prepare'; readonly change: number; readonly settings: Settings }
  /** What was made ready comes into force for new sessions; answered by `committed`. */
  | { readonly kind: 'commit'; readonly change: number }
  /** What was made ready is given up; no answer. */
  | { readonly kind: 'abandon'; readonly change: number }
  /** Answered by `ways` with the same number. */
  | { readonly kind: 'list-ways'; readonly request: number }
  /** No new sessions; those that exist end when nothing of theirs is under way. */
  | { readonly kind: 'drain' }
  /** The rest ends now, with 421. */
  | { readonly kind: 'end' }
  /** As `end`, and the thread ends without waiting for anybody. */
  | { readonly kind: 'stop' };

export type FromEngine =
  /** The engine's loop runs; writing to this eventfd wakes it. */
  | { readonly kind: 'born'; readonly wakeFd: number }
  /**
   * The change may be committed, or (problem) all is as it was. Change 0 is the engine's birth, which needs no
   * `commit`.
   */
  | { readonly kind: 'prepared'; readonly change: number; readonly problem: string | undefined }
  /** The settings are in force, or (problem) that is not certain. */
  | { readonly kind: 'committed'; readonly change: number; readonly problem: string | undefined }
  /** In no particular order. */
  | { readonly kind: 'ways'; readonly request: number; readonly ways: readonly WayEntry[] }
  /** Whole lines of JSON. */
  | { readonly kind: 'log'; readonly lines: Uint8Array<ArrayBuffer> }
  /** The last session has ended and the engine's thread is about to end. */
  | { readonly kind: 'finished' };
