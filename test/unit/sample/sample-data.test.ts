import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDataTarget, plainAddress } from '../../../src/sample/sample-data.ts';

const readable: ['PORT' | 'EPRT', string, { host: string; port: number }][] = [
  ['PORT', '127,0,0,1,200,13', { host: '127.0.0.1', port: 51_213 }],
  ['EPRT', '|1|127.0.0.1|51213|', { host: '127.0.0.1', port: 51_213 }],
  ['EPRT', '|2|::1|51213|', { host: '::1', port: 51_213 }],
  ['EPRT', '!1!127.0.0.1!51213!', { host: '127.0.0.1', port: 51_213 }],
];

for (const [verb, argument, expected] of readable) {
  test(`${verb} ${argument}`, () => assert.deepEqual(parseDataTarget(verb, argument), expected));
}

const unreadable: ['PORT' | 'EPRT', string][] = [
  ['PORT', ''],
  ['PORT', '127,0,0,1,200'],
  ['PORT', '127,0,0,1,256,1'],
  ['PORT', '127,0,0,1,1,256'],
  ['PORT', '300,0,0,1,1,1'],
  ['PORT', '127,0,0,1,200,13,1'],
  ['PORT', ' 127,0,0,1,200,13'],
  ['EPRT', '|1|127.0.0.1|65536|'],
  ['EPRT', '|3|127.0.0.1|2000|'],
  ['EPRT', '|1|127.0.0.1|2000'],
  ['EPRT', '|1!127.0.0.1|2000|'],
];

for (const [verb, argument] of unreadable) {
  test(`${verb} '${argument}' cannot be read`, () => assert.equal(parseDataTarget(verb, argument), undefined));
}

test('an IPv4 peer of a dual-stack listener is an IPv4 peer', () => {
  assert.equal(plainAddress('::ffff:127.0.0.1'), '127.0.0.1');
  assert.equal(plainAddress('::1'), '::1');
});
