// One leg of a control connection: lines in, octets out, with back-pressure both ways and a bound on what waits.
// Lines are handed on one at a time while the owner wants them and has a share of the turn left; nothing is read beyond
// one chunk before that. Events are noted when they come and attended to when it is the session's turn.

import { type Pollable, Ready } from '../sys/poller.ts';
import { type SecureFacts, type SecureStream, type Stream, WOULD_BLOCK } from '../sys/stream.ts';
import { type ControlLine, LineSplitter } from '../wire/line-splitter.ts';
import { TlsRecords } from '../wire/tls-records.ts';
import { OutQueue } from './out-queue.ts';

export interface LegOwner {
  wantsLine(leg: ControlLeg): boolean;
  /** Is it this session's turn? If not, it attends to what its legs have noted when it is. */
  takesTurn(): boolean;
  /** Is anything left of its share of this turn? */
  hasShare(): boolean;
  /** May one more read be made of what nobody listens to? If not, the owner pulls again later. */
  mayDiscard(): boolean;
  onLine(leg: ControlLeg, line: ControlLine): void;
  /** What the first read of a leg gave, before any line of it. */
  onFirstOctets(leg: ControlLeg, octets: Uint8Array): void;
  /** The client has ended its direction while its owner did not want what it sent before. */
  onClientEnding(): void;
  /** After the last line: the peer has ended its direction, or the connection broke. */
  onLegEnded(leg: ControlLeg, how: 'end' | 'reset', reason: string): void;
  onConnected(leg: ControlLeg): void;
  onUnreachable(leg: ControlLeg, reason: string): void;
  onSecured(leg: ControlLeg, facts: SecureFacts): void;
  onNotSecured(leg: ControlLeg, reason: string): void;
  /** TLS has ended, and the connection goes on. */
  onCleared(leg: ControlLeg): void;
  /** Of a leg that is passed through; the octets are the owner's. */
  onOctets(leg: ControlLeg, octets: Uint8Array): void;
  /** The peer's own TLS has ended, and lines follow. */
  onTextAgain(leg: ControlLeg): void;
  /** Everything that an event of this leg led to has been done: time to flush. */
  settle(): void;
  /** Runs a step of the session so that a mistake of ours ends this session only. */
  guarded(step: () => void): void;
  countOctets(leg: ControlLeg, octets: number): void;
}

// One read. A session keeps what it does not want yet of one on either leg, and so may cost twice as much while it
// waits.
const chunkOctets = 4096;
// What nobody listens to is not kept, and so read in larger pieces.
const readBuffer = new Uint8Array(16_384);
const chunkBuffer = readBuffer.subarray(0, chunkOctets);
// Of what was sent in the clear to be taken for said under TLS; an honest peer sends nothing.
const discardedReadsMax = 16;

export interface LegBounds {
  readonly lineOctetsMax: number;
  /** The most that one event may add to what waits to be sent. */
  readonly additionMax: number;
}

const endOrError = Ready.peerShutdown | Ready.error | Ready.hangUp;

/**
 * `passing`: octets are handed on as they are, as long as they are TLS. `discarding`: the session is done with this
 * leg; what still comes is read only so that closing does not reset it.
 */
type Reading = 'dialling' | 'securing' | 'clearing' | 'open' | 'passing' | 'ended' | 'told' | 'discarding' | 'closed';

// The read buffer is everyone's, and lines are views of what they came in. A store of its own for every read would keep
// the garbage collector busy, so many share one; it is small, because the shortest line keeps the whole of it alive.
const storeOctets = 8192;
let store = new Uint8Array(storeOctets);
let storeUsed = 0;

