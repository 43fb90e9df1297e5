// How do elements get into the sets and maps of our nftables table, and out again, within microseconds?
// One commit is one transaction of the kernel, all of its changes or none, and synchronous, so that no line can
// overtake the way that it names. A refused transaction costs milliseconds, for which the kernel waits (RCU) while it
// undoes things: no ordinary course of events may lead to one. netlink(7), nft(8).

import { done, type Result } from '../result.ts';
import { type Deletion, ElementBatch, type ElementChange } from './element-batch.ts';
import type { SysErrorCode } from './errno.ts';
import { messagesIn, NLMSG_ERROR } from './netlink.ts';
import { NetlinkSocket, staleMax } from './netlink-socket.ts';

export type { ElementChange } from './element-batch.ts';

/**
 * What stands in the way of a transaction. `set` is the set of the change that was refused; undefined where the
 * transaction was. Codes:
 * EEXIST: an added key is there and has not expired; EBUSY: in a map, with another value. ENFILE: the set is full.
 * ENOENT: no such table, set or key to delete. EINVAL: key, value or timeout do not fit the set. EPERM: CAP_NET_ADMIN
 * is missing. EMSGSIZE: more changes than one transaction holds (a hundred and more). ETIMEDOUT: no answer came, and
 * only here it is unknown whether the changes took place.
 */
interface Uncommitted {
  readonly code: SysErrorCode;
  readonly set: string | undefined;
}

export type Committed = Result<undefined, Uncommitted>;

// While the kernel makes a set's hash table larger or smaller it may refuse an addition (EBUSY:
// rhashtable_insert_rehash). Once in some thousand, and the time that the refusal itself takes is enough for that to be
// over.
const resizingTriesMax = 3;

/** The elements of one inet table in the network namespace of the thread that opens this. */
export class SetElements {
  private readonly batch: ElementBatch;
  private readonly socket: NetlinkSocket;
  private deletion: Deletion;
  private sequence = 0;
  /** Of the last transaction: what was refused with ENOENT. */
  private readonly missing = new Set<ElementChange>();
  /** What the answer to the transaction under way has said until now. */
  private soFar: Committed = done;

  private constructor(table: string, socket: NetlinkSocket, deletion: Deletion) {
    this.batch = new ElementBatch(table);
    this.socket = socket;
    this.deletion = deletion;
  }

  /**
   * Throws SysError. Whether the table is there, and may be changed, shows at the first commit. A kernel that does not
   * know 'destroy' is found out at the first removal.
   */
  static open(table: string, deletion: Deletion = 'destroy'): SetElements {
    return new SetElements(table, NetlinkSocket.open(), deletion);
  }

  /** One transaction: all changes or none. */
  commit(changes: readonly ElementChange[]): Committed {
    return changes.length === 0 ? done : this.add(changes, 'delete');
  }

  /** Takes away what these deletions name. What is gone already, used or timed out, is no failure. */
  remove(changes: readonly ElementChange[]): Committed {
    // An addition among them would open what its caller wants closed.
    if (changes.some(isAddition)) throw new TypeError('remove() takes deletions only');
    let left = this.deletion === 'destroy' ? changes : changes.filter((change) => this.isThere(change));
    // What goes between the question and the deletion, or with its set, takes the others' transaction with it: once
    // more.
    while (left.length > 0) {
      const removed = this.transact(left, this.deletion);
      if (removed.ok) return removed;
      const { code } = removed.reason;
      if (code === 'EINVAL' && this.deletion === 'destroy') return this.removeWithoutDestroy(left);
      if (code !== 'ENOENT' || this.missing.size === 0) return removed;
      left = left.filter((change) => !this.missing.has(change));
    }
    return done;
  }

