// Can two gateways share one router, each with a table, marks, ports and a server of its own? What one does to its
// table, by a start, a stop or a death, must not be felt by whoever is served by the other.
//
//   client 198.51.100.2 ─── wan0 router lan0 ─── 10.77.0.2:21   vsftpd,  by `first`:  table first,  marks 0x1, 0xf7b
//                                            ─── 10.77.0.3:2100 ProFTPD, by `second`: table second, marks 0x2, 0xf7c
//
// The operator's firewall lets nothing through but what carries one of the two data marks, and counts it by mark.
// Tables are compared as nft prints them with handles: one that was written anew, even to the same words, has others.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dataModes } from '../support/clients/client.ts';
import { readLog } from '../support/gateway.ts';
import { whyNoPerimeter } from '../support/perimeter/lab.ts';
import { first, type Neighbour, Neighbours, second } from '../support/perimeter/neighbours.ts';
import { counted, tables } from '../support/perimeter/nft.ts';
import { octetsThereAndBack } from '../support/perimeter/there-and-back.ts';
import type { RunningProgram } from '../support/process.ts';
import { becomes } from '../support/watch.ts';

describe('two gateways on one router', { skip: whyNoPerimeter() }, () => {
  let site: Neighbours;
  let programs: Map<Neighbour, RunningProgram>;

  before(async () => {
    site = await Neighbours.open();
    programs = new Map([
      [first, await site.start(first)],
      [second, await site.start(second)],
    ]);
  });
  after(() => site.lab.close());

  test('each carries what is for its own port, in every mode, both at once', async () => {
    await Promise.all([first, second].map((each) => site.works(each, dataModes)));
    for (const [{ name, server }, program] of programs) {
      const transfers = () => readLog(program.output).filter(({ msg }) => msg === 'transfer');
      await becomes(() => transfers().length, dataModes.length * 2);
      for (const record of transfers()) {
        const { listener, plane, outcome } = record;
        assert.deepEqual({ listener, plane, outcome }, { listener: name, plane: 'kernel', outcome: 'completed' });
        assert.ok(JSON.stringify(record).includes(server.host), JSON.stringify(record));
      }
      // With the mark of the other, the other's counter would have all of it.
      const { octets } = await counted(site.lab.router, 'filter', name);
      const all = dataModes.length * octetsThereAndBack;
      assert.ok(octets >= all && octets < all * 1.5, `${name}: ${octets} octets`);
    }
  });

  test('each has its own table, with its own marks, and a pinhole is in that alone', async () => {
    assert.deepEqual(await tables(site.lab.router), ['filter', 'first', 'second']);
    for (const [own, other] of [
      [first, second],
      [second, first],
    ] as const) {
      const text = await site.listing(own);
      for (const kind of ['divertMark', 'dataMark'] as const) {
        assert.ok(text.includes(setting(own[kind])), text);
        assert.ok(!text.includes(setting(other[kind])), text);
      }
    }
    const [one, two] = [await site.waiting(first), await site.waiting(second)];
    assert.deepEqual(await site.pinholes(first), [one.element]);
    assert.deepEqual(await site.pinholes(second), [two.element]);
    await site.served(first, one);
    assert.deepEqual(await site.pinholes(first), []);
    assert.deepEqual(await site.pinholes(second), [two.element]);
    await site.served(second, two);
  });

  test('a normal stop takes its own table alone, and the other serves on', async () => {
    await site.waiting(first);
    const carried = await site.underWay(second);
    const open = await site.waiting(second);
    const before = await site.listing(second);
    assert.ok(before.includes(open.element), before);

    const program = programs.get(first)!;
    program.signal('SIGTERM');
    assert.equal((await program.finished).exitCode, 0, program.output);
    assert.deepEqual(await tables(site.lab.router), ['filter', 'second']);
    assert.equal(await site.listing(second), before);

    await carried.goesOn();
    await site.served(second, open);
    await site.works(second);
    programs.set(first, await site.start(first));
    await carried.arrives();
    await Promise.all([site.works(first), site.works(second)]);
  });

  test('killed and started again, one replaces its own table alone, and the other serves on', async () => {
    const lost = await site.waiting(first);
    const carried = await site.underWay(second);
    const open = await site.waiting(second);
    const [left, before] = [await site.listing(first), await site.listing(second)];
    assert.ok(left.includes(lost.element), left);
    assert.ok(before.includes(open.element), before);

    await programs.get(first)!.end('SIGKILL');
    assert.deepEqual(await tables(site.lab.router), ['filter', 'first', 'second']);
    assert.equal(await site.listing(first), left);
    assert.equal(await site.listing(second), before);
    await carried.goesOn();

    programs.set(first, await site.start(first));
    assert.notEqual(handle(await site.listing(first)), handle(left));
    assert.deepEqual(await site.pinholes(first), []);
    assert.equal(await site.listing(second), before);

    await site.served(second, open);
    await carried.arrives();
    await Promise.all([site.works(first), site.works(second)]);
  });

  test('when both have stopped, nothing is left but what the operator has', async () => {
    for (const [, program] of programs) program.signal('SIGTERM');
    for (const [, program] of programs) assert.equal((await program.finished).exitCode, 0, program.output);
    assert.deepEqual(await tables(site.lab.router), ['filter']);
  });
});

interface Rival {
  readonly which: string;
  readonly rival: Neighbour;
  readonly says: RegExp;
}

// Whoever starts two of a name has made a mistake, and those whom the one serves must not pay for it.
const rivals: readonly Rival[] = [
  { which: 'the very same settings', rival: first, says: /127\.0\.0\.1:9121|table inet first/ },
  {
    which: 'a listener and an admin page of its own',
    rival: { ...first, listenPort: 2123, adminPort: 9123 },
    says: /table inet first/,
  },
  {
    which: 'the same listener, and an admin page of its own',
    rival: { ...first, adminPort: 9123 },
    says: /0\.0\.0\.0:2121|table inet first/,
  },
];

describe('a second gateway with the same table', { skip: whyNoPerimeter() }, () => {
  for (const { which, rival, says } of rivals) {
    describe(which, () => {
      let site: Neighbours;
      before(async () => {
        site = await Neighbours.open();
        await site.start(first);
      });
      after(() => site.lab.close());

      test('does not start, says why, and leaves all as it was', async () => {
        const carried = await site.underWay(first);
        const open = await site.waiting(first);
        const before = await site.listing(first);
        assert.ok(before.includes(open.element), before);

        const program = await site.launch(rival);
        await Promise.race([program.finished, program.printed(/"msg":"ready"/).catch(() => undefined)]);
        // The table comes first: whoever has taken it may be running now, or have taken it away and gone.
        assert.deepEqual(await tables(site.lab.router), ['filter', 'first']);
        assert.equal(await site.listing(first), before);
        assert.doesNotMatch(program.output, /"msg":"ready"/);
        assert.equal((await program.finished).exitCode, 1, program.output);
        const said = program.output.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
        assert.equal(said.length, 1, program.output);
        assert.match(said[0]!, /^portcullis: /);
        assert.match(said[0]!, says);

        await site.served(first, open);
        await carried.arrives();
        await site.works(first);
      });
    });
  }
});

/** nft prints marks with eight digits. */
function setting(mark: number): string {
  return `mark set 0x${mark.toString(16).padStart(8, '0')}`;
}

/** The first that a listing shows is that of the table itself. */
function handle(listing: string): string | undefined {
  return /# handle (\d+)/.exec(listing)?.[1];
}
