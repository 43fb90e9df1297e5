import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Address, type Endpoint, parseAddress, parseEndpoint } from '../../../src/address/endpoint.ts';
import { addressesMeet } from '../../../src/address/meeting.ts';
import type { Parsed } from '../../../src/address/parsed.ts';
import { nextListener } from '../../../src/settings/listen-overlap.ts';

describe('two listening addresses', () => {
  for (const [a, b, meet] of [
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['0.0.0.0', '192.0.2.1', true],
    ['0.0.0.0', '2001:db8::1', false],
    ['::', '2001:db8::1', true],
    ['::', '192.0.2.1', true],
    ['::', '0.0.0.0', true],
    ['::1', '2001:db8::1', false],
  ] as const) {
    it(`${a} and ${b} ${meet ? 'meet' : 'do not meet'}`, () => {
      assert.equal(addressesMeet(address(a), address(b)), meet);
      assert.equal(addressesMeet(address(b), address(a)), meet);
    });
  }
});

describe('an upstream', () => {
  for (const [upstream, listen, arrives] of [
    ['192.0.2.1:21', '192.0.2.1:21', true],
    ['192.0.2.1:21', '192.0.2.1:2121', false],
    ['127.0.0.5:21', '0.0.0.0:21', true],
    ['127.0.0.1:21', '[::]:21', true],
    ['[::1]:21', '[::]:21', true],
    ['[::1]:21', '0.0.0.0:21', false],
    // Whether 10.0.0.5 is this host, the file cannot tell.
    ['10.0.0.5:21', '0.0.0.0:21', false],
  ] as const) {
    it(`${upstream} ${arrives ? 'leads' : 'does not lead'} to ${listen}`, () => {
      const listeners = [{ listen: endpoint(listen), upstream: endpoint(upstream) }];
      assert.equal(nextListener(listeners, 0), arrives ? 0 : undefined);
    });
  }

  it('that could not be read leads nowhere', () => {
    assert.equal(nextListener([{ listen: endpoint('0.0.0.0:21'), upstream: undefined }], 0), undefined);
  });
});

function address(text: string): Address {
  return must(parseAddress(text));
}

function endpoint(text: string): Endpoint {
  return must(parseEndpoint(text));
}

function must<T>(result: Parsed<T>): T {
  assert.ok(result.ok);
  return result.value;
}
