// TLS over another stream: the second implementation of the stream contract. OpenSSL never sees a socket; it is given
// octets and gives octets (memory BIOs), so that everything that is known of connections stays in one place.
// Must not break: an end without close_notify is a broken stream and no end (RFC 8446 §6.1); what waits to be sent is
// bounded; what was sent in the clear never becomes part of it; the SSL object is freed exactly once, and nothing is
// called with it afterwards. SSL_read(3), SSL_write(3), SSL_shutdown(3).

import { clientHelloOctetsMax, readClientHello } from '../wire/client-hello.ts';
import type { SysErrorCode } from './errno.ts';
import {
  BIO_C_SET_BUF_MEM_EOF_RETURN,
  BIO_CTRL_INFO,
  BIO_CTRL_RESET,
  notedErrors,
  openssl,
  type Pointer,
  SSL_CTRL_SET_TLSEXT_HOSTNAME,
  SSL_ERROR_WANT_READ,
  SSL_ERROR_WANT_WRITE,
  SSL_ERROR_ZERO_RETURN,
  SSL_RECEIVED_SHUTDOWN,
  SSL_SENT_SHUTDOWN,
  X509_V_OK,
} from './openssl.ts';
import { Ready } from './poller.ts';
import type { SocketAddress } from './socket-address.ts';
import { FAILED, type SecureFacts, type SecureStream, type Stream, WOULD_BLOCK } from './stream.ts';
import type { TlsContext } from './tls-context.ts';
import { fingerprintOf, subjectOf } from './tls-peer.ts';

/** Towards a client: the gateway is the TLS server. */
export interface AcceptOptions {
  readonly role: 'server';
  /** By the name that the client asks for; undefined where it asks for none. */
  contextFor(serverName: string | undefined): TlsContext;
  /** Sessions resume only where this is the same, at most 32 octets; undefined: those of the whole gateway do. */
  readonly sessionContext: Uint8Array | undefined;
  /** Whether only a handshake that goes on from an earlier one is good enough. */
  readonly resumption: 'offered' | 'required';
  readonly truncation: Truncation;
}

/** Towards a server: the gateway is the TLS client. */
export interface ConnectOptions {
  readonly role: 'client';
  readonly context: TlsContext;
  /** Sent to the server, and to be found in its certificate where that is judged; a host name or an address. */
  readonly name: string | undefined;
  /** SHA-256 of the server's certificate, in lower case hexadecimal; undefined: any that the context finds good. */
  readonly fingerprint: string | undefined;
  /**
   * Whose session it goes on from, as vsftpd (`require_ssl_reuse`) and others demand of data connections. With TLS 1.3
   * there is something to go on from only once a ticket has come, so it is taken as late as possible.
   */
  readonly resumes: TlsStream | undefined;
  readonly truncation: Truncation;
}

/** What an end without close_notify is: broken, or (for peers that never say it) an end. */
type Truncation = 'broken' | 'accepted';

// What one read of the carrier takes in, and about what waits at most to be sent; one buffer for all streams.
const wireOctets = 65_536;
const wire = new Uint8Array(wireOctets);
// So many reads without an octet of content is no honest peer's.
const emptyReadsMax = 8;
const memory = new BigUint64Array(1);
const memoryOctets = new Uint8Array(memory.buffer);
const nothing = new Uint8Array(0);

type Life = 'hello' | 'handshaking' | 'up' | 'leaving' | 'freed';

export class TlsStream implements SecureStream {
  readonly carrier: Stream;
  failure: SysErrorCode | undefined;
  failureText = '';
  /** The peer's end came without close_notify, and was accepted. */
  truncated = false;
  behind: Uint8Array = nothing;
  private readonly options: AcceptOptions | ConnectOptions;
  private life: Life;
  private ssl: Pointer = null;
  private fromPeer: Pointer = null;
  private toPeer: Pointer = null;
  /** Of a client, until its ClientHello is whole. */
  private hello: Uint8Array = nothing;
  private more: 'maybe' | 'no' = 'maybe';
  private peerEnd: 'none' | 'ended' = 'none';
  /** What becomes of the carrier once all has been sent. */
  private afterwards: 'stay' | 'end-writing' | 'close' | 'close-cleanly' = 'stay';
  private goodbye: 'unsaid' | 'said' = 'unsaid';
  private known: SecureFacts | undefined;

