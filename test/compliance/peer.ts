// The far end of one leg: an FTP client's or server's data socket. It sends its stream of octets, checks each octet
// that comes against the other side's stream, and keeps what it saw: how many, the end, the failure. It may have put
// TLS over its socket: then all this is what it saw under TLS, and `connected` is when the handshake is up.

import assert from 'node:assert/strict';
import { addressFromOctets, type Endpoint, octetsOfAddress } from '../../src/address/endpoint.ts';
import type { Side } from '../../src/session/expectation.ts';
import { type Pollable, type Poller, Ready } from '../../src/sys/poller.ts';
import type { SocketAddress } from '../../src/sys/socket-address.ts';
import { type SecureStream, type Stream, WOULD_BLOCK } from '../../src/sys/stream.ts';
import { TcpListener } from '../../src/sys/tcp-listener.ts';
import { TcpSocket } from '../../src/sys/tcp-socket.ts';
import { fromClient, fromServer, type Pattern, pieceMax } from './pattern.ts';

const buffer = new Uint8Array(pieceMax);
/** Puts TLS over a peer's connection; undefined: it speaks in the clear. */
export type PeerTls = ((side: Side, carrier: Stream) => SecureStream) | undefined;

const connectedOrNot = Ready.out | Ready.error | Ready.hangUp;

export class Peer implements Pollable {
  life: 'waiting' | 'connected' | 'broken' | 'closed' = 'waiting';
  received = 0;
  sent = 0;
  /** The other end's direction has ended cleanly. */
  hasEnded = false;
  /** How many octets had come when the end came. */
  receivedBeforeEnd: number | undefined;
  failure: string | undefined;
  /** That came after the first, and were let through. */
  furtherConnections = 0;
  /** Its end of the connection, from the moment it dials or is dialled. */
  local: Endpoint | undefined;
  /** Where the gateway's connection came from; set for a peer that listened. */
  gateway: Endpoint | undefined;
  private readonly outgoing: Pattern;
  private readonly incoming: Pattern;
  private readonly poller: Poller;
  private listener: TcpListener | undefined;
  private socket: TcpSocket | undefined;
  private readonly side: Side;
  private readonly tls: PeerTls;
  private secure: SecureStream | undefined;
  private wanted = 0;
  private afterwards: 'stay' | 'end-writing' | 'ended' = 'stay';
  private appetite: 'reads' | 'waits' = 'reads';

  private constructor(side: Side, poller: Poller, tls: PeerTls) {
    this.poller = poller;
    this.side = side;
    this.tls = tls;
    [this.outgoing, this.incoming] = side === 'client' ? [fromClient, fromServer] : [fromServer, fromClient];
  }

  /** Dials the gateway from an address of its own. */
  static dialling(side: Side, poller: Poller, from: SocketAddress, to: SocketAddress, tls?: PeerTls): Peer {
    const peer = new Peer(side, poller, tls);
    const dialled = TcpSocket.dial(poller, to, peer, { from });
    if (!dialled.ok) peer.breakWith(dialled.reason);
    else {
      peer.socket = dialled.value;
      peer.local = endpointOf(dialled.value.localAddress());
    }
    return peer;
  }

  /** Waits for the gateway to dial; takes one connection, and counts what more comes. */
  static listening(side: Side, poller: Poller, at: SocketAddress, tls?: PeerTls): Peer {
    const peer = new Peer(side, poller, tls);
    const listened = TcpListener.open(poller, at, peer, { backlog: 4 });
    assert.ok(listened.ok, 'the peer can listen');
    peer.listener = listened.value;
    return peer;
  }

  /** Where it listens. */
  get listeningPort(): number {
    return this.listener!.localPort();
  }

  /** So many octets more, as the kernel takes them. */
  send(octets: number): this {
    this.wanted += octets;
    this.push();
    return this;
  }

  /** One octet marked urgent (MSG_OOB), as no FTP program sends on a data connection. */
  sendUrgent(): void {
    assert.equal(this.socket!.sendUrgent(Uint8Array.of(33)), 1);
  }

  /** After everything that is still to be sent. */
  endWriting(): this {
    this.afterwards = 'end-writing';
    this.push();
    return this;
  }

  stopReading(): this {
    this.appetite = 'waits';
    return this;
  }

