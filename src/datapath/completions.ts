// Through which holes has a connection been completed, and which? First packets prove nothing, so of what was begun at
// a hole the kernel is asked which flow carries the note that it has taken the pinhole out (nftables/chains.ts).
// Must not break: a hole has one such flow at most, and an earlier one between the same ends is not taken for it.

import { addressFromOctets, type Endpoint, printEndpoint } from '../address/endpoint.ts';
import { hasPassed, passing } from '../nftables/hole.ts';
import { type FlowTuple, type FlowWatch, stageOf } from '../sys/conntrack.ts';
import type { ElementChange, SetElements } from '../sys/nfnetlink.ts';

/** What was begun at one hole and may be complete by now. */
export class Attempts {
  /** Whether there are more of them than are kept here. */
  private crowd: 'no' | 'yes' = 'no';
  private kept: readonly FlowTuple[] = [];
  /** When none of them was complete yet, as far as is known. */
  sinceMs: number;

  constructor(nowMs: number) {
    this.sinceMs = nowMs;
  }

  get isEmpty(): boolean {
    return this.kept.length === 0 && this.crowd === 'no';
  }

  /** Whether it takes the kernel's list to find the one among them. */
  get isCrowd(): boolean {
    return this.crowd === 'yes';
  }

  get flows(): readonly FlowTuple[] {
    return this.kept;
  }

  add(flow: FlowTuple, nowMs: number): void {
    if (this.isEmpty) this.sinceMs = nowMs;
    if (this.kept.length < keptMax) this.kept = [...this.kept, flow];
    else this.crowd = 'yes';
  }

  /** At that time these were the ones that are still being made. */
  leave(flows: readonly FlowTuple[], nowMs: number): void {
    this.kept = flows;
    if (flows.length > 0) this.sinceMs = nowMs;
  }
}

// Of an honest peer there is one, two where it was impatient.
const keptMax = 4;

export class Completions {
  private readonly watch: FlowWatch;
  private readonly elements: SetElements;
  private readonly isKnown: (flow: FlowTuple) => boolean;

  /** `isKnown`: flows that have been found before and have not been told to have ended. */
  constructor(watch: FlowWatch, elements: SetElements, isKnown: (flow: FlowTuple) => boolean) {
    this.watch = watch;
    this.elements = elements;
    this.isKnown = isKnown;
  }

  /**
   * The one flow that was completed through the hole; `heard`: whether every one that was begun is among the attempts.
   */
  at(
    key: string,
    opened: readonly ElementChange[],
    attempts: Attempts,
    heard: 'all' | 'some',
    nowMs: number,
  ): FlowTuple | undefined {
    if (heard === 'all' && !attempts.isCrowd) return this.among(attempts, nowMs);
    // The answer costs as much however many have tried: as long as the element is there, none has come through.
    if (this.elements.isThere(passing(opened))) return undefined;
    return this.among(attempts, nowMs) ?? this.all().get(key);
  }

  /** One of each hole that had one, by the key of the hole. It looks through all connections of the machine. */
  all(): Map<string, FlowTuple> {
    const found = new Map<string, FlowTuple>();
    for (const flow of this.watch.list() ?? []) {
      if (!hasPassed(flow.label) || this.isKnown(flow.original)) continue;
      const key = keyOfTuple(flow.original);
      // Others of that hole have ended, and are forgotten in a while.
      if (stageOf(flow) === 'joined' || !found.has(key)) found.set(key, flow.original);
    }
    return found;
  }

  hasPassed(flow: FlowTuple): boolean {
    return hasPassed(this.watch.ask(flow)?.label);
  }

  private among(attempts: Attempts, nowMs: number): FlowTuple | undefined {
    const left: FlowTuple[] = [];
    for (const flow of attempts.flows) {
      const now = this.watch.ask(flow);
      if (hasPassed(now?.label)) return flow;
      if (now !== undefined && stageOf(now) === 'opening') left.push(flow);
    }
    attempts.leave(left, nowMs);
    return undefined;
  }
}

/** The key of the hole that a flow went through, or would have: who came, and to where. */
export function keyOfTuple({ source, destination, destinationPort: port }: FlowTuple): string {
  const to: Endpoint = { address: addressFromOctets(destination), port };
  return `${addressFromOctets(source).text} ${printEndpoint(to)}`;
}