  constructor(carrier: Stream, options: AcceptOptions | ConnectOptions) {
    this.carrier = carrier;
    this.options = options;
    this.life = 'hello';
    // What it has heard before was for others.
    carrier.hear(Ready.in | Ready.peerShutdown);
    if (options.role === 'client') this.begin(options.context);
  }

  get isOpen(): boolean {
    return this.carrier.isOpen;
  }

  get mayHaveMore(): boolean {
    return this.more === 'maybe';
  }

  get facts(): SecureFacts {
    this.known ??= this.readFacts();
    return this.known;
  }

  hear(events: number): void {
    this.carrier.hear(events);
    if ((events & (Ready.in | Ready.peerShutdown | Ready.error | Ready.hangUp)) !== 0) this.more = 'maybe';
    if ((events & (Ready.out | Ready.error)) === 0 || this.ssl === null) return;
    if (this.flush() !== 'blocked') this.finish();
  }

  handshake(): 'up' | 'under-way' | 'failed' {
    if (this.life === 'hello') this.takeHello();
    if (this.failureText !== '') return 'failed';
    if (this.life === 'hello') return 'under-way';
    if (this.life !== 'handshaking') return this.life === 'up' ? 'up' : 'failed';
    const { SSL_do_handshake, ERR_clear_error } = openssl();
    for (let reads = 0; ; reads += 1) {
      ERR_clear_error();
      const result = SSL_do_handshake(this.ssl);
      const wanted = result === 1 ? 'nothing' : this.wantedAfter(result);
      // An alert leaves also where the handshake has failed.
      if (this.flush() === 'failed') return this.fail('the connection broke during the TLS handshake');
      if (wanted === 'nothing') return this.judge();
      if (wanted === 'failed') return this.fail(this.whyNoHandshake());
      const fed = reads < emptyReadsMax ? this.feed() : 'nothing';
      if (fed === 'nothing') return 'under-way';
      if (fed !== 'octets') return this.fail('the connection ended during the TLS handshake');
    }
  }

  receive(into: Uint8Array): number {
    if (this.failure !== undefined || this.ssl === null) return FAILED;
    if (this.peerEnd === 'ended') return this.atEnd();
    const { SSL_read, ERR_clear_error } = openssl();
    let count = 0;
    for (let reads = 0; count < into.length; ) {
      ERR_clear_error();
      const place = count === 0 ? into : into.subarray(count);
      const result = SSL_read(this.ssl, place, place.length);
      if (result > 0) {
        count += result;
        continue;
      }
      const wanted = this.wantedAfter(result);
      if (wanted === 'nothing') {
        this.peerEnd = 'ended';
        break;
      }
      const fed = wanted === 'failed' ? 'failed' : this.feed();
      if (fed === 'nothing') {
        this.more = 'no';
        break;
      }
      if (fed === 'end') {
        this.takeTruncation();
        break;
      }
      if (fed === 'failed') {
        this.breakOff(wanted === 'failed' ? (notedErrors()[0] ?? 'broken') : undefined);
        break;
      }
      reads += 1;
      if (reads > emptyReadsMax && count === 0) {
        this.breakOff('the peer sends records without content');
        break;
      }
    }
    // An alert, or the answer to a key update.
    this.flush();
    if (count > 0) return count;
    if (this.failure !== undefined) return FAILED;
    return this.peerEnd === 'ended' ? this.atEnd() : WOULD_BLOCK;
  }

