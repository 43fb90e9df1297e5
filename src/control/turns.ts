// Whose work is done next in this engine? A session does a small share at once when its sockets speak; what is left
// over waits in line, and of the line only so much is done before the sockets are asked again. So one command of a
// quiet session never waits behind the flood of others, however many they are. Guests, who have not logged in, have a
// line and a share of their own, because anybody can be one. Counted in units of work (lines, actions, reads), not in
// octets: 16 KiB can be one line or sixteen thousand.

import type { Poller } from '../sys/poller.ts';
import { Discards } from './discards.ts';

/** `guest`: not logged in, or already sent away. */
export type Standing = 'guest' | 'known';

export interface Worker {
  /** Goes on with what was left over, or could not begin; its share is whole again. */
  goOn(): void;
}

// A login is some 30 units in four steps, a command and its reply some 6. A unit takes some microseconds.
export const shareUnits: Readonly<Record<Standing, number>> = { guest: 16, known: 64 };
// What all guests together may begin in one turn before others must wait in line. A login of 16 at once fits in.
const guestUnitsPerTurn = 512;
// What is done of each line in one turn. Where guests stand in line somebody presses, and it is one of them a turn.
const unitsInLine: Readonly<Record<Standing, number>> = { guest: 1, known: 64 };
/** To accept, to dial and to set up a session takes as long as so many units of a session's work. */
export const beginUnits = 64;
// A worker without work costs something too.
const unitsLeast = 4;

export class Turns {
  /** Which turn this is: shares are whole again with the next. */
  number = 0;
  private readonly poller: Poller;
  private readonly discards: Discards;
  private readonly lines = { guest: new Line(), known: new Line() };
  private guestUnits = guestUnitsPerTurn;
  private spent = 0;
  private serving: 'planned' | 'unplanned' = 'unplanned';

  constructor(poller: Poller) {
    this.poller = poller;
    this.discards = new Discards(poller.nowMs);
    poller.atAwake(() => {
      this.number += 1;
      this.guestUnits = guestUnitsPerTurn;
    });
  }

  /** May it begin at once? If not, it has to line up. */
  admits(standing: Standing): boolean {
    return standing === 'known' || (this.guestUnits > 0 && this.lines.guest.isEmpty);
  }

  spend(standing: Standing, units: number): void {
    this.spent += units;
    if (standing === 'guest') this.guestUnits -= units;
  }

  /** May one more read be made of a client that has been sent away? It counts as made. */
  mayDiscard(): boolean {
    return this.discards.take(this.poller.nowMs);
  }

  /** Each worker stands in line once at most; it sees to that itself. */
  lineUp(worker: Worker, standing: Standing): void {
    this.lines[standing].add(worker);
    this.planServing();
  }

  private planServing(): void {
    if (this.serving === 'planned') return;
    this.serving = 'planned';
    this.poller.defer(this.serve);
  }

  private readonly serve = (): void => {
    this.serving = 'unplanned';
    this.serveLine('known');
    // One connection that begins takes as long as some others' steps: who arrives meanwhile waits for one of them only.
    if (this.guestUnits > guestUnitsPerTurn - beginUnits) this.serveLine('guest');
    if (!this.lines.known.isEmpty || !this.lines.guest.isEmpty) this.planServing();
  };

  private serveLine(standing: Standing): void {
    const line = this.lines[standing];
    let left = unitsInLine[standing];
    // Whoever lines up meanwhile has its turn in the next round: one that always has more must not be served twice.
    for (let waiting = line.length; waiting > 0 && left > 0; waiting--) {
      const before = this.spent;
      line.take()?.goOn();
      left -= Math.max(unitsLeast, this.spent - before);
    }
  }
}

/** First come, first served. */
class Line {
  private workers: (Worker | undefined)[] = [];
  private first = 0;

  get length(): number {
    return this.workers.length - this.first;
  }

  get isEmpty(): boolean {
    return this.workers.length === this.first;
  }

  add(worker: Worker): void {
    this.workers.push(worker);
  }

  take(): Worker | undefined {
    const worker = this.workers[this.first];
    this.workers[this.first] = undefined;
    this.first += 1;
    // Moved together when half of it is empty: each then pays for one move.
    if (this.first * 2 > this.workers.length) {
      this.workers = this.workers.slice(this.first);
      this.first = 0;
    }
    return worker;
  }
}
