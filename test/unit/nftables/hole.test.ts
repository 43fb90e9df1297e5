import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closing, type Hole, opening } from '../../../src/nftables/hole.ts';
import { address, endpoint } from '../../support/table-plans.ts';

// Client 198.51.100.2, public address 203.0.113.10, server 10.77.0.2.
const clientKey = [198, 51, 100, 2];
const publicKey = [203, 0, 113, 10];
const serverKey = [10, 77, 0, 2];

function hole(initiator: string, advertised: string, responder: string, source: string): Hole {
  return {
    initiator: address(initiator),
    advertised: endpoint(advertised),
    responder: endpoint(responder),
    source: address(source),
  };
}

/** Octets as numbers, which print well. */
function shown(changes: ReturnType<typeof opening>): unknown[] {
  return changes.map(({ key, value, ...rest }) => ({
    ...rest,
    key: [...key],
    ...(value === undefined ? {} : { value: [...value] }),
  }));
}

describe('the elements of a pinhole', () => {
  it('routed: nothing is translated', () => {
    const routed = hole('198.51.100.2', '10.77.0.2:50000', '10.77.0.2:50000', '198.51.100.2');
    const key = [...clientKey, ...serverKey, 0xc3, 0x50, 0, 0];
    assert.deepEqual(shown(opening(routed, 30_000)), [{ kind: 'add', set: 'pinholes4', key, timeoutMs: 30_000 }]);
    assert.deepEqual(shown(closing(opening(routed, 30_000))), [{ kind: 'delete', set: 'pinholes4', key }]);
  });

  it('inbound, passive: the destination is translated', () => {
    const passive = hole('198.51.100.2', '203.0.113.10:50001', '10.77.0.2:1024', '198.51.100.2');
    const announced = [...clientKey, ...publicKey, 0xc3, 0x51, 0, 0];
    const passing = [...clientKey, ...serverKey, 4, 0, 0, 0];
    assert.deepEqual(shown(opening(passive, 2_000)), [
      { kind: 'add', set: 'redirects4', key: announced, value: [...serverKey, 4, 0, 0, 0], timeoutMs: 2_000 },
      { kind: 'add', set: 'pinholes4', key: passing, timeoutMs: 2_000 },
    ]);
    assert.deepEqual(shown(closing(opening(passive, 30_000))), [
      { kind: 'delete', set: 'redirects4', key: announced },
      { kind: 'delete', set: 'pinholes4', key: passing },
    ]);
  });

  it('inbound, active: the source is translated, a little longer than the pinhole is open', () => {
    const active = hole('10.77.0.2', '198.51.100.2:65535', '198.51.100.2:65535', '203.0.113.10');
    const key = [...serverKey, ...clientKey, 0xff, 0xff, 0, 0];
    assert.deepEqual(shown(opening(active, 30_000)), [
      { kind: 'add', set: 'sources4', key, value: publicKey, timeoutMs: 31_000 },
      { kind: 'add', set: 'pinholes4', key, timeoutMs: 30_000 },
    ]);
    assert.deepEqual(shown(closing(opening(active, 30_000))), [
      { kind: 'delete', set: 'sources4', key },
      { kind: 'delete', set: 'pinholes4', key },
    ]);
  });

  it('both are translated', () => {
    const both = hole('198.51.100.2', '203.0.113.10:50001', '10.77.0.2:1024', '10.77.0.1');
    const sets = opening(both, 30_000).map(({ set }) => set);
    assert.deepEqual(sets, ['redirects4', 'sources4', 'pinholes4']);
  });

  it('the port alone is translated', () => {
    const port = hole('198.51.100.2', '10.77.0.2:50001', '10.77.0.2:1024', '198.51.100.2');
    assert.deepEqual(
      opening(port, 30_000).map(({ set }) => set),
      ['redirects4', 'pinholes4'],
    );
  });

  it('IPv6: fields of sixteen octets', () => {
    const six = hole('2001:db8:1::2', '[2001:db8:1::1]:50000', '[2001:db8:77::2]:2048', '2001:db8:77::1');
    const [one, other] = ['2001:db8:1::2', '2001:db8:77::2'].map((text) => {
      const third = Number.parseInt(text.split(':')[2]!, 16);
      return [0x20, 1, 0xd, 0xb8, 0, third, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    }) as [number[], number[]];
    const [redirect, source, pinhole] = shown(opening(six, 1)) as { set: string; key: number[]; value: number[] }[];
    assert.equal(redirect!.set, 'redirects6');
    assert.deepEqual(redirect!.value, [...other, 8, 0, 0, 0]);
    assert.equal(source!.set, 'sources6');
    assert.equal(source!.value.length, 16);
    assert.equal(pinhole!.set, 'pinholes6');
    assert.deepEqual(pinhole!.key, [...one, ...other, 8, 0, 0, 0]);
  });

  it('addresses of two families are our mistake', () => {
    const mixed = hole('198.51.100.2', '203.0.113.10:50001', '[2001:db8::2]:1024', '198.51.100.2');
    assert.throws(() => opening(mixed, 30_000), RangeError);
  });
});
