// One leg of a control connection: lines in, octets out, with back-pressure both ways and a bound on what waits.
// Lines are handed on one at a time while the owner wants them; nothing is read beyond one chunk before that.

import { type Pollable, Ready } from '../sys/poller.ts';
import { type TcpSocket, WOULD_BLOCK } from '../sys/tcp-socket.ts';
import { type ControlLine, LineSplitter } from '../wire/line-splitter.ts';
import { OutQueue } from './out-queue.ts';

export interface LegOwner {
  wantsLine(leg: ControlLeg): boolean;
  onLine(leg: ControlLeg, line: ControlLine): void;
  /** After the last line: the peer has ended its direction, or the connection broke. */
  onLegEnded(leg: ControlLeg, how: 'end' | 'reset', reason: string): void;
  onConnected(leg: ControlLeg): void;
  onUnreachable(leg: ControlLeg, reason: string): void;
  /** Everything that an event of this leg led to has been done: time to flush. */
  settle(): void;
  /** Runs a step of the session so that a mistake of ours ends this session only. */
  guarded(step: () => void): void;
  countOctets(leg: ControlLeg, octets: number): void;
}

// One read: more than any line, small enough that 10,000 sessions that all have one waiting stay within 160 MiB.
const readBuffer = new Uint8Array(16_384);
// 256 KiB, some 0.1 ms: a client that floods without ever ending a line must not keep the other sessions waiting.
const chunksPerPull = 16;
const endOrError = Ready.peerShutdown | Ready.error | Ready.hangUp;
const noLines: readonly ControlLine[] = [];

/** `discarding`: the session is done with this leg; what still comes is read only so that closing does not reset it. */
type Reading = 'dialling' | 'open' | 'ended' | 'told' | 'discarding' | 'closed';

// The read buffer is everyone's, and lines are views of what they came in. A store of its own for every read would keep the
// garbage collector busy, so many share one; it is small, because the shortest line keeps the whole of it alive.
const storeOctets = 8192;
let store = new Uint8Array(storeOctets);
let storeUsed = 0;

/** The first octets of the read buffer, for good. */
function kept(count: number): Uint8Array {
  if (count > storeOctets / 2) return readBuffer.slice(0, count);
  if (count > storeOctets - storeUsed) {
    store = new Uint8Array(storeOctets);
    storeUsed = 0;
  }
  const octets = new Uint8Array(store.buffer, storeUsed, count);
  storeUsed += count;
  // A line has some 40 octets: fewer than would pay for a view of the read buffer to copy from.
  for (let index = 0; index < count; index += 1) octets[index] = readBuffer[index]!;
  return octets;
}

export class ControlLeg implements Pollable {
  readonly side: 'client' | 'server';
  private readonly owner: LegOwner;
  private readonly splitter: LineSplitter;
  readonly out: OutQueue;
  socket: TcpSocket | undefined;
  private reading: Reading;
  private lines: readonly ControlLine[] = noLines;
  private nextLine = 0;
  private how: 'end' | 'reset' = 'end';
  private reason = '';
  private share: 'left' | 'used-up' = 'left';
  /** `to-the-end`: the peer has ended its direction or marked an octet urgent, so a short read is not the last word. */
  private readable: 'no' | 'yes' | 'to-the-end' = 'no';

  constructor(side: 'client' | 'server', owner: LegOwner, lineOctetsMax: number, reading: 'dialling' | 'open') {
    this.side = side;
    this.owner = owner;
    this.splitter = new LineSplitter(lineOctetsMax);
    this.out = new OutQueue();
    this.reading = reading;
  }

  onReady(events: number): void {
    const { socket } = this;
    if (socket === undefined) return;
    this.owner.guarded(() => {
      if (this.reading === 'dialling') this.finishDial(socket, events);
      else {
        if ((events & Ready.out) !== 0) this.out.onWritable(socket);
        if ((events & (endOrError | Ready.priority)) !== 0) this.readable = 'to-the-end';
        else if ((events & ~Ready.out) !== 0) this.readable = 'yes';
        this.pull();
      }
      this.owner.settle();
    });
  }

  /** The last pull used up its share and there may be more: no event will say so, another pull must. */
  get isUnfinished(): boolean {
    return this.share === 'used-up';
  }

  /** Hands on lines, and reads more, as long as the owner wants them and the share of this pull lasts. */
  pull(): void {
    this.share = 'left';
    for (let chunks = 0; ; chunks++) {
      while (this.nextLine < this.lines.length) {
        if (!this.owner.wantsLine(this)) return;
        this.owner.onLine(this, this.lines[this.nextLine++]!);
      }
      this.lines = noLines;
      this.nextLine = 0;
      if (this.reading === 'ended') this.tellEnd();
      if (this.readable === 'no') return;
      if (!this.wantsOctets()) return;
      if (chunks === chunksPerPull) {
        this.share = 'used-up';
        return;
      }
      this.readChunk(this.socket!);
    }
  }

  private wantsOctets(): boolean {
    return this.reading === 'discarding' || (this.reading === 'open' && this.owner.wantsLine(this));
  }

  /** Sends what is queued; a leg that is closing closes once that is done. */
  flush(): void {
    if (this.socket !== undefined && this.reading !== 'dialling') this.out.flush(this.socket);
  }

  /**
   * Ends the leg once everything queued has left. Octets that the peer sent and nobody read would turn our close into
   * a reset, which can destroy a 421 on its way; so a client's leg is read, unheard, until the peer closes too.
   */
  end(): void {
    const { reading } = this;
    this.lines = noLines;
    if (reading === 'dialling' || this.side === 'server' || reading === 'told') {
      this.reading = 'closed';
      this.out.closeWhenSent();
      if (reading === 'dialling') this.socket?.close();
      return;
    }
    this.reading = 'discarding';
    this.out.endWritingWhenSent();
  }

  private finishDial(socket: TcpSocket, events: number): void {
    if ((events & (Ready.out | Ready.error | Ready.hangUp)) === 0) return;
    // Writable and not broken is connected; only then is the reason not worth a system call.
    if ((events & (Ready.error | Ready.hangUp)) !== 0 && !socket.connected()) {
      this.reading = 'closed';
      this.owner.onUnreachable(this, socket.failure ?? 'EOTHER');
      return;
    }
    this.reading = 'open';
    // A greeting that is there already came with this event; otherwise one of its own will tell.
    if ((events & ~Ready.out) !== 0) this.readable = 'to-the-end';
    this.owner.onConnected(this);
    this.pull();
  }

  private readChunk(socket: TcpSocket): void {
    const count = socket.receive(readBuffer);
    if (count > 0) {
      this.owner.countOctets(this, count);
      if (this.reading === 'open') this.lines = this.splitter.push(kept(count));
      if (count < readBuffer.length && this.readable === 'yes') this.readable = 'no';
      return;
    }
    this.readable = 'no';
    if (count === WOULD_BLOCK) return;
    if (this.reading === 'discarding') {
      this.reading = 'closed';
      // A client that has ended its own direction may still be reading the replies before its 421.
      if (count === 0) this.out.closeWhenSent();
      else socket.close();
      return;
    }
    this.reading = 'ended';
    this.how = count === 0 ? 'end' : 'reset';
    this.reason = count === 0 ? `the ${this.side} closed` : `the ${this.side}: ${socket.failure}`;
  }

  private tellEnd(): void {
    this.reading = 'told';
    this.owner.onLegEnded(this, this.how, this.reason);
  }
}
