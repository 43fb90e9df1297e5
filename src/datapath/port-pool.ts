// Which port does the next way get? Bounded, chosen at random so that nobody can guess the next one
// (RFC 2577 §8, port stealing), each given out to one way at a time and returned exactly once.
// A peer whose own port is always the same (20) cannot connect to a port again while it remembers the last connection
// there (TIME-WAIT), so a returned port rests until half of the pool has been returned after it.
// No holder (a client address) has more than its share, so that nobody can take the ports from all others.

import { randomFillSync } from 'node:crypto';

export interface PortSpan {
  readonly from: number;
  readonly to: number;
}

/** `client-share`: there is room, and this client has its part of it. */
export interface PortRefusal {
  readonly cause: 'no-data-port' | 'client-share';
  readonly text: string;
}

const ofPool: PortRefusal = { cause: 'no-data-port', text: 'every port of dataPorts is in use' };
const ofShare: PortRefusal = {
  cause: 'client-share',
  text: 'the client address has as many data ports as one may have (sessions.dataPortsPerClient)',
};

// Ports that devices on the path treat as another protocol's: SIP helpers rewrite or drop what they see there
// (5060, 5061), H.323 (1720), SCCP (2000), PPTP (1723), RTSP (554 is below 1024), IRC DCC (6667).
const treatedSpecially: ReadonlySet<number> = new Set([1720, 1723, 2000, 5060, 5061, 6667]);

// Whoever sets up fewer has counted them for the few clients there are.
const dividedFrom = 8;

export class PortPool {
  /** Ports this pool has in all. */
  readonly size: number;
  private readonly free: number[];
  /** Returned ones, the first of them at `restingFrom`, in a ring. */
  private readonly resting: Uint16Array;
  private restingFrom = 0;
  private restingCount = 0;
  /** By port number: whether it is given out. */
  private readonly taken = new Uint8Array(65_536);
  /** By port number, where it is given out: to whom. */
  private readonly holders = new Map<number, number>();
  /** By holder: how many ports it has. */
  private readonly held = new Map<number, number>();
  private shareMax: number;
  private readonly random = new Uint32Array(256);
  private nextRandom = this.random.length;

  /** `share` of `shares`: engines divide the ports among themselves, so that no two choose the same. */
  constructor(spans: readonly PortSpan[], share = 0, shares = 1) {
    this.free = [];
    for (const { from, to } of spans) {
      for (let port = from; port <= to; port++) {
        if (port % shares === share && !treatedSpecially.has(port)) this.free.push(port);
      }
    }
    this.size = this.free.length;
    this.shareMax = this.size;
    this.resting = new Uint16Array((this.size >> 1) + 1);
  }

  get inUse(): number {
    return this.size - this.free.length - this.restingCount;
  }

  /** From now on no holder gets more than `portsMax`, nor the last quarter of the ports, unless they are a handful. */
  divide(portsMax: number): void {
    const kept = this.size < dividedFrom ? 0 : Math.floor(this.size / 4);
    this.shareMax = Math.min(portsMax, this.size - kept);
  }

  /** Why `take` gives nothing, if it does not. */
  refusal(holder: number): PortRefusal {
    if (this.free.length + this.restingCount === 0) return ofPool;
    return (this.held.get(holder) ?? 0) >= this.shareMax ? ofShare : ofPool;
  }

  /** A free port, or undefined when all are given out, or as many to this holder as one may have. */
  take(holder: number): number | undefined {
    const { free } = this;
    const heldBefore = this.held.get(holder) ?? 0;
    if (heldBefore >= this.shareMax) return undefined;
    // Rather one that has not rested than none, and still none that can be foretold.
    if (free.length === 0) while (this.restingCount > 0) free.push(this.wake());
    if (free.length === 0) return undefined;
    const index = this.draw() % free.length;
    const port = free[index]!;
    free[index] = free[free.length - 1]!;
    free.pop();
    this.taken[port] = 1;
    this.holders.set(port, holder);
    this.held.set(holder, heldBefore + 1);
    return port;
  }

  /** Giving back twice, or what was never taken, is our own mistake and throws. */
  giveBack(port: number): void {
    if (this.taken[port] !== 1) throw new Error(`port ${port} was returned twice`);
    this.taken[port] = 0;
    this.release(port);
    this.resting[(this.restingFrom + this.restingCount) % this.resting.length] = port;
    this.restingCount += 1;
    // One of them too many: half of the pool rests at most.
    if (this.restingCount === this.resting.length) this.free.push(this.wake());
  }

  private release(port: number): void {
    const holder = this.holders.get(port)!;
    this.holders.delete(port);
    const left = this.held.get(holder)! - 1;
    if (left === 0) this.held.delete(holder);
    else this.held.set(holder, left);
  }

  /** The one that has rested longest. */
  private wake(): number {
    const port = this.resting[this.restingFrom]!;
    this.restingFrom = (this.restingFrom + 1) % this.resting.length;
    this.restingCount -= 1;
    return port;
  }

  private draw(): number {
    if (this.nextRandom === this.random.length) {
      randomFillSync(this.random);
      this.nextRandom = 0;
    }
    return this.random[this.nextRandom++]!;
  }
}
