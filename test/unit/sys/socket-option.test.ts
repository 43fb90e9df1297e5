import assert from 'node:assert/strict';
import { SysError } from '../../../src/sys/errno.ts';
import * as libc from '../../../src/sys/libc.ts';
import { integerOption, requireInteger, setInteger } from '../../../src/sys/socket-option.ts';
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

socketTest('a required option that cannot be set throws which call failed and why', (poller) => {
  const listener = listen(poller);
  requireInteger(listener.fd, libc.IPPROTO_TCP, libc.TCP_NODELAY, 1);
  const expected = { name: 'SysError', call: 'setsockopt', code: 'EINVAL', message: 'setsockopt: EINVAL' };
  assert.throws(() => requireInteger(listener.fd, libc.IPPROTO_TCP, libc.TCP_KEEPIDLE, -1), expected);
  assert.throws(() => requireInteger(listener.fd, libc.IPPROTO_TCP, libc.TCP_KEEPIDLE, -1), SysError);
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
