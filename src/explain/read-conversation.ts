// The text of a conversation from a file: as it is, or by tshark where the file is a capture of packets.
// tshark(1) puts streams together that arrived in any order; that is not ours to do anew.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Result } from '../result.ts';

const octetsMax = 64 * 1024 * 1024;
/** pcap in both orders of octets, with micro- and nanoseconds, and pcapng. */
const captures: ReadonlySet<string> = new Set(['d4c3b2a1', 'a1b2c3d4', '4d3cb2a1', 'a1b23c4d', '0a0d0d0a']);

export function readConversation(file: string): Result<string, string> {
  try {
    if (captures.has(firstOctets(file))) return followed(file);
    return { ok: true, value: readFileSync(file, 'latin1') };
  } catch (error) {
    return { ok: false, reason: `${file}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function firstOctets(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const octets = Buffer.alloc(4);
    readSync(fd, octets, 0, 4, 0);
    return octets.toString('hex');
  } finally {
    closeSync(fd);
  }
}

/** What is FTP to tshark by its port, or begins with `220 ` or `220-`. */
const control = 'ftp || tcp.payload[0:4] == 32:32:30:20 || tcp.payload[0:4] == 32:32:30:2d';

/** The first control connection in the capture. */
function followed(file: string): Result<string, string> {
  const streams = tshark(['-r', file, '-Y', control, '-T', 'fields', '-e', 'tcp.stream']);
  if (!streams.ok) return streams;
  const [stream] = streams.value.split('\n');
  if (stream === undefined || stream === '')
    return { ok: false, reason: `${file}: no FTP control connection is in it` };
  return tshark(['-r', file, '-q', '-z', `follow,tcp,ascii,${stream}`]);
}

function tshark(words: readonly string[]): Result<string, string> {
  const { status, stdout, stderr, error } = spawnSync('tshark', words, { encoding: 'latin1', maxBuffer: octetsMax });
  if (error !== undefined) {
    return { ok: false, reason: `a capture is read by tshark, which cannot be run (${error.message}); install it` };
  }
  return status === 0 ? { ok: true, value: stdout } : { ok: false, reason: `tshark: ${stderr.trim()}` };
}
