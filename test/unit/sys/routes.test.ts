// Where does the kernel say that packets go? Asked in a network of the test's own, whose routes and addresses change
// meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interfaceIndex } from '../../../src/sys/libc.ts';
import { Routes } from '../../../src/sys/routes.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';
import { clientAddress, openRoutedNetwork, serverAddress } from './routed-network.ts';

const skip = whyNoOwnNetwork();
const nowhere = Uint8Array.of(203, 0, 113, 1);
const documentation6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

test('out through an interface, to this machine, or nowhere; as it is at the moment of the question', { skip }, () => {
  const network = openRoutedNetwork();
  const { router } = network;
  const routes = new Routes();
  try {
    router.within(() => {
      for (const family of [4, 6] as const) {
        const [toClient, toServer] = [routes.to(clientAddress[family], 1), routes.to(serverAddress[family], 1)];
        assert.ok(toClient.kind === 'out' && toServer.kind === 'out');
        assert.notEqual(toClient.interfaceIndex, toServer.interfaceIndex);
      }
      for (const own of [Uint8Array.of(198, 51, 100, 1), Uint8Array.of(127, 9, 9, 9), Uint8Array.of(0, 0, 0, 0)]) {
        assert.deepEqual(routes.to(own, 1), { kind: 'own' }, own.join('.'));
      }
      const loopback6 = new Uint8Array(16);
      loopback6[15] = 1;
      assert.deepEqual(routes.to(loopback6, 1), { kind: 'own' });
      for (const no of [nowhere, documentation6]) assert.deepEqual(routes.to(no, 1), { kind: 'none' });
    });
    router.command('ip address add 203.0.113.1/32 dev lo');
    router.within(() => assert.deepEqual(routes.to(nowhere, 1), { kind: 'own' }));
    router.command('ip address del 203.0.113.1/32 dev lo');
    router.command('ip route add unreachable 203.0.113.1');
    router.within(() => assert.deepEqual(routes.to(nowhere, 1), { kind: 'none' }));
    // A route of its own for the mark that the packets will carry.
    router.command('ip route del unreachable 203.0.113.1');
    router.command('ip rule add fwmark 7 lookup 77');
    router.command('ip route add local 203.0.113.1 dev lo table 77');
    router.within(() => {
      assert.deepEqual(routes.to(nowhere, 7), { kind: 'own' });
      assert.deepEqual(routes.to(nowhere, 1), { kind: 'none' });
      assert.equal(interfaceIndex('lo'), 1);
      assert.equal(interfaceIndex('none7'), 0);
    });
  } finally {
    routes.close();
    network.close();
  }
});
