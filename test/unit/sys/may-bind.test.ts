import assert from 'node:assert/strict';
import { mayBind } from '../../../src/sys/may-bind.ts';
import { foreign4, listen, loopback4, loopback6, socketTest, withoutFreeDescriptors } from './loopback.ts';

socketTest('a free port may be bound, and stays free after the question', (poller) => {
  const listener = listen(poller);
  const local = { octets: loopback4, port: listener.localPort() };
  listener.close();
  assert.equal(mayBind(local), undefined);
  assert.equal(mayBind(local), undefined);
  assert.equal(mayBind({ octets: loopback6, port: 0 }), undefined);
});

socketTest('a port on which somebody listens may not, nor an address that is not ours', (poller) => {
  const listener = listen(poller);
  assert.equal(mayBind({ octets: loopback4, port: listener.localPort() }), 'EADDRINUSE');
  assert.equal(mayBind({ octets: foreign4, port: 0 }), 'EADDRNOTAVAIL');
  listener.close();
});

socketTest('without descriptors the answer is that', () => {
  withoutFreeDescriptors(() => assert.equal(mayBind({ octets: loopback4, port: 0 }), 'EMFILE'));
});