  /**
   * As `remove` and then `commit`, but all in one transaction, which costs half of two; where the kernel does not know
   * 'destroy', it is two. `gone` may be in the way of what is added.
   */
  exchange(gone: readonly ElementChange[], changes: readonly ElementChange[]): Committed {
    if (gone.length === 0) return this.commit(changes);
    if (gone.some(isAddition)) throw new TypeError('exchange() takes away by deletions only');
    if (this.deletion === 'destroy') {
      const exchanged = this.add([...gone, ...changes], 'destroy');
      if (exchanged.ok || exchanged.reason.code !== 'EINVAL') return exchanged;
    }
    const removed = this.remove(gone);
    return removed.ok ? this.commit(changes) : removed;
  }

  close(): void {
    this.socket.close();
  }

  /** Before Linux 6.3 'destroy' is EINVAL; so is a key that does not fit its set, everywhere. */
  private removeWithoutDestroy(changes: readonly ElementChange[]): Committed {
    this.deletion = 'delete';
    const removed = this.remove(changes);
    if (!removed.ok && removed.reason.code === 'EINVAL') this.deletion = 'destroy';
    return removed;
  }

  /** Is the key there, and has not timed out? On doubt yes. */
  isThere({ set, key }: Pick<ElementChange, 'set' | 'key'>): boolean {
    const sequence = this.sequence;
    this.sequence = (sequence + 1) >>> 0;
    return !(this.batch.writeQuestion(set, key, sequence) && this.socket.hasNone(this.batch.writer, sequence));
  }

  /** A transaction with additions in it. */
  private add(changes: readonly ElementChange[], deletion: Deletion): Committed {
    let result = this.transact(changes, deletion);
    for (let tries = 1; tries < resizingTriesMax && !result.ok && result.reason.code === 'EBUSY'; tries++) {
      result = this.transact(changes, deletion);
    }
    return result;
  }

  private transact(changes: readonly ElementChange[], deletion: Deletion): Committed {
    this.missing.clear();
    const first = this.sequence;
    const { batch } = this;
    if (!batch.write(changes, deletion, first)) return failed('EMSGSIZE');
    this.sequence = (first + changes.length + 2) >>> 0;
    const code = this.socket.send(batch.writer.octets, batch.writer.length);
    return code === undefined ? this.readAnswer(changes, first) : failed(code);
  }

  /** The kernel goes through all changes even after a refusal, and what it says of the last one comes last. */
  private readAnswer(changes: readonly ElementChange[], first: number): Committed {
    this.soFar = done;
    for (let receipts = changes.length + staleMax; receipts > 0; receipts--) {
      const count = this.socket.receive();
      if (typeof count !== 'number') return failed(count);
      const outcome = this.readDatagram(count, changes, first);
      if (outcome !== undefined) return outcome;
    }
    return this.refusedWhole('ETIMEDOUT');
  }

  /** How the transaction went, once a datagram says it of the last change or of the whole. */
  private readDatagram(count: number, changes: readonly ElementChange[], first: number): Committed | undefined {
    for (const { type, sequence, from, to } of messagesIn(this.socket.answer, count)) {
      const place = (sequence - first) >>> 0;
      if (type !== NLMSG_ERROR || place > changes.length) continue;
      const code = this.socket.errorAt(from, to);
      // The transaction as a whole: not permitted, no memory. What else is said of its parts no longer matters.
      if (place === 0) return this.refusedWhole(code ?? 'EPROTO');
      if (code !== undefined) this.refused(changes[place - 1]!, code);
      if (place === changes.length) return this.soFar;
    }
    return undefined;
  }

  /** The first refusal counts, but ENOENT, which a removal does not mind, only where there is no other. */
  private refused(change: ElementChange, code: SysErrorCode): void {
    if (code === 'ENOENT') this.missing.add(change);
    if (this.soFar.ok || this.soFar.reason.code === 'ENOENT') this.soFar = failed(code, change.set);
  }

  /** Answers that are still to come must find nobody. */
  private refusedWhole(code: SysErrorCode): Committed {
    this.socket.close();
    return failed(code);
  }
}

function failed(code: SysErrorCode, set?: string): Committed {
  return { ok: false, reason: { code, set } };
}

function isAddition(change: ElementChange): boolean {
  return change.kind === 'add';
}
