// Did it work, and if not, why? The one shape of an answer to that, for whatever may go wrong without being our own
// mistake: bad input, a peer, the world. A value with a reason and never an exception, so that every caller has to say
// what it does about it.

export type Result<T, Reason> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: Reason };

/** What has been done and has no value to give. */
export const done: Result<undefined, never> = { ok: true, value: undefined };
