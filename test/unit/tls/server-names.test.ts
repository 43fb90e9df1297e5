import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byServerName } from '../../../src/tls/server-names.ts';

const first = { names: ['ftp.example.org', '192.0.2.1'], value: 'first' };
const wild = { names: ['*.example.org', '*.files.example.net'], value: 'wild' };
const exact = { names: ['exact.example.org'], value: 'exact' };

const cases: readonly (readonly [asked: string | undefined, chosen: string])[] = [
  [undefined, 'first'],
  ['ftp.example.org', 'first'],
  ['exact.example.org', 'exact'],
  ['other.example.org', 'wild'],
  ['a.files.example.net', 'wild'],
  // One label and no more: RFC 6125 §6.4.3.
  ['a.b.example.org', 'first'],
  ['example.org', 'first'],
  ['*.example.org', 'wild'],
  ['nobody.example.com', 'first'],
  ['', 'first'],
];

for (const [asked, chosen] of cases) {
  test(`a client that asks for ${asked ?? 'no name'} gets the certificate ${chosen}`, () => {
    assert.equal(byServerName([first, wild, exact], asked), chosen);
  });
}
