// Have these files changed? Asked every few seconds, by what the path leads to at that moment: certbot and Kubernetes
// put new files beside the old ones and change a symbolic link, of which inotify on the file would hear nothing.
// Must not break: a certificate and its key are written one after the other, so nothing is told before a look has found
// them as the look before did.

import { type BigIntStats, statSync } from 'node:fs';

export class FileWatch {
  private readonly files: () => readonly string[];
  private readonly onChanged: () => void;
  /** What was there at the last look, and when `onChanged` was called last. */
  private seen: string | undefined;
  private told: string | undefined;

  /** @param onChanged Also called after the first looks: the files may have changed since somebody read them. */
  constructor(files: () => readonly string[], onChanged: () => void) {
    this.files = files;
    this.onChanged = onChanged;
  }

  look(): void {
    const now = this.files().map(traceOf).join('\n');
    const isSettled = now === this.seen;
    this.seen = now;
    if (!isSettled || now === this.told) return;
    this.told = now;
    if (now !== '') this.onChanged();
  }
}

/** Other for another file, and for the same one written anew. */
function traceOf(path: string): string {
  let stats: BigIntStats | undefined;
  try {
    stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // Not to be had, for whatever reason; whoever reads it says why.
  }
  return stats === undefined ? `${path} -` : `${path} ${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeNs}`;
}
