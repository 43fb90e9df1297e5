// What does this file say, or why can it not be read? In a sentence that names the way out.
// Must not break: whatever stands under the path, a folder or an endless device, costs bounded memory and no exception.

import { closeSync, openSync, readSync } from 'node:fs';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';

// A thousand listeners with comments fit; what is larger was not written by hand.
const octetsMax = 1_048_576;

/** The text of a UTF-8 file. A reason completes "the file …". */
export function readTextFile(path: string): Parsed<string> {
  const octets = readFileOctets(path);
  if (!octets.ok) return octets;
  try {
    return parsed(new TextDecoder('utf-8', { fatal: true }).decode(octets.value));
  } catch {
    return unreadable('is not UTF-8 text; check that this is the right file, or save it as UTF-8');
  }
}

/** The octets of a file. A reason completes "the file …". */
export function readFileOctets(path: string): Parsed<Buffer> {
  let octets: Buffer;
  try {
    octets = readOctets(path);
  } catch (error) {
    return unreadable(sentenceFor((error as NodeJS.ErrnoException).code));
  }
  if (octets.length > octetsMax) return unreadable('is larger than 1 MiB; check that this is the right file');
  return parsed(octets);
}

function readOctets(path: string): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const octets = Buffer.alloc(octetsMax + 1);
    let length = 0;
    while (length < octets.length) {
      const read = readSync(descriptor, octets, length, octets.length - length, null);
      if (read === 0) break;
      length += read;
    }
    return octets.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function sentenceFor(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'does not exist; check the path';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read by this user; change its owner or mode';
    case 'EISDIR':
      return 'is a folder; name the file in it';
    default:
      return `cannot be read (${code ?? 'the path is not valid'}); check the path`;
  }
}
