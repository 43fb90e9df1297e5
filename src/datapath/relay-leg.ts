// One leg of a relayed data connection: it listens for the one peer that it admits, or dials, and then is a socket.
// It knows nothing of the other leg.

import { addressFromOctets, type Endpoint, octetsOfAddress, sameAddress } from '../address/endpoint.ts';
import { containsAny } from '../address/network.ts';
import type { Result } from '../result.ts';
import type { DataLeg, ListeningLeg, Side } from '../session/expectation.ts';
import type { SysErrorCode } from '../sys/errno.ts';
import { type Pollable, type Poller, Ready } from '../sys/poller.ts';
import type { SocketAddress } from '../sys/socket-address.ts';
import type { SecureStream, SpliceableStream, Stream } from '../sys/stream.ts';
import { TcpListener } from '../sys/tcp-listener.ts';
import { TcpSocket } from '../sys/tcp-socket.ts';
import type { Securing } from './data-path.ts';
import type { PortPool, PortRefusal } from './port-pool.ts';

export interface LegResources {
  readonly poller: Poller;
  readonly ports: PortPool;
  /** The gateway's end of a leg may have the address of a client or a server whose packets pass here. */
  readonly transparent?: boolean;
  /** Code point of what the gateway sends; undefined for the kernel's default. */
  readonly dscp?: number | undefined;
}

/** What a leg tells the relay it belongs to. */
export interface LegOwner {
  onLegUp(side: Side): void;
  onLegStranger(side: Side, peer: Endpoint): void;
  /** The handshake of this leg is done. */
  onLegSecured(side: Side): void;
  onLegFailed(side: Side, reason: string): void;
  onLegReady(side: Side, events: number): void;
  /** Whose share of the data ports it uses. */
  readonly holder: number;
}

// Enough for a crowd of strangers in front of the rightful peer; the kernel makes the rest repeat their SYN.
const backlog = 16;
// Another program may sit on a port of the range; a few tries find one that is free unless nearly all are taken.
const bindTriesMax = 16;
// A flood of strangers must not hold the loop; the listener reports the rest again in the next turn.
const arrivalsPerTurn = 16;
const broken = Ready.error | Ready.hangUp;

export class RelayLeg implements Pollable {
  readonly side: Side;
  /** As it was connected; what carries TLS where that has been put over it. */
  private carrier: SpliceableStream | undefined;
  private secure: SecureStream | undefined;
  private shaking: 'no' | 'yes' = 'no';
  peer: Endpoint | undefined;
  private readonly plan: DataLeg;
  private readonly poller: Poller;
  private readonly ports: PortPool;
  private readonly transparent: boolean;
  private readonly dscp: number | undefined;
  private readonly owner: LegOwner;
  private listener: TcpListener | undefined;
  private port: number | undefined;
  /** Events since the leg is up: edges that came before the other leg was there. */
  heard = 0;
  private up: 'no' | 'yes' = 'no';

  constructor(side: Side, plan: DataLeg, shared: LegResources, owner: LegOwner) {
    this.side = side;
    this.plan = plan;
    this.poller = shared.poller;
    this.ports = shared.ports;
    this.transparent = shared.transparent === true;
    this.dscp = shared.dscp;
    this.owner = owner;
  }

  get isUp(): boolean {
    return this.up === 'yes';
  }

  /** Octets may pass: it is up, and no handshake is under way. */
  get isReady(): boolean {
    return this.up === 'yes' && this.shaking === 'no';
  }

  /** What octets go through. */
  get socket(): Stream | undefined {
    return this.secure ?? this.carrier;
  }

  /** The same, where its octets can pass through the kernel. */
  get spliceable(): SpliceableStream | undefined {
    return this.secure === undefined ? this.carrier : undefined;
  }

  get isSecure(): boolean {
    return this.secure !== undefined;
  }

  /** Why it has failed, for people. */
  get failure(): string {
    return this.secure?.failureText ?? this.carrier?.failure ?? 'ECONNRESET';
  }

  /** Puts TLS over a connection that is up. Reports `onLegSecured` or `onLegFailed`, perhaps before it returns. */
  protect(securing: Securing): void {
    if (this.carrier === undefined || this.secure !== undefined) return;
    this.secure = securing(this.carrier);
    this.shaking = 'yes';
    this.shake(this.secure);
  }

  private shake(secure: SecureStream): void {
    const state = secure.handshake();
    if (state === 'under-way') return;
    this.shaking = 'no';
    if (state === 'up') this.owner.onLegSecured(this.side);
    else this.owner.onLegFailed(this.side, secure.failureText);
  }

  /** It listens, and nobody has come. */
  get isAwaited(): boolean {
    return this.listener !== undefined;
  }

