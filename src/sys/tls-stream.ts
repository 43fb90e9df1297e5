// TLS over another stream: the second implementation of the stream contract.
// Must not break: an end without close_notify is a broken stream and no end (RFC 8446 §6.1); what waits to be sent is
// bounded; what was sent in the clear never becomes part of it; no honest peer waits for an event that does not come.
// SSL_read(3), SSL_write(3), SSL_shutdown(3).

import type { SysErrorCode } from './errno.ts';
import { HelloIntake } from './hello-intake.ts';
import { notedErrors, openssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, X509_V_OK } from './openssl.ts';
import { Ready } from './poller.ts';
import type { SocketAddress } from './socket-address.ts';
import { FAILED, type SecureFacts, type SecureStream, type Stream, WOULD_BLOCK } from './stream.ts';
import type { TlsContext } from './tls-context.ts';
import { fingerprintOf, subjectOf } from './tls-peer.ts';
import { TlsWire, wireOctets } from './tls-wire.ts';

/** Towards a client: the gateway is the TLS server. */
export interface AcceptOptions {
  readonly role: 'server';
  /** By the name that the client asks for; undefined where it asks for none. */
  contextFor(serverName: string | undefined): TlsContext;
  /** Sessions resume only where this is the same, at most 32 octets; undefined: those of the whole gateway do. */
  readonly sessionContext: Uint8Array | undefined;
  /** Whether only a handshake that goes on from an earlier one is good enough. */
  readonly resumption: 'offered' | 'required';
  /**
   * Which stream issues its tickets; undefined: itself. With TLS 1.3 tickets come behind the handshake. A client that
   * only sends, as in an upload, may close without having read them, and then its end is a reset that takes its last
   * octets with it. So data connections issue none, and their control connection issues one more for each that went
   * on from it: some clients (curl) use each ticket once only (RFC 8446 §C.4).
   */
  readonly ticketsOver: TlsStream | undefined;
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

// With so many octets without content no honest peer is in a handshake (OpenSSL takes certificates of 100 KiB), nor
// later: its records hold 16 KiB at most.
const emptyOctetsMax = 262_144;
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
  private wire: TlsWire | undefined;
  /** Of a client, until its ClientHello is whole. */
  private intake: HelloIntake | undefined;
  private handshakeOctets = 0;
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
    else this.intake = new HelloIntake();
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
    if ((events & (Ready.out | Ready.error)) !== 0 && this.wire !== undefined && this.flush() !== 'blocked')
      this.finish();
  }

  handshake(): 'up' | 'under-way' | 'failed' {
    if (this.life === 'hello') this.takeHello();
    if (this.failureText !== '') return 'failed';
    if (this.life === 'hello') return 'under-way';
    if (this.life !== 'handshaking' || this.wire === undefined) return this.life === 'up' ? 'up' : 'failed';
    return this.goOn(this.wire);
  }

  receive(into: Uint8Array): number {
    const { wire } = this;
    if (this.failure !== undefined || wire === undefined) return FAILED;
    if (this.hasEnded()) return this.atEnd();
    const count = this.read(wire, into);
    // An alert, or the answer to a key update.
    this.flush();
    if (count > 0) return count;
    if (this.failure !== undefined) return FAILED;
    return this.hasEnded() ? this.atEnd() : WOULD_BLOCK;
  }

  send(from: Uint8Array, length = from.length): number {
    const { wire } = this;
    if (this.failure !== undefined || wire === undefined) return FAILED;
    let taken = 0;
    while (taken < length) {
      const before = this.flush();
      if (before === 'failed') return FAILED;
      if (before === 'blocked') return taken === 0 ? WOULD_BLOCK : taken;
      const until = Math.min(length, taken + wireOctets);
      if (!this.write(wire, from, taken, until)) return FAILED;
      taken = until;
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
    this.free();
    this.carrier.reset();
  }

  leave(): 'gone' | 'under-way' | 'failed' {
    if (this.life === 'up') {
      this.life = 'leaving';
      openssl().SSL_shutdown(this.ssl);
    }
    const { wire } = this;
    if (this.life !== 'leaving' || wire === undefined || this.flush() === 'failed') return 'failed';
    const read = this.receive(new Uint8Array(1));
    if (read === FAILED || this.truncated) return 'failed';
    // Whatever else the peer says before it takes leave would be lost.
    if (read > 0) return this.fail('the peer went on under TLS');
    if (this.peerEnd !== 'ended' || this.flush() !== 'done') return 'under-way';
    this.behind = wire.takeRest();
    this.free();
    return 'gone';
  }

  private get ssl(): TlsWire['ssl'] {
    return this.wire?.ssl ?? null;
  }

  private takeHello(): void {
    const { options, intake } = this;
    if (options.role !== 'server' || intake === undefined) return;
    const taken = intake.take(this.carrier);
    if (taken.kind === 'incomplete') return;
    this.intake = undefined;
    if (taken.kind === 'refused') this.fail(taken.reason);
    else this.begin(options.contextFor(taken.serverName))?.takeIn(taken.octets);
  }

  private begin(context: TlsContext): TlsWire | undefined {
    const { options } = this;
    const wire = TlsWire.open(context, this.carrier);
    if (wire === undefined) {
      this.fail('OpenSSL has no memory for another connection');
      return undefined;
    }
    this.wire = wire;
    this.life = 'handshaking';
    if (options.role === 'server') this.beginAsServer(options);
    else this.beginAsClient(options);
    return wire;
  }

  private beginAsServer({ sessionContext, ticketsOver }: AcceptOptions): void {
    const { SSL_set_accept_state, SSL_set_session_id_context, SSL_set_num_tickets } = openssl();
    SSL_set_accept_state(this.ssl);
    if (ticketsOver !== undefined) SSL_set_num_tickets(this.ssl, 0);
    if (sessionContext !== undefined) SSL_set_session_id_context(this.ssl, sessionContext, sessionContext.length);
  }

  private beginAsClient(options: ConnectOptions): void {
    openssl().SSL_set_connect_state(this.ssl);
    this.nameServer(options);
    this.resume(options.resumes);
  }

  private goOn(wire: TlsWire): 'up' | 'under-way' | 'failed' {
    const { SSL_do_handshake, ERR_clear_error } = openssl();
    for (;;) {
      ERR_clear_error();
      const result = SSL_do_handshake(wire.ssl);
      const wanted = result === 1 ? 'nothing' : wire.wantedAfter(result);
      // An alert leaves also where the handshake has failed.
      if (this.flush() === 'failed') return this.fail('the connection broke during the TLS handshake');
      if (wanted === 'nothing') return this.judge();
      if (wanted !== 'octets') return this.fail(this.whyNoHandshake());
      const fed = wire.feed();
      if (fed === WOULD_BLOCK) return 'under-way';
      if (fed <= 0) return this.fail('the connection ended during the TLS handshake');
      this.handshakeOctets += fed;
      if (this.handshakeOctets > emptyOctetsMax) return this.fail('the TLS handshake is too long');
    }
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
    if (options.role === 'server' && openssl().SSL_session_reused(this.ssl) === 1) options.ticketsOver?.issueTicket();
    return 'up';
  }

  /** Leaves with what is sent next. TLS 1.2 has no such tickets, and needs none. */
  private issueTicket(): void {
    if (this.life === 'up' && this.facts.version === 'TLSv1.3') openssl().SSL_new_session_ticket(this.ssl);
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

  private read(wire: TlsWire, into: Uint8Array): number {
    const { SSL_read, ERR_clear_error } = openssl();
    let count = 0;
    for (let octetsFed = 0; count < into.length; ) {
      ERR_clear_error();
      const place = count === 0 ? into : into.subarray(count);
      const result = SSL_read(wire.ssl, place, place.length);
      if (result > 0) {
        count += result;
        continue;
      }
      const fed = this.feedAfter(wire, result);
      octetsFed += fed;
      if (count === 0 && octetsFed > emptyOctetsMax) this.breakOff('the peer sends records without content');
      if (fed === 0 || this.failure !== undefined) break;
    }
    return count;
  }

  /** Where nothing could be read: how many octets more OpenSSL was given. */
  private feedAfter(wire: TlsWire, result: number): number {
    const wanted = wire.wantedAfter(result);
    if (wanted === 'end') this.peerEnd = 'ended';
    else if (wanted === 'failed') this.breakOff(notedErrors()[0] ?? 'broken');
    if (wanted !== 'octets') return 0;
    const fed = wire.feed();
    if (fed > 0) return fed;
    if (fed === WOULD_BLOCK) this.more = 'no';
    else if (fed === FAILED) this.breakOff(undefined);
    else this.takeTruncation();
    return 0;
  }

  private takeTruncation(): void {
    if (this.options.truncation === 'broken') {
      this.breakOff('the connection ended without close_notify, so perhaps too early');
      return;
    }
    this.truncated = true;
    this.peerEnd = 'ended';
  }

  private hasEnded(): boolean {
    return this.peerEnd === 'ended';
  }

  private atEnd(): number {
    this.more = 'no';
    return 0;
  }

  /** Records of 16 KiB at most each, which then leave together. */
  private write(wire: TlsWire, from: Uint8Array, begin: number, end: number): boolean {
    const { SSL_write, ERR_clear_error } = openssl();
    for (let at = begin; at < end; ) {
      const part = at === 0 && end === from.length ? from : from.subarray(at, end);
      ERR_clear_error();
      const written = SSL_write(wire.ssl, part, part.length);
      if (written <= 0) {
        this.breakOff(notedErrors()[0] ?? 'nothing can be sent any more');
        return false;
      }
      at += written;
    }
    return true;
  }

  private flush(): 'done' | 'blocked' | 'failed' {
    const flushed = this.wire?.flush() ?? 'done';
    if (flushed === 'failed') this.breakOff(undefined);
    return flushed;
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
    this.free();
    if (afterwards === 'close') this.carrier.close();
    else this.carrier.closeCleanly();
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

  private free(): void {
    this.wire?.free();
    this.wire = undefined;
    this.life = 'freed';
  }
}

/** Notes of OpenSSL's that say nothing to who does not know it. */
const saidOtherwise: Readonly<Record<string, string>> = {
  'wrong version number': 'the peer speaks no TLS',
  'packet length too long': 'the peer speaks no TLS',
  'http request': 'the peer speaks HTTP',
  'unsupported protocol': 'the peer offers no TLS 1.2 or later',
  'no shared cipher': 'the peer offers no cipher suite that is accepted here',
  'peer did not return a certificate': 'the client shows no certificate, which is required',
};

function isAddress(name: string): boolean {
  return name.includes(':') || /^\d+(\.\d+){3}$/.test(name);
}
