// The table that transparent listeners need in the kernel: there before the first of them listens, in step with the
// settings, gone after the last session. Of one gateway, not of one engine: engines only put elements into it.
// Must not break: nothing is changed before everything is known to work, a table that the operator loaded is only
// looked at, and one by which another gateway lives is not touched.

import { bothDrops, type DropCounts, dropsSince, noDrops, readDropCounters } from '../nftables/drop-counters.ts';
import { check, install, probe, remove, type TableOutcome } from '../nftables/table.ts';
import type { TablePlan } from '../nftables/table-plan.ts';
import type { KernelSettings, Settings } from '../settings/settings.ts';
import { HeldName } from '../sys/held-name.ts';
import { NftPresence } from '../sys/nft-presence.ts';
import { tablePlanOf } from './table-plan-of.ts';

/**
 * `installed`: the table is ours to write and to remove; `loaded-by-operator`: it must be there already (run
 * --no-install).
 */
export type TableKeeping = 'installed' | 'loaded-by-operator';

export class Perimeter {
  private readonly keeping: TableKeeping;
  private standing: TablePlan | undefined;
  /** That the table is this process's to keep. */
  private claim: HeldName | undefined;
  private readonly presence = new NftPresence();
  /** What the counters of the standing table showed when they were last looked at. */
  private seen: DropCounts = noDrops;
  /** Dropped by tables that have been replaced since, and not yet given. */
  private untold: DropCounts = noDrops;

  constructor(keeping: TableKeeping) {
    this.keeping = keeping;
  }

  /** Undefined once the kernel fits these settings, or in one sentence each why it does not; then all is as it was. */
  apply(settings: Settings): string | undefined {
    const plan = tablePlanOf(settings);
    if (plan === undefined) {
      this.remove();
      return undefined;
    }
    // The operator may have reloaded a ruleset that begins with `flush ruleset`, and SIGHUP is how to mend that.
    if (JSON.stringify(plan) === JSON.stringify(this.standing) && check(plan).ok) return undefined;
    const problem =
      this.claimed(plan.table) ?? (this.keeping === 'installed' ? this.install(plan) : problemOf(check(plan)));
    if (problem !== undefined) {
      if (this.standing === undefined) this.disclaim();
      return problem;
    }
    // What a table of the operator's has dropped before is not of this process.
    if (this.keeping === 'loaded-by-operator' && plan.table !== this.standing?.table) {
      this.seen = readDropCounters(plan.table) ?? noDrops;
    }
    this.standing = plan;
    return undefined;
  }

  /**
   * `flush ruleset` takes our table with all others, and control connections would pass unread: puts it back. `sound`,
   * also where there is nothing to keep; `restored`; or why it cannot be mended from here.
   */
  mend(): 'sound' | 'restored' | { readonly problem: string } {
    if (this.standing === undefined) return 'sound';
    const found = check(this.standing);
    if (found.ok) return 'sound';
    if (this.keeping === 'loaded-by-operator') return { problem: found.reason };
    const problem = this.install(this.standing);
    return problem === undefined ? 'restored' : { problem };
  }

  /** Has a table that is ours to keep gone? To be asked often; whether it is whole only `mend` knows. */
  hasGone(): boolean {
    return this.keeping === 'installed' && this.standing !== undefined && this.presence.isAbsent(this.standing.table);
  }

  /** Packets that the table has dropped since this was last asked. */
  newDrops(): DropCounts {
    this.look();
    const told = this.untold;
    this.untold = noDrops;
    return told;
  }

  /** What of these settings can be had while the table stands: its name and the marks stay until the end. */
  kernelSettings(wanted: KernelSettings): KernelSettings {
    if (this.standing === undefined) return wanted;
    const { table, divertMark, dataMark, serverMark } = this.standing;
    return { ...wanted, table, divertMark, dataMark, serverMark };
  }

  /** Leaves nothing of ours behind. */
  remove(): void {
    if (this.standing !== undefined && this.keeping === 'installed') remove(this.standing);
    this.standing = undefined;
    this.seen = noDrops;
    this.presence.close();
    this.disclaim();
  }

  /** The name stays the same while the table stands. A table whose keeper has died is there for the taking. */
  private claimed(table: string): string | undefined {
    if (this.claim !== undefined) return undefined;
    const holding = HeldName.hold(`portcullis table inet ${table}`);
    if (holding.ok) {
      this.claim = holding.value;
      return undefined;
    }
    const code = holding.reason;
    if (code === 'EPERM') return `no right to the nftables table inet ${table}; give the process CAP_NET_ADMIN`;
    if (code !== 'EADDRINUSE') return `cannot claim the nftables table inet ${table}: ${code}`;
    const remedy = 'stop that one, or give this one a table of its own (kernel.table)';
    const who = `another Portcullis runs here with the nftables table inet ${table}`;
    return `${who} (ss -f netlink shows whose sockets there are); ${remedy}`;
  }

  private disclaim(): void {
    this.claim?.release();
    this.claim = undefined;
  }

  private install(plan: TablePlan): string | undefined {
    const obstacles = probe(plan);
    if (obstacles.length > 0) return obstacles.join('\n');
    // The last moment at which its counters can be read.
    this.look();
    const problem = problemOf(install(plan, { replace: true }));
    if (problem === undefined) this.seen = noDrops;
    return problem;
  }

  private look(): void {
    const now = this.standing === undefined ? undefined : readDropCounters(this.standing.table);
    if (now === undefined) return;
    this.untold = bothDrops(this.untold, dropsSince(this.seen, now));
    this.seen = now;
  }
}

function problemOf(outcome: TableOutcome): string | undefined {
  return outcome.ok ? undefined : outcome.reason;
}