  /** Starts listening where the plan says so, at the port that it gives; a dialling leg has nothing to open. */
  open(): Result<number | undefined, PortRefusal> {
    if (this.plan.mode === 'dial') return { ok: true, value: undefined };
    const { transparent, dscp } = this;
    const octets = octetsOfAddress(this.plan.local);
    let code: SysErrorCode | undefined;
    const skipped: number[] = [];
    for (let tries = 0; tries < bindTriesMax && this.listener === undefined; tries++) {
      const port = this.ports.take(this.owner.holder);
      if (port === undefined) break;
      const listened = TcpListener.open(this.poller, { octets, port }, this, { backlog, transparent, dscp });
      if (listened.ok) {
        this.listener = listened.value;
        this.port = port;
      } else {
        code = listened.reason.code;
        skipped.push(port);
        if (code !== 'EADDRINUSE' && code !== 'EACCES') break;
      }
    }
    for (const port of skipped) this.ports.giveBack(port);
    if (this.port !== undefined) return { ok: true, value: this.port };
    if (code === undefined) return { ok: false, reason: this.ports.refusal(this.owner.holder) };
    const text = `cannot listen on ${this.plan.local.text}: ${code}`;
    return { ok: false, reason: { cause: 'no-data-port', text } };
  }

  /** Begins to dial; undefined, or why it cannot even begin. */
  dial(): string | undefined {
    if (this.plan.mode !== 'dial' || this.carrier !== undefined) return undefined;
    const { remote, local, sourcePort } = this.plan;
    this.peer = remote;
    const to: SocketAddress = { octets: octetsOfAddress(remote.address), port: remote.port };
    const from = local === undefined ? undefined : { octets: octetsOfAddress(local), port: sourcePort ?? 0 };
    const { transparent, dscp } = this;
    const options = from === undefined ? { transparent, dscp } : { from, transparent, dscp };
    const dialled = TcpSocket.dial(this.poller, to, this, options);
    if (!dialled.ok) return dialled.reason;
    this.carrier = this.own(dialled.value);
    return undefined;
  }

  onReady(events: number): void {
    if (this.up === 'yes') {
      this.heard |= events;
      this.secure?.hear(events);
      if (this.secure !== undefined && this.shaking === 'yes') this.shake(this.secure);
      else this.owner.onLegReady(this.side, events);
    } else if (this.listener !== undefined) this.takeArrivals(this.listener, this.plan as ListeningLeg);
    else if (this.carrier !== undefined && (events & (Ready.out | broken)) !== 0) this.onDialled(this.carrier, events);
  }

  /** A mistake of ours ends this way, and nothing else. */
  onMistake(): void {
    this.owner.onLegFailed(this.side, 'internal error');
  }

  /** Stops listening and gives the port back: the way is used, or gone. */
  stopListening(): void {
    this.listener?.close();
    this.listener = undefined;
    if (this.port !== undefined) this.ports.giveBack(this.port);
    this.port = undefined;
  }

  private takeArrivals(listener: TcpListener, plan: ListeningLeg): void {
    for (let taken = 0; taken < arrivalsPerTurn; taken++) {
      const accepted = listener.accept();
      if (accepted === undefined) return;
      if (typeof accepted === 'string') {
        // No descriptor left to accept with: failing this way is honest, polling for better times is not.
        this.owner.onLegFailed(this.side, accepted);
        return;
      }
      const { octets, port } = accepted.peer;
      // Nearly always it is the one expected: then its text need not be made.
      const expected = sameOctets(octets, octetsOfAddress(plan.admits));
      const peer: Endpoint = { address: expected ? plan.admits : addressFromOctets(octets), port };
      const socket = TcpSocket.accepted(this.poller, accepted.fd, this);
      const admitted = sameAddress(peer.address, plan.admits) || containsAny(plan.admitsToo, peer.address);
      if (!admitted) {
        // RFC 2577 §4: whoever guesses the port first must neither read the file nor use up the way.
        socket.reset();
        this.owner.onLegStranger(this.side, peer);
        // The owner may have closed the way.
        if (this.listener === undefined) return;
        continue;
      }
      this.retire(listener);
      this.carrier = this.own(socket);
      this.peer = peer;
      this.up = 'yes';
      this.owner.onLegUp(this.side);
      return;
    }
  }

  /** Nobody is taken any more; the rest can wait until the other leg is dialled, for which the peers do wait. */
  private retire(listener: TcpListener): void {
    const { port } = this;
    this.listener = undefined;
    this.port = undefined;
    listener.closeAtLast(() => {
      if (port !== undefined) this.ports.giveBack(port);
    });
  }

  // A server that is left without a word stores an empty file; a client that is has no 226 yet, and needs no care
  // before octets flow to it.
  private own(socket: SpliceableStream): SpliceableStream {
    if (this.side === 'server') socket.partWithReset();
    return socket;
  }

  private onDialled(socket: SpliceableStream, events: number): void {
    // Writable and not broken is connected; only then is the reason not worth a system call.
    if ((events & broken) === 0 || socket.connected()) {
      this.up = 'yes';
      this.heard = events;
      this.owner.onLegUp(this.side);
    } else this.owner.onLegFailed(this.side, socket.failure ?? 'EOTHER');
  }
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index += 1) if (a[index] !== b[index]) return false;
  return true;
}
