// Which addresses in a text are crossed out?

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { latin1, latin1Octets } from '../../../src/wire/latin1.ts';
import { withoutPrivateAddresses } from '../../../src/wire/private-addresses.ts';

const shown = (text: string): string => latin1(withoutPrivateAddresses(latin1Octets(text)));

describe('private addresses', () => {
  for (const text of [
    '10.0.0.1',
    '127.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.9.9',
    '100.64.0.1',
    '100.127.1.1',
  ]) {
    it(`${text} is crossed out, in brackets, before a port and at the end of a sentence`, () => {
      assert.equal(shown(text), 'x.x.x.x');
      assert.equal(shown(`[${text}]:21 ${text}.`), '[x.x.x.x]:21 x.x.x.x.');
    });
  }
  for (const text of ['fd12:3456::1', 'FC00::', 'fe80::1%eth0', 'feb0::a']) {
    it(`${text} is crossed out`, () => assert.equal(shown(`from ${text}, port 21`), 'from x:x, port 21'));
  }
});

describe('what stays', () => {
  for (const text of [
    '9.255.255.255',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '100.63.0.1',
    '100.128.0.1',
    '203.0.113.10',
    '2001:db8::1',
    'ff02::1',
    'version 10.0.0.1.2',
    'version 3.10.0.0.1',
    '10.0.0',
    'fd: closed',
    'cafd12:1::1',
    '',
  ]) {
    it(`"${text}"`, () => {
      const octets = latin1Octets(text);
      assert.equal(withoutPrivateAddresses(octets), octets);
    });
  }

  it('is every octet beside them', () => assert.equal(shown('\xe4 10.0.0.1 \xff\r\n'), '\xe4 x.x.x.x \xff\r\n'));
});
