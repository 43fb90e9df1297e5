// One direction of a relayed data connection: octets from one socket into the other, none lost, none held without
// bound. The first octets are copied through a shared buffer, because most files are small; a stream that goes on is
// spliced through a kernel pipe and its octets never enter this process. At most one buffer or one pipe is held per
// direction.

import type { PipePool, SplicePipe } from '../sys/splice-pipe.ts';
import { FAILED, type SpliceableStream, type Stream, WOULD_BLOCK } from '../sys/stream.ts';

/**
 * What a run led to: blocked until the source has more or the sink takes more; out of its share of the turn;
 * the source has ended and all its octets are passed on, so the sink's end may follow; or one of the sockets has
 * failed.
 */
export type PumpState = 'on-source' | 'on-sink' | 'unfinished' | 'ended' | 'source-failed' | 'sink-failed';

/**
 * What the events so far say of the source: nothing of an end; that there may be more than one read shows; or that its
 * peer has ended it in order, so that all it will ever give waits in the kernel.
 */
export type SourceState = 'open' | 'unknown' | 'ended';

/** Large enough for a small file in one read. */
const sharedBuffer = new Uint8Array(65_536);
/** After so many octets a stream is worth its pipe. */
const copiedMax = 131_072;
// One run moves at most this much before the other sessions get their turn: some 2 ms of splicing, or of TLS.
const runOctetsMax = { spliced: 8_388_608, copied: 1_048_576 } as const;
const nothing = new Uint8Array(0);

/** Both ends of a direction whose octets pass through the kernel. */
export interface Splicing {
  readonly source: SpliceableStream;
  readonly sink: SpliceableStream;
  readonly pipes: PipePool;
}

export class Pump {
  octets = 0;
  state: PumpState = 'on-source';
  private readonly source: Stream;
  private readonly sink: Stream;
  private readonly splicing: Splicing | undefined;
  private rest: Uint8Array = nothing;
  private pipe: SplicePipe | undefined;
  private inPipe = 0;

  /** @param splicing Undefined where the octets of a stream cannot pass through the kernel alone. */
  constructor(source: Stream, sink: Stream, splicing: Splicing | undefined) {
    this.source = source;
    this.sink = sink;
    this.splicing = splicing;
  }

  /** Moves what can be moved; what is known of the source tells what a short read means. */
  run(source: SourceState): PumpState {
    const before = this.octets;
    const { splicing } = this;
    const octetsMax = splicing === undefined ? runOctetsMax.copied : runOctetsMax.spliced;
    do {
      this.state =
        this.pipe === undefined || splicing === undefined ? this.copy(source) : this.spliceOnce(this.pipe, splicing);
      if (this.state !== 'unfinished') return this.state;
    } while (this.octets - before < octetsMax);
    return this.state;
  }

  /** Gives the pipe back; the pump is not run again. */
  close(): void {
    if (this.pipe !== undefined) this.splicing?.pipes.giveBack(this.pipe, this.inPipe === 0);
    this.pipe = undefined;
    this.rest = nothing;
  }

  private copy(source: SourceState): PumpState {
    if (this.rest.length > 0) return this.sendRest();
    const count = this.source.receive(sharedBuffer);
    if (count === WOULD_BLOCK) return 'on-source';
    if (count === FAILED) return 'source-failed';
    if (count === 0) return 'ended';
    const short = count < sharedBuffer.length;
    const last = short && source === 'ended';
    // The end that follows at once leaves in the same segment: for a small file one packet less, and one wake-up.
    const sent = last ? this.sink.sendBeforeEnd(sharedBuffer, count) : this.sink.send(sharedBuffer, count);
    if (sent === FAILED) return 'sink-failed';
    if (sent < count) {
      // The buffer is everyone's: what the sink did not take is kept aside.
      const taken = Math.max(sent, 0);
      this.octets += taken;
      this.rest = sharedBuffer.slice(taken, count);
      return 'on-sink';
    }
    this.octets += sent;
    if (last) return 'ended';
    if (this.octets >= copiedMax) this.pipe = this.splicing?.pipes.take();
    // A short read has emptied the socket; the next octets, or the end, come with an event of their own.
    return short && source === 'open' ? 'on-source' : 'unfinished';
  }

  private sendRest(): PumpState {
    const sent = this.sink.send(this.rest);
    if (sent === WOULD_BLOCK) return 'on-sink';
    if (sent === FAILED) return 'sink-failed';
    this.octets += sent;
    this.rest = this.rest.subarray(sent);
    return this.rest.length === 0 ? 'unfinished' : 'on-sink';
  }

  private spliceOnce(pipe: SplicePipe, { source, sink }: Splicing): PumpState {
    if (this.inPipe === 0) {
      const count = source.spliceInto(pipe);
      if (count === WOULD_BLOCK) return 'on-source';
      if (count === FAILED) return 'source-failed';
      if (count === 0) return 'ended';
      this.inPipe = count;
    }
    const sent = sink.spliceFrom(pipe, this.inPipe);
    if (sent === WOULD_BLOCK) return 'on-sink';
    if (sent === FAILED) return 'sink-failed';
    this.inPipe -= sent;
    this.octets += sent;
    return 'unfinished';
  }
}
