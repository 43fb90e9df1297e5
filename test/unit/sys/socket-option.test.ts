import assert from 'node:assert/strict';
import * as libc from '../../../src/sys/libc.ts';
import { integerOption, setInteger } from '../../../src/sys/socket-option.ts';
import { listen, openDescriptors, socketTest } from './loopback.ts';

socketTest('an option is set, and says whether it was', (poller) => {
  const listener = listen(poller);
  assert.equal(setInteger(listener.fd, libc.SOL_SOCKET, libc.SO_KEEPALIVE, 1), true);
  assert.equal(setInteger(listener.fd, libc.SOL_SOCKET, 9999, 1), false);
  assert.equal(libc.lastError(), 'ENOPROTOOPT');
  assert.equal(setInteger(-1, libc.SOL_SOCKET, libc.SO_KEEPALIVE, 1), false);
  assert.equal(libc.lastError(), 'EBADF');
  listener.close();
});

socketTest('reading an error option: none, or why the option cannot be read', (poller) => {
  const listener = listen(poller);
  const event = libc.eventfd(0, libc.EFD_CLOEXEC);
  const before = openDescriptors();
  assert.equal(integerOption(listener.fd, libc.SOL_SOCKET, libc.SO_ERROR), undefined);
  assert.equal(integerOption(event, libc.SOL_SOCKET, libc.SO_ERROR), 'ENOTSOCK');
  assert.equal(integerOption(-1, libc.SOL_SOCKET, libc.SO_ERROR), 'EBADF');
  assert.equal(openDescriptors(), before);
  libc.close(event);
  listener.close();
});
