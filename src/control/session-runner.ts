// One session in motion: events go through the core, and what follows is performed, one action after another, in order.
// Law: an action that has an answer is answered before the next one is performed, so an opened way is known before
// anything else can happen. Nothing here knows sockets: tests run sessions by the same steps as the gateway does.

import type { Action } from '../session/action.ts';
import { advance } from '../session/advance.ts';
import type { SessionEvent } from '../session/event.ts';
import type { Session, Step } from '../session/session.ts';

/** Carries out an action; gives the event that answers it, where there is one. */
export type Performer = (action: Action) => SessionEvent | undefined;

export class SessionRunner {
  session: Session;
  private readonly perform: Performer;

  constructor(session: Session, perform: Performer) {
    this.session = session;
    this.perform = perform;
  }

  dispatch(event: SessionEvent, nowMs: number): void {
    const step = this.advance(event, nowMs);
    this.session = step.session;
    for (const action of step.actions) {
      const answer = this.perform(action);
      if (answer !== undefined) this.dispatch(answer, nowMs);
    }
  }

  protected advance(event: SessionEvent, nowMs: number): Step {
    return advance(this.session, event, nowMs);
  }
}