  send(from: Uint8Array, length = from.length): number {
    if (this.failure !== undefined || this.ssl === null) return FAILED;
    let taken = 0;
    while (taken < length) {
      const before = this.flush();
      if (before === 'failed') return FAILED;
      if (before === 'blocked') return taken === 0 ? WOULD_BLOCK : taken;
      const until = Math.min(length, taken + wireOctets);
      while (taken < until) {
        const written = this.write(taken === 0 && until === from.length ? from : from.subarray(taken, until));
        if (written < 0) return FAILED;
        taken += written;
      }
    }
    return this.flush() === 'failed' ? FAILED : taken;
  }

  sendBeforeEnd(from: Uint8Array, length: number): number {
    return this.send(from, length);
  }

  /** TLS knows no urgent octets; they go as all others. */
  sendUrgent(from: Uint8Array): number {
    return this.send(from);
  }

  sendAt(): number {
    throw new Error('TLS is not carried by TLS');
  }

  localAddress(): SocketAddress {
    return this.carrier.localAddress();
  }

  connected(): boolean {
    return this.carrier.connected();
  }

  endWriting(): void {
    this.sayGoodbye('end-writing');
  }

  close(): void {
    this.sayGoodbye('close');
  }

  closeCleanly(): void {
    this.sayGoodbye('close-cleanly');
  }

  partWithReset(): void {
    this.carrier.partWithReset();
  }

  reset(): void {
    this.free('broken');
    this.carrier.reset();
  }

  leave(): 'gone' | 'under-way' | 'failed' {
    if (this.life === 'up') {
      this.life = 'leaving';
      openssl().SSL_shutdown(this.ssl);
    }
    if (this.life !== 'leaving' || this.flush() === 'failed') return 'failed';
    const read = this.receive(new Uint8Array(1));
    if (read === FAILED || this.truncated) return 'failed';
    // Whatever else the peer says before it takes leave would be lost.
    if (read > 0) return this.fail('the peer went on under TLS');
    if (this.peerEnd !== 'ended' || this.flush() !== 'done') return 'under-way';
    this.behind = this.takeRest();
    this.free('in-order');
    return 'gone';
  }

  /** The client's first message, by which it is known which certificate it wants. */
  private takeHello(): void {
    const { options } = this;
    if (options.role !== 'server') return;
    for (;;) {
      const count = this.carrier.receive(wire.subarray(0, clientHelloOctetsMax));
      if (count === WOULD_BLOCK) return;
      if (count <= 0) {
        this.fail('the connection ended before the TLS handshake');
        return;
      }
      this.hello = joined(this.hello, wire.subarray(0, count));
      const read = readClientHello(this.hello);
      if (read.kind === 'no-tls' || this.hello.length > 2 * clientHelloOctetsMax) {
        this.fail('the peer speaks no TLS');
        return;
      }
      if (read.kind === 'incomplete') continue;
      // RFC 7301 §3.2; a client that means another protocol was led here by somebody else (ALPACA).
      if (read.protocols.length > 0 && !read.protocols.some((each) => ftpProtocols.has(each))) {
        this.carrier.send(noApplicationProtocol);
        this.fail(`the client means to speak ${read.protocols.map(printable).join(', ')}`);
        return;
      }
      this.begin(options.contextFor(read.serverName));
      openssl().BIO_write(this.fromPeer, this.hello, this.hello.length);
      this.hello = nothing;
      return;
    }
  }

  private begin(context: TlsContext): void {
    const { options } = this;
    const calls = openssl();
    this.ssl = calls.SSL_new(context.pointer);
    if (this.ssl === null) {
      this.fail('OpenSSL has no memory for another connection');
      return;
    }
    this.fromPeer = memoryBio();
    this.toPeer = memoryBio();
    calls.SSL_set_bio(this.ssl, this.fromPeer, this.toPeer);
    if (options.role === 'server') {
      calls.SSL_set_accept_state(this.ssl);
      const { sessionContext } = options;
      if (sessionContext !== undefined)
        calls.SSL_set_session_id_context(this.ssl, sessionContext, sessionContext.length);
    } else {
      calls.SSL_set_connect_state(this.ssl);
      this.nameServer(options);
      this.resume(options.resumes);
    }
    this.life = 'handshaking';
  }

