// How does a folder look on the data connection? As `ls -l` for LIST, bare names for NLST, facts for MLSD and MLST
// (RFC 3659 §7). Names are written octet for octet; times are UTC.

import { Buffer } from 'node:buffer';
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';

export interface SampleEntry {
  /** Octets as latin1. */
  readonly name: string;
  readonly stats: Stats;
}

/** The entries of a folder in order of their names; one that vanishes meanwhile is left out. */
export async function readSampleFolder(real: Buffer): Promise<SampleEntry[]> {
  const entries: SampleEntry[] = [];
  const names = (await readdir(real, { encoding: 'buffer' })).map((name) => name.toString('latin1'));
  for (const name of names.sort()) {
    const stats = await lstat(Buffer.concat([real, Buffer.from(`/${name}`, 'latin1')])).catch(() => undefined);
    if (stats) entries.push({ name, stats });
  }
  return entries;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** One line of LIST, as `ls -l` writes it: clients have parsed that for forty years, lftp and ncftp among them. */
export function listLine({ name, stats }: SampleEntry): string {
  const rights = stats.isDirectory() ? 'drwxr-xr-x' : '-rw-r--r--';
  const time = stats.mtime;
  const day = String(time.getUTCDate()).padStart(2);
  const clock = `${twoDigits(time.getUTCHours())}:${twoDigits(time.getUTCMinutes())}`;
  const size = String(stats.size).padStart(12);
  return `${rights} 1 ftp      ftp      ${size} ${months[time.getUTCMonth()]} ${day} ${clock} ${name}\r\n`;
}

/** `facts name` without a line end (RFC 3659 §7.2: one blank between the two, so names may begin with blanks). */
export function factLine({ name, stats }: SampleEntry): string {
  const type = stats.isDirectory() ? 'dir' : 'file';
  const size = stats.isDirectory() ? '' : `size=${stats.size};`;
  return `type=${type};${size}modify=${ftpTime(stats.mtime)}; ${name}`;
}

/** RFC 3659 §2.3: time-val = YYYYMMDDHHMMSS, always UTC. */
export function ftpTime(time: Date): string {
  return time.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
