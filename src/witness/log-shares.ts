// Which lines are written into the log, of all that anybody can cause? A line costs more than what it tells of. So the
// lines of one cause are bounded for each session and each listener, and all lines of one client over time; what is not
// written is counted, and the number is told in one line.

import type { SessionFacts, TurnedAway } from '../control/witness.ts';
import type { EventId } from '../observe/events.ts';
import { LogBudget } from './log-budget.ts';
import { LogRate } from './log-rate.ts';

/** How long the lines of one cause have to do for one listener. */
const doorBudgetMs = 1000;

export interface LogTeller {
  tell(event: EventId, fields: object): void;
  /** One line that is not written. */
  onUnwritten(): void;
}

export class LogShares {
  private readonly teller: LogTeller;
  private readonly ofSessions = new LogBudget<SessionFacts>();
  private readonly ofClients = new LogRate();
  /** Of those who are turned away, by listener: they have no session. */
  private readonly doors = new Map<string, { readonly listener: string }>();
  private readonly ofDoors = new LogBudget<{ readonly listener: string }>();
  private doorsFrom = 0;

  constructor(teller: LogTeller) {
    this.teller = teller;
  }

  /** May a line of this cause be written for this session? */
  ofSession(facts: SessionFacts, cause: string): boolean {
    return this.allowed(this.ofSessions.allows(facts, cause) && this.ofClient(facts));
  }

  /** Nothing more comes of this session. */
  sessionOver(facts: SessionFacts): void {
    for (const { cause, lines } of this.ofSessions.settle(facts)) {
      if (this.allowed(this.ofClient(facts))) this.teller.tell('lines-left-out', { ...facts.fields, cause, lines });
    }
  }

  /** May a line be written for somebody who is turned away? Nobody tells when a storm is over: time does. */
  atDoor(listener: string, why: TurnedAway): boolean {
    const now = Date.now();
    if (now - this.doorsFrom >= doorBudgetMs) {
      this.doorsFrom = now;
      for (const door of this.doors.values()) {
        for (const { cause, lines } of this.ofDoors.settle(door)) {
          this.teller.tell('lines-left-out', { ...door, cause, lines });
        }
      }
    }
    let door = this.doors.get(listener);
    if (door === undefined) {
      door = { listener };
      this.doors.set(listener, door);
    }
    return this.allowed(this.ofDoors.allows(door, why));
  }

  private ofClient({ client, listener }: SessionFacts): boolean {
    const unwritten = this.ofClients.take(client.address, Date.now());
    if (unwritten === undefined) return false;
    if (unwritten > 0) {
      this.teller.tell('client-left-out', { listener, client: client.address.text, lines: unwritten });
    }
    return true;
  }

  private allowed(yes: boolean): boolean {
    if (!yes) this.teller.onUnwritten();
    return yes;
  }
}