  startReading(): void {
    this.appetite = 'reads';
    this.pull();
  }

  reset(): void {
    this.life = 'closed';
    this.stream?.reset();
    this.listener?.close();
  }

  close(): void {
    this.life = 'closed';
    this.stream?.close();
    this.socket?.close();
    this.listener?.close();
  }

  /** What its octets go through. */
  private get stream(): Stream | undefined {
    return this.secure ?? this.socket;
  }

  get wasReset(): boolean {
    // EPIPE is how the kernel calls a reset that came after the end of the other direction.
    return this.failure === 'ECONNRESET' || this.failure === 'EPIPE';
  }

  onReady(events: number): void {
    if (this.listener !== undefined) this.accept();
    if (this.socket === undefined) return;
    this.secure?.hear(events);
    if (this.life === 'waiting' && (events & connectedOrNot) !== 0) {
      if (!this.socket.connected()) this.breakWith(this.socket.failure!);
      else if (this.tls === undefined) this.life = 'connected';
      else this.secure ??= this.tls(this.side, this.socket);
    }
    this.shake();
    // A reset is told once, to whoever asks first: one that does not read would not learn of it by reading.
    if (this.life === 'connected' && this.appetite === 'waits' && (events & Ready.error) !== 0) {
      if (!this.socket!.connected()) this.breakWith(this.socket!.failure!);
    }
    this.pull();
    this.push();
  }

  private accept(): void {
    const accepted = this.life === 'closed' ? undefined : this.listener?.accept();
    if (accepted === undefined) return;
    assert.ok(typeof accepted === 'object', String(accepted));
    if (this.socket !== undefined) {
      this.furtherConnections++;
      TcpSocket.accepted(this.poller, accepted.fd, this).close();
      return;
    }
    this.gateway = endpointOf(accepted.peer);
    this.socket = TcpSocket.accepted(this.poller, accepted.fd, this);
    this.local = endpointOf(this.socket.localAddress());
    if (this.tls === undefined) this.life = 'connected';
    else this.secure = this.tls(this.side, this.socket);
    this.shake();
  }

  private shake(): void {
    if (this.life !== 'waiting' || this.secure === undefined) return;
    const state = this.secure.handshake();
    if (state === 'up') this.life = 'connected';
    else if (state === 'failed') this.breakWith(this.secure.failure!);
  }

  private pull(): void {
    while (this.life === 'connected' && this.appetite === 'reads' && !this.hasEnded) {
      const count = this.stream!.receive(buffer);
      if (count === WOULD_BLOCK) return;
      if (count < 0) this.breakWith(this.stream!.failure!);
      else if (count === 0) {
        this.hasEnded = true;
        this.receivedBeforeEnd = this.received;
      } else this.check(buffer.subarray(0, count));
    }
    // After a clean end a reset may still follow, and only the error of the socket tells.
    if (this.life === 'connected' && this.hasEnded && !this.socket!.connected()) this.breakWith(this.socket!.failure!);
  }

  private check(octets: Uint8Array): void {
    const expected = this.incoming.piece(this.received, octets.length);
    if (Buffer.compare(octets, expected) !== 0) {
      const at = octets.findIndex((octet, index) => octet !== expected[index]);
      assert.fail(`octet ${this.received + at} is not the one that was sent`);
    }
    this.received += octets.length;
  }

  private push(): void {
    while (this.life === 'connected' && this.sent < this.wanted) {
      const count = this.stream!.send(this.outgoing.piece(this.sent, this.wanted - this.sent));
      if (count === WOULD_BLOCK) return;
      if (count < 0) this.breakWith(this.stream!.failure!);
      else this.sent += count;
    }
    if (this.life !== 'connected' || this.afterwards !== 'end-writing') return;
    this.afterwards = 'ended';
    this.stream!.endWriting();
  }

  private breakWith(code: string): void {
    this.failure = code;
    this.life = 'broken';
    this.socket?.close();
  }
}

/** An address and port as the kernel wants them; port 0 leaves the choice to it. */
export function socketAddress(address: Endpoint['address'], port = 0): SocketAddress {
  return { octets: octetsOfAddress(address), port };
}

function endpointOf({ octets, port }: SocketAddress): Endpoint {
  return { address: addressFromOctets(octets), port };
}