  private resume(other: TlsStream | undefined): void {
    if (other?.life !== 'up') return;
    const { SSL_get1_session, SSL_set_session, SSL_SESSION_free } = openssl();
    const session = SSL_get1_session(other.ssl);
    if (session === null) return;
    SSL_set_session(this.ssl, session);
    SSL_SESSION_free(session);
  }

  private nameServer({ name }: ConnectOptions): void {
    if (name === undefined) return;
    const calls = openssl();
    const parameter = calls.SSL_get0_param(this.ssl);
    // RFC 6066 §3: an address is no server name.
    if (isAddress(name)) {
      calls.X509_VERIFY_PARAM_set1_ip_asc(parameter, name);
      return;
    }
    calls.X509_VERIFY_PARAM_set1_host(parameter, name, name.length);
    calls.SSL_ctrl(this.ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, new TextEncoder().encode(`${name}\0`));
  }

  /** The handshake is done; is it what was demanded? */
  private judge(): 'up' | 'failed' {
    const { options } = this;
    if (options.role === 'client' && options.fingerprint !== undefined) {
      const shown = fingerprintOf(this.ssl);
      if (shown !== options.fingerprint)
        return this.fail(`the server's certificate has the fingerprint ${shown}, which is not the one in the settings`);
    }
    if (options.role === 'server' && options.resumption === 'required' && openssl().SSL_session_reused(this.ssl) !== 1)
      return this.fail("the data connection does not resume its control connection's TLS session");
    this.life = 'up';
    return 'up';
  }

  private readFacts(): SecureFacts {
    const calls = openssl();
    return {
      version: calls.SSL_get_version(this.ssl),
      cipher: calls.SSL_CIPHER_get_name(calls.SSL_get_current_cipher(this.ssl)),
      resumed: calls.SSL_session_reused(this.ssl) === 1,
      peerSubject: subjectOf(this.ssl),
    };
  }

