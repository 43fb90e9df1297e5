// What waits to be sent on one control leg. Everything that one turn produced leaves in one send, in order; what the
// kernel does not take waits, and `isFull` tells the owner to read nothing that could add to it.
// Must not break: the bound holds here, whoever fills the queue. Beyond it nothing is taken any more and `hasOverflown`
// says so: octets left out of a control connection cannot be made good, so its session has to end.

import { FAILED, type Stream, WOULD_BLOCK } from '../sys/stream.ts';

/** Above this nothing is read that could add to it; what is being read then may still be added. */
const fullOctets = 16_384;

/** What one send takes at most; one for all legs of the thread. */
const sendBuffer = new Uint8Array(16_384);

/** What becomes of the connection when the queue is empty. */
type Afterwards = 'stay' | 'end-writing' | 'close';

export class OutQueue {
  private readonly octetsMax: number;
  /** What this turn has produced. */
  private parts: Uint8Array[] = noParts;
  /**
   * What the kernel did not take, before all parts: together, because thousands of short lines cost ten times their
   * octets.
   */
  private held: Uint8Array = nothing;
  private heldFrom = 0;
  private heldTo = 0;
  private octets = 0;
  private afterwards: Afterwards = 'stay';
  private writable: 'no' | 'yes' = 'yes';
  private room: 'enough' | 'overflown' = 'enough';

  /** @param additionMax What may be added at once to a queue that is just not full. */
  constructor(additionMax: number) {
    this.octetsMax = 2 * fullOctets + additionMax;
  }

  get isFull(): boolean {
    return this.octets >= fullOctets;
  }

  get isEmpty(): boolean {
    return this.octets === 0;
  }

  get hasOverflown(): boolean {
    return this.room === 'overflown';
  }

  push(octets: Uint8Array): void {
    if (this.room === 'overflown' || this.octets + octets.length > this.octetsMax) {
      this.room = 'overflown';
      return;
    }
    this.octets += octets.length;
    if (this.writable === 'no') this.hold(octets);
    else if (this.parts === noParts) this.parts = [octets];
    else this.parts.push(octets);
  }

  /**
   * Sends at once with the last octet urgent, if everything before it could leave; otherwise it goes as plain octets.
   */
  pushUrgent(octets: Uint8Array, socket: Stream): void {
    this.flush(socket);
    const sent = this.octets === 0 && this.writable === 'yes' ? socket.sendUrgent(octets) : WOULD_BLOCK;
    if (sent >= 0 && sent < octets.length) this.push(octets.subarray(sent));
    if (sent === WOULD_BLOCK) this.push(octets);
  }

  /** Ends our direction once the queue is empty. */
  endWritingWhenSent(): void {
    if (this.afterwards === 'stay') this.afterwards = 'end-writing';
  }

  /** Closes once the queue is empty. */
  closeWhenSent(): void {
    this.afterwards = 'close';
  }

  /** The kernel takes octets again: the next flush will try. */
  onWritable(): void {
    this.writable = 'yes';
  }

  flush(socket: Stream): void {
    while (this.octets > 0 && this.writable === 'yes') {
      const length = this.gather();
      const sent = socket.send(sendBuffer, length);
      if (sent === FAILED) {
        // The reading side learns of the broken connection and says so; nothing can be delivered any more.
        this.clear();
        break;
      }
      this.drop(Math.max(sent, 0));
      if (sent < length) this.block();
    }
    if (this.octets === 0) this.finish(socket);
  }

  /** Copies as much as fits into the send buffer: lines are short, one copy is cheaper than one call for each. */
  private gather(): number {
    let length = Math.min(this.heldTo - this.heldFrom, sendBuffer.length);
    if (length > 0) sendBuffer.set(this.held.subarray(this.heldFrom, this.heldFrom + length));
    for (const part of this.parts) {
      const fitting = part.length <= sendBuffer.length - length ? part : part.subarray(0, sendBuffer.length - length);
      sendBuffer.set(fitting, length);
      length += fitting.length;
      if (fitting !== part) break;
    }
    return length;
  }

  private drop(sent: number): void {
    this.octets -= sent;
    if (this.octets === 0) {
      this.clear();
      return;
    }
    const ofHeld = Math.min(sent, this.heldTo - this.heldFrom);
    this.heldFrom += ofHeld;
    let left = sent - ofHeld;
    let whole = 0;
    for (const part of this.parts) {
      if (part.length > left) break;
      left -= part.length;
      whole += 1;
    }
    if (whole > 0) this.parts = this.parts.slice(whole);
    if (left > 0) this.parts[0] = this.parts[0]!.subarray(left);
  }

  private block(): void {
    this.writable = 'no';
    const { parts } = this;
    this.parts = noParts;
    for (const part of parts) this.hold(part);
  }

  /** At the end of what is held; the store grows by doubling, and is moved to its front when that makes room. */
  private hold(octets: Uint8Array): void {
    const before = this.heldTo - this.heldFrom;
    if (this.heldTo + octets.length > this.held.length) {
      const fits = before + octets.length <= this.held.length / 2;
      const store = fits ? this.held : new Uint8Array(Math.max(2 * before, before + octets.length, heldOctetsMin));
      store.set(this.held.subarray(this.heldFrom, this.heldTo));
      this.held = store;
      this.heldFrom = 0;
      this.heldTo = before;
    }
    this.held.set(octets, this.heldTo);
    this.heldTo += octets.length;
  }

  private clear(): void {
    this.parts = noParts;
    this.held = nothing;
    this.heldFrom = 0;
    this.heldTo = 0;
    this.octets = 0;
  }

  private finish(socket: Stream): void {
    const { afterwards } = this;
    if (afterwards === 'stay' || !socket.isOpen) return;
    this.afterwards = 'stay';
    if (afterwards === 'close') socket.close();
    else socket.endWriting();
  }
}

const noParts: Uint8Array[] = [];
const nothing = new Uint8Array(0);
const heldOctetsMin = 1024;