/** The first octets of the read buffer, for good. */
function kept(count: number): Uint8Array {
  if (count >= storeOctets / 2) return readBuffer.slice(0, count);
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
  socket: Stream | undefined;
  private secure: SecureStream | undefined;
  private insecurity: string | undefined;
  private records = new TlsRecords();
  private reading: Reading;
  private how: 'end' | 'reset' = 'end';
  private reason = '';
  private share: 'left' | 'used-up' = 'left';
  /** Events that have come and were not attended to. */
  private noted = 0;
  private begun: 'no' | 'yes' = 'no';

  constructor(side: 'client' | 'server', owner: LegOwner, bounds: LegBounds, reading: 'dialling' | 'open') {
    this.side = side;
    this.owner = owner;
    this.splitter = new LineSplitter(bounds.lineOctetsMax);
    this.out = new OutQueue(bounds.additionMax);
    this.reading = reading;
  }

  onReady(events: number): void {
    this.noted |= events;
    if (!this.owner.takesTurn()) return;
    this.owner.guarded(() => {
      this.attend();
      this.owner.settle();
    });
  }

  /** Takes in what the events since the last time have told. */
  attend(): void {
    const { socket, noted } = this;
    if (socket === undefined || noted === 0) return;
    this.noted = 0;
    if (this.reading === 'dialling') {
      this.finishDial(socket, noted);
      return;
    }
    if (this.reading === 'securing' || this.reading === 'clearing') {
      socket.hear(noted);
      this.changeCarrier();
      return;
    }
    if ((noted & Ready.out) !== 0) this.out.onWritable();
    socket.hear(noted);
    this.pull();
    // A client that goes is heard of at once, also where what it has sent must wait to be read.
    if (this.side !== 'client' || !this.isRead || (noted & endOrError) === 0) return;
    if ((noted & Ready.error) !== 0) this.breakOff(socket);
    else this.owner.onClientEnding();
  }

  /** The share was used up and there may be more: no event will say so, another pull must. */
  get isUnfinished(): boolean {
    return this.share === 'used-up';
  }

  /** A line has begun to come, and its end has not. */
  get holdsPiece(): boolean {
    return this.splitter.pendingOctets > 0;
  }

  /** Hands on lines, and reads more, as long as the owner wants them and its share of the turn lasts. */
  pull(): void {
    this.share = 'left';
    for (;;) {
      if (!this.handOn()) return;
      if (this.reading === 'ended') this.tellEnd();
      const { socket } = this;
      if (socket?.mayHaveMore !== true || !socket.isOpen) return;
      if (!this.mayRead()) return;
      this.readChunk(socket);
    }
  }

  /** False where lines may be left. */
  private handOn(): boolean {
    const { splitter } = this;
    while (!splitter.isDry) {
      if (!this.owner.wantsLine(this) || !this.hasShare()) return false;
      const line = splitter.next();
      if (line !== undefined) this.owner.onLine(this, line);
    }
    return true;
  }

  private mayRead(): boolean {
    if (this.reading === 'discarding') return this.hasShare() && this.owner.mayDiscard();
    return this.isRead && this.owner.wantsLine(this) && this.hasShare();
  }

  private get isRead(): boolean {
    return this.reading === 'open' || this.reading === 'passing';
  }

  private hasShare(): boolean {
    if (this.owner.hasShare()) return true;
    this.share = 'used-up';
    return false;
  }

  /** Sends what is queued; a leg that is closing closes once that is done. */
  flush(): void {
    const { reading, socket } = this;
    if (socket === undefined || reading === 'dialling' || reading === 'securing' || reading === 'clearing') return;
    this.out.flush(socket);
  }

  /**
   * Puts the leg under TLS, behind what has been said; what has come `in-the-clear` is thrown away. How many octets
   * that were. An event must follow, even if nothing comes.
   */
  startTls(before: 'nothing' | 'in-the-clear', secure: (carrier: Stream) => SecureStream): number {
    const { socket } = this;
    if (socket === undefined) return 0;
    const discarded = before === 'nothing' ? 0 : this.discard(socket);
    this.out.flush(socket);
    this.reading = 'securing';
    this.secure = secure(socket);
    this.socket = this.secure;
    // What is said from now on would leave in front of the handshake.
    if (!this.out.isEmpty) this.insecurity = `the ${this.side} does not read what it is sent`;
    return discarded;
  }

  /**
   * From now on what comes is handed on unread; what has come before is thrown away. How many octets that were.
   */
  passThrough(): number {
    const { socket } = this;
    if (socket === undefined) return 0;
    const discarded = this.discard(socket);
    this.out.flush(socket);
    this.reading = 'passing';
    this.records = new TlsRecords();
    return discarded;
  }

  /** Ends TLS, and not the connection, behind what has been said. An event must follow. */
  endTls(): void {
    if (this.secure === undefined) return;
    this.out.flush(this.secure);
    this.reading = 'clearing';
    if (!this.out.isEmpty) this.insecurity = `the ${this.side} does not read what it is sent`;
  }

  private discard(socket: Stream): number {
    let octets = this.splitter.restart();
    for (let reads = 0; reads < discardedReadsMax; reads += 1) {
      const count = socket.receive(readBuffer);
      if (count <= 0) return octets;
      octets += count;
    }
    this.insecurity = `the ${this.side} goes on in the clear`;
    return octets;
  }

  /** The handshake, or the leave, as far as it goes. */
  private changeCarrier(): void {
    const { secure, insecurity } = this;
    if (secure === undefined) return;
    const state =
      insecurity === undefined ? (this.reading === 'securing' ? secure.handshake() : secure.leave()) : 'failed';
    switch (state) {
      case 'under-way':
        return;
      case 'up':
        this.reading = 'open';
        this.owner.onSecured(this, secure.facts);
        break;
      case 'gone':
        this.socket = secure.carrier;
        this.secure = undefined;
        this.splitter.restart();
        if (secure.behind.length > 0) this.splitter.give(secure.behind);
        this.reading = 'open';
        this.owner.onCleared(this);
        break;
      case 'failed':
        this.reading = 'closed';
        secure.close();
        this.owner.onNotSecured(this, insecurity ?? secure.failureText);
        return;
    }
    this.pull();
  }

  /**
   * Ends the leg once everything queued has left. Octets that the peer sent and nobody read would turn our close into
   * a reset, which can destroy a 421 on its way; so a client's leg is read, unheard, until the peer closes too.
   */
  end(): void {
    const { reading } = this;
    this.splitter.drop();
    const isBetween = reading === 'dialling' || reading === 'securing' || reading === 'clearing';
    if (isBetween || this.side === 'server' || reading === 'told' || reading === 'closed') {
      this.reading = 'closed';
      this.out.closeWhenSent();
      if (isBetween) this.socket?.close();
      return;
    }
    this.reading = 'discarding';
    this.out.endWritingWhenSent();
  }

  private finishDial(socket: Stream, events: number): void {
    if ((events & (Ready.out | Ready.error | Ready.hangUp)) === 0) return;
    // Writable and not broken is connected; only then is the reason not worth a system call.
    if ((events & (Ready.error | Ready.hangUp)) !== 0 && !socket.connected()) {
      this.reading = 'closed';
      this.owner.onUnreachable(this, socket.failure ?? 'EOTHER');
      return;
    }
    this.reading = 'open';
    // A greeting that is there already came with this event; otherwise one of its own will tell.
    socket.hear(events);
    this.owner.onConnected(this);
    this.pull();
  }

  private readChunk(socket: Stream): void {
    const buffer = this.isRead ? chunkBuffer : readBuffer;
    const count = socket.receive(buffer);
    if (count > 0) {
      this.owner.countOctets(this, count);
      if (this.begun === 'no') this.begin(buffer.subarray(0, count));
      if (this.reading === 'open') this.splitter.give(kept(count));
      else if (this.reading === 'passing') this.passOn(count);
      return;
    }
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

  /** The first octets of the read buffer. */
  private passOn(count: number): void {
    const octets = kept(count);
    const { under, after } = this.records.take(octets);
    if (under > 0) this.owner.onOctets(this, octets.subarray(0, under));
    // Whoever was told may have ended the session.
    if (after === 'tls' || this.reading !== 'passing') return;
    if (after === 'neither') {
      this.owner.onNotSecured(this, 'what follows AUTH is not TLS');
      return;
    }
    this.reading = 'open';
    this.splitter.give(octets.subarray(under));
    this.owner.onTextAgain(this);
  }

  /**
   * A broken connection with lines that nobody wants yet: their answers would reach nobody, and the session not end.
   */
  private breakOff(socket: Stream): void {
    this.splitter.drop();
    this.how = 'reset';
    if (socket.failure === undefined) socket.connected();
    this.reason = `the ${this.side}: ${socket.failure ?? 'broken'}`;
    this.tellEnd();
  }

  private begin(first: Uint8Array): void {
    this.begun = 'yes';
    this.owner.onFirstOctets(this, first);
  }

  private tellEnd(): void {
    this.reading = 'told';
    this.owner.onLegEnded(this, this.how, this.reason);
  }
}
