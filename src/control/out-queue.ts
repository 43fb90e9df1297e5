// What waits to be sent on one control leg. Everything that one turn produced leaves in one send, in order; what the kernel
// does not take waits, and `isFull` tells the other leg to stop reading, so the queue stays bounded.

import { FAILED, type TcpSocket, WOULD_BLOCK } from '../sys/tcp-socket.ts';

/** Above this the other leg is not read; one more chunk of replies may still be added. */
const fullOctets = 65_536;

/** What one send takes at most; one for all legs of the thread. */
const sendBuffer = new Uint8Array(16_384);

/** What becomes of the connection when the queue is empty. */
type Afterwards = 'stay' | 'end-writing' | 'close';

export class OutQueue {
  private parts: Uint8Array[] = noParts;
  private octets = 0;
  private afterwards: Afterwards = 'stay';
  private writable: 'no' | 'yes' = 'yes';

  get isFull(): boolean {
    return this.octets >= fullOctets;
  }

  get isEmpty(): boolean {
    return this.octets === 0;
  }

  push(octets: Uint8Array): void {
    if (this.parts === noParts) this.parts = [octets];
    else this.parts.push(octets);
    this.octets += octets.length;
  }

  /** Sends at once with the last octet urgent, if everything before it could leave; otherwise it goes as plain octets. */
  pushUrgent(octets: Uint8Array, socket: TcpSocket): void {
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

  onWritable(socket: TcpSocket): void {
    this.writable = 'yes';
    this.flush(socket);
  }

  flush(socket: TcpSocket): void {
    while (this.octets > 0 && this.writable === 'yes') {
      const length = this.gather();
      const sent = socket.send(sendBuffer, length);
      if (sent === FAILED) {
        // The reading side learns of the broken connection and says so; nothing can be delivered any more.
        this.clear();
        break;
      }
      if (sent < length) this.writable = 'no';
      this.drop(Math.max(sent, 0));
    }
    if (this.octets === 0) this.finish(socket);
  }

  /** Copies as much as fits into the send buffer: lines are short, one copy is cheaper than one call for each. */
  private gather(): number {
    let length = 0;
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
      this.parts = noParts;
      return;
    }
    let left = sent;
    let whole = 0;
    for (const part of this.parts) {
      if (part.length > left) break;
      left -= part.length;
      whole += 1;
    }
    this.parts = [this.parts[whole]!.subarray(left), ...this.parts.slice(whole + 1)];
  }

  private clear(): void {
    this.parts = noParts;
    this.octets = 0;
  }

  private finish(socket: TcpSocket): void {
    const { afterwards } = this;
    if (afterwards === 'stay' || !socket.isOpen) return;
    this.afterwards = 'stay';
    if (afterwards === 'close') socket.close();
    else socket.endWriting();
  }
}

const noParts: Uint8Array[] = [];
