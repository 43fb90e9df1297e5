// Does this path fit that pattern of a rule?
//
//   /incoming/**      the folder /incoming and everything below it
//   /home/*/keys/?    one segment for a star, one character for a question mark
//   *.exe             without a slash: the last name of the path, wherever that is
//
// Must not break: as wildcard.ts, the work is bounded.

import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { fitsWildcard, type Letters } from './wildcard.ts';

/** From the root on, without `.` and `..`. */
export type Segments = readonly string[];

/** Plain data: it crosses threads. */
export interface PathPattern {
  readonly text: string;
  /** `name`: of the last segment alone. */
  readonly of: 'name' | 'path';
  readonly segments: readonly string[];
}

const anyDepth = '**';

export function parsePathPattern(text: string): Parsed<PathPattern> {
  if (text === '') return unreadable('expected a path, as /incoming/** or *.exe');
  if (!text.includes('/')) {
    return text.includes(anyDepth)
      ? unreadable('expected ** only as a whole segment of a path, as /incoming/**')
      : parsed({ text, of: 'name', segments: [text] });
  }
  if (!text.startsWith('/')) return unreadable('expected a path that begins with /, or a name without any /');
  const segments = text.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return unreadable('expected a path without . and .., which paths are rid of before they are compared');
  if (segments.some((segment) => segment !== anyDepth && segment.includes(anyDepth)))
    return unreadable('expected ** only as a whole segment of a path, as /incoming/**');
  return parsed({ text, of: 'path', segments });
}

export function fitsPath({ of, segments }: PathPattern, path: Segments, letters: Letters): boolean {
  if (of === 'path') return fitsSegments(segments, path, letters);
  const name = path.at(-1);
  return name !== undefined && fitsWildcard(segments[0]!, name, letters);
}

/** As in wildcard.ts, with segments for characters and `**` for the star. */
function fitsSegments(pattern: readonly string[], path: Segments, letters: Letters): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let index = 0; index < path.length; ) {
    const wanted = pattern[at];
    if (wanted === anyDepth) {
      star = at;
      resume = index;
      at += 1;
    } else if (wanted !== undefined && fitsWildcard(wanted, path[index]!, letters)) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      resume += 1;
      index = resume;
      at = star + 1;
    } else return false;
  }
  while (pattern[at] === anyDepth) at += 1;
  return at === pattern.length;
}