  private wantedAfter(result: number): 'octets' | 'nothing' | 'failed' {
    switch (openssl().SSL_get_error(this.ssl, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return 'octets';
      case SSL_ERROR_ZERO_RETURN:
        return 'nothing';
      default:
        return 'failed';
    }
  }

  private feed(): 'octets' | 'nothing' | 'end' | 'failed' {
    if (!this.carrier.mayHaveMore) return 'nothing';
    const count = this.carrier.receive(wire);
    if (count === WOULD_BLOCK) return 'nothing';
    if (count === FAILED) return 'failed';
    if (count === 0) return 'end';
    openssl().BIO_write(this.fromPeer, wire, count);
    return 'octets';
  }

  private takeTruncation(): void {
    if (this.options.truncation === 'broken') {
      this.breakOff('the connection ended without close_notify, so perhaps too early');
      return;
    }
    this.truncated = true;
    this.peerEnd = 'ended';
  }

  private atEnd(): number {
    this.more = 'no';
    return 0;
  }

  private write(from: Uint8Array): number {
    const { SSL_write, ERR_clear_error } = openssl();
    ERR_clear_error();
    const written = SSL_write(this.ssl, from, from.length);
    if (written > 0) return written;
    this.breakOff(notedErrors()[0] ?? 'nothing can be sent any more');
    return FAILED;
  }

  /** Sends what OpenSSL has made ready, straight from its memory. */
  private flush(): 'done' | 'blocked' | 'failed' {
    if (this.ssl === null) return 'done';
    const { BIO_ctrl, BIO_read } = openssl();
    for (;;) {
      const ready = BIO_ctrl(this.toPeer, BIO_CTRL_INFO, 0, memoryOctets);
      if (ready <= 0) return 'done';
      const sent = this.carrier.sendAt(memory[0]!, ready);
      if (sent === FAILED) {
        this.failure ??= this.carrier.failure ?? 'EOTHER';
        this.failureText ||= this.failure;
        return 'failed';
      }
      if (sent === ready) {
        BIO_ctrl(this.toPeer, BIO_CTRL_RESET, 0, null);
        return 'done';
      }
      for (let left = Math.max(sent, 0); left > 0; ) left -= BIO_read(this.toPeer, wire, Math.min(left, wireOctets));
      return 'blocked';
    }
  }

  /** close_notify, and behind it what the carrier has to do (RFC 4217 §12: before the FIN). */
  private sayGoodbye(then: 'end-writing' | 'close' | 'close-cleanly'): void {
    if (this.life === 'up' && this.failure === undefined && this.goodbye === 'unsaid') {
      this.goodbye = 'said';
      openssl().SSL_shutdown(this.ssl);
    }
    this.afterwards = then;
    if (this.flush() !== 'blocked') this.finish();
  }

  private finish(): void {
    const { afterwards } = this;
    if (afterwards === 'stay') return;
    if (afterwards === 'end-writing') {
      this.afterwards = 'stay';
      this.carrier.endWriting();
      return;
    }
    this.free(this.failure === undefined ? 'in-order' : 'broken');
    if (afterwards === 'close') this.carrier.close();
    else this.carrier.closeCleanly();
  }

  private takeRest(): Uint8Array {
    const { BIO_ctrl, BIO_read } = openssl();
    const count = BIO_ctrl(this.fromPeer, BIO_CTRL_INFO, 0, memoryOctets);
    const rest = new Uint8Array(Math.max(count, 0));
    if (rest.length > 0) BIO_read(this.fromPeer, rest, rest.length);
    return rest;
  }

  private whyNoHandshake(): string {
    const verdict = openssl().SSL_get_verify_result(this.ssl);
    const [noted = 'the TLS handshake failed'] = notedErrors();
    if (verdict !== X509_V_OK && noted === 'certificate verify failed')
      return `the peer's certificate is not accepted: ${openssl().X509_verify_cert_error_string(verdict)}`;
    return saidOtherwise[noted] ?? noted;
  }

  private breakOff(text: string | undefined): void {
    this.failure ??= this.carrier.failure ?? 'EPROTO';
    this.failureText ||= text ?? this.failure;
    this.more = 'no';
  }

  private fail(text: string): 'failed' {
    this.failure ??= 'EPROTO';
    this.failureText ||= text;
    return 'failed';
  }

  private free(how: 'in-order' | 'broken'): void {
    if (this.ssl === null) return;
    const { SSL_set_shutdown, SSL_free } = openssl();
    // An SSL that is freed without having taken leave spoils its session for the connections after it.
    if (how === 'in-order') SSL_set_shutdown(this.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(this.ssl);
    this.ssl = null;
    this.life = 'freed';
  }
}

// RFC 7301 §6: what FTP is called among the protocols.
const ftpProtocols: ReadonlySet<string> = new Set(['ftp', 'ftp-data']);

// A fatal alert no_application_protocol (120) in a record of its own, RFC 8446 §6.
const noApplicationProtocol = Uint8Array.of(21, 3, 3, 0, 2, 2, 120);

/** Notes of OpenSSL's that say nothing to who does not know it. */
const saidOtherwise: Readonly<Record<string, string>> = {
  'wrong version number': 'the peer speaks no TLS',
  'packet length too long': 'the peer speaks no TLS',
  'http request': 'the peer speaks HTTP',
  'unsupported protocol': 'the peer offers no TLS 1.2 or later',
  'no shared cipher': 'the peer offers no cipher suite that is accepted here',
  'peer did not return a certificate': 'the client shows no certificate, which is required',
};

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

function isAddress(name: string): boolean {
  return name.includes(':') || /^\d+(\.\d+){3}$/.test(name);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

function memoryBio(): Pointer {
  const { BIO_new, BIO_s_mem, BIO_ctrl } = openssl();
  const bio = BIO_new(BIO_s_mem());
  // Empty means "later" and not "the end".
  BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, null);
  return bio;
}
