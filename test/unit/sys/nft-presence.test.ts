import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NftPresence } from '../../../src/sys/nft-presence.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { freshTable, nft } from './element-table.ts';
import { withoutFreeDescriptors } from './loopback.ts';

const skip = whyNoOwnNetwork();

test('a table is absent when there is none of its name in the family inet', { skip }, () => {
  const presence = new NftPresence();
  assert.equal(presence.isAbsent('walls'), true);
  nft('add table ip walls');
  assert.equal(presence.isAbsent('walls'), true);
  freshTable();
  assert.equal(presence.isAbsent('walls'), false);
  assert.equal(presence.isAbsent('wall'), true);
  nft('flush ruleset');
  assert.equal(presence.isAbsent('walls'), true);
  presence.close();
  assert.equal(presence.isAbsent('walls'), true, 'and it may be asked again');
  presence.close();
});

test('where the kernel cannot be asked, no table is said to be absent', { skip }, () => {
  const presence = new NftPresence();
  withoutFreeDescriptors(() => assert.equal(presence.isAbsent('walls'), false));
  assert.equal(presence.isAbsent('x'.repeat(1_000)), false);
  assert.equal(presence.isAbsent('walls'), true);
  presence.close();
});
