import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type After, TlsRecords } from '../../../src/wire/tls-records.ts';

function record(type: number, length: number, fill = 0x50): number[] {
  return [type, 3, 3, length >> 8, length & 255, ...new Array<number>(length).fill(fill)];
}

const text = (line: string): number[] => [...Buffer.from(line, 'latin1')];

/** Whole, and one octet at a time until something else comes. */
function taken(octets: readonly number[]): { under: number; after: After } {
  const whole = new TlsRecords().take(Uint8Array.from(octets));
  const single = new TlsRecords();
  let under = 0;
  let after: After = 'tls';
  for (const octet of octets) {
    const step = single.take(Uint8Array.of(octet));
    under += step.under;
    after = step.after;
    if (after !== 'tls') break;
  }
  assert.deepEqual({ under, after }, whole, 'in pieces as in one');
  return { ...whole };
}

describe('TLS that is passed through', () => {
  test('is records from the first octet on, whatever is in them', () => {
    const octets = [...record(22, 3), ...record(20, 1), ...record(23, 300, 0x32), ...record(21, 2)];
    assert.deepEqual(taken(octets), { under: octets.length, after: 'tls' });
    assert.deepEqual(taken(record(22, 0)), { under: 5, after: 'tls' });
    assert.deepEqual(taken(record(22, 18_432).slice(0, 4000)), { under: 4000, after: 'tls' });
  });

  test('ends where text stands at the boundary of a record', () => {
    for (const line of ['PASV\r\n', '200 ok\r\n', ' leading blank\r\n', '\xff\xf4']) {
      const under = [...record(22, 9), ...record(23, 40), ...record(21, 2)];
      assert.deepEqual(taken([...under, ...text(line)]), { under: under.length, after: 'text' }, line);
    }
  });

  test('must begin with a handshake', () => {
    assert.deepEqual(taken(text('USER anna\r\n')), { under: 0, after: 'neither' });
    assert.deepEqual(taken(record(23, 4)), { under: 0, after: 'neither' });
    assert.deepEqual(taken([0x80, 0x2e, 1]), { under: 0, after: 'neither' }, 'SSL 2.0');
  });

  test('is broken by a header that is none', () => {
    const begun = record(22, 2);
    assert.deepEqual(taken([...begun, 23, 2, 0]), { under: begun.length + 1, after: 'neither' });
    assert.deepEqual(taken([...begun, 23, 3, 3, 0x48, 1]), { under: begun.length + 4, after: 'neither' });
    assert.deepEqual(taken([...begun, 10]), { under: begun.length, after: 'neither' });
    assert.deepEqual(taken([...begun, 25, 3, 3]), { under: begun.length, after: 'neither' });
  });
});
