// The result of reading something that a peer or an operator wrote: a value, or the reason in words.

import type { Result } from '../result.ts';

export type Parsed<T> = Result<T, string>;

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function unreadable(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
