// One connection's SSL object between two memory BIOs, and the stream that carries what they give and take: OpenSSL
// never sees a socket. BIO_s_mem(3), SSL_set_bio(3), SSL_get_error(3).
// Must not break: what waits to be sent is bounded, for nothing is made ready while the carrier is blocked; the SSL
// object is freed exactly once, and nothing is called with it afterwards.

import {
  BIO_C_SET_BUF_MEM_EOF_RETURN,
  BIO_CTRL_INFO,
  BIO_CTRL_RESET,
  openssl,
  type Pointer,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_WANT_WRITE,
  SSL_ERROR_ZERO_RETURN,
  SSL_RECEIVED_SHUTDOWN,
  SSL_SENT_SHUTDOWN,
} from './openssl.ts';
import { FAILED, type Stream, WOULD_BLOCK } from './stream.ts';
import type { TlsContext } from './tls-context.ts';

/** What one read of the carrier takes in, and about what waits at most to be sent. */
export const wireOctets = 65_536;

// One buffer for all of a thread, since nothing stays in it.
const wire = new Uint8Array(wireOctets);
const memory = new BigUint64Array(1);
const memoryOctets = new Uint8Array(memory.buffer);

export class TlsWire {
  private readonly carrier: Stream;
  private pointer: Pointer;
  private readonly fromPeer: Pointer;
  private readonly toPeer: Pointer;

  private constructor(carrier: Stream, pointer: Pointer) {
    const { SSL_set_bio } = openssl();
    this.carrier = carrier;
    this.pointer = pointer;
    this.fromPeer = memoryBio();
    this.toPeer = memoryBio();
    SSL_set_bio(pointer, this.fromPeer, this.toPeer);
  }

  /** Undefined where OpenSSL has no memory for it. */
  static open(context: TlsContext, carrier: Stream): TlsWire | undefined {
    const pointer = openssl().SSL_new(context.pointer);
    return pointer === null ? undefined : new TlsWire(carrier, pointer);
  }

  /** For calls of OpenSSL's; null once it has been freed. */
  get ssl(): Pointer {
    return this.pointer;
  }

  /** What the call that gave `result` asks for; `end`: the peer has said close_notify. */
  wantedAfter(result: number): 'octets' | 'end' | 'failed' {
    switch (openssl().SSL_get_error(this.pointer, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return 'octets';
      case SSL_ERROR_ZERO_RETURN:
        return 'end';
      default:
        return 'failed';
    }
  }

  /** One read of the carrier: how many octets came; 0: its end, WOULD_BLOCK or FAILED. */
  feed(): number {
    if (!this.carrier.mayHaveMore) return WOULD_BLOCK;
    const count = this.carrier.receive(wire);
    if (count > 0) this.takeIn(wire.subarray(0, count));
    return count;
  }

  takeIn(octets: Uint8Array): void {
    openssl().BIO_write(this.fromPeer, octets, octets.length);
  }

  /** Sends what OpenSSL has made ready, straight from its memory. */
  flush(): 'done' | 'blocked' | 'failed' {
    if (this.pointer === null) return 'done';
    const { BIO_ctrl, BIO_read } = openssl();
    const ready = BIO_ctrl(this.toPeer, BIO_CTRL_INFO, 0, memoryOctets);
    if (ready <= 0) return 'done';
    const sent = this.carrier.sendAt(memory[0]!, ready);
    if (sent === FAILED) return 'failed';
    if (sent === ready) {
      BIO_ctrl(this.toPeer, BIO_CTRL_RESET, 0, null);
      return 'done';
    }
    for (let left = Math.max(sent, 0); left > 0; ) left -= BIO_read(this.toPeer, wire, Math.min(left, wireOctets));
    return 'blocked';
  }

  /** What has come and belongs to no record that was read. */
  takeRest(): Uint8Array {
    const { BIO_ctrl, BIO_read } = openssl();
    const rest = new Uint8Array(Math.max(BIO_ctrl(this.fromPeer, BIO_CTRL_INFO, 0, memoryOctets), 0));
    if (rest.length > 0) BIO_read(this.fromPeer, rest, rest.length);
    return rest;
  }

  /** Frees everything; to be called once or more. */
  free(): void {
    if (this.pointer === null) return;
    const { SSL_set_shutdown, SSL_free } = openssl();
    // An SSL object that is freed without having taken leave spoils its session for the connections after it. A data
    // connection that was reset (ABOR) says nothing against the next, which has to resume just the same.
    SSL_set_shutdown(this.pointer, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(this.pointer);
    this.pointer = null;
  }
}

function memoryBio(): Pointer {
  const { BIO_new, BIO_s_mem, BIO_ctrl } = openssl();
  const bio = BIO_new(BIO_s_mem());
  // Empty means "later" and not "the end".
  BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, null);
  return bio;
}
