// Refusals of the client's commands: one reply that a person understands, one record with the reason, one counter.
// The session always lives on: ending it would not stop an attacker and makes retries of the honest worse.

import type { Endpoint } from '../address/endpoint.ts';
import type { Action, BounceKind, RefusalCause } from './action.ts';
import { answerClient, answerInPlace } from './answer.ts';
import type { Session } from './session.ts';

export interface Refusal {
  readonly cause: RefusalCause;
  readonly code: number;
  /** For the client; holds nothing that came from a peer. */
  readonly text: string;
  /** For the log: may name addresses. */
  readonly reason: string;
  readonly verb?: string;
  readonly target?: Endpoint | undefined;
  readonly bounce?: BounceKind | undefined;
  readonly rule?: string;
}

export function refuse(session: Session, refusal: Refusal, out: Action[]): Session {
  recordRefusal(refusal, out);
  return answerClient(session, refusal.code, refusal.text, out);
}

/** The same where a reply of the server's has just come, whose place the refusal takes. */
export function refuseInPlace(session: Session, refusal: Refusal, out: Action[]): Session {
  recordRefusal(refusal, out);
  return answerInPlace(session, refusal.code, refusal.text, out);
}

export function recordRefusal(refusal: Omit<Refusal, 'code' | 'text'>, out: Action[]): void {
  out.push({
    kind: 'record',
    record: {
      kind: 'refusal',
      cause: refusal.cause,
      reason: refusal.reason,
      verb: refusal.verb,
      target: refusal.target,
      bounce: refusal.bounce,
      rule: refusal.rule,
    },
  });
}
