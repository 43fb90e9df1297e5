import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { getSystemErrorName } from 'node:util';
import { nameOfErrno, SysError } from '../../../src/sys/errno.ts';
import * as libc from '../../../src/sys/libc.ts';

test('every name that the table gives is the name that the C library gives', () => {
  const named: string[] = [];
  for (let errno = 1; errno < 200; errno++) {
    const name = nameOfErrno(errno);
    if (name === 'EOTHER') continue;
    named.push(name);
    // Neither source knows all of them: Node's constants lack EHOSTDOWN, libuv's names EINPROGRESS.
    const known = (constants.errno as Record<string, number | undefined>)[name];
    if (known === undefined) assert.equal(name, getSystemErrorName(-errno));
    else assert.equal(known, errno);
  }
  assert.ok(named.length >= 30, `${named.length} names`);
  assert.equal(new Set(named).size, named.length);
});

test('a number without a name is EOTHER, whatever it is', () => {
  for (const errno of [0, -1, 1.5, 40, 100_000, Number.NaN]) assert.equal(nameOfErrno(errno), 'EOTHER');
});

test('lastError names what the last failed call on this thread left behind', () => {
  assert.equal(libc.close(-1), -1);
  assert.equal(libc.lastError(), 'EBADF');
  assert.equal(libc.socket(9999, libc.SOCK_STREAM, 0), -1);
  assert.equal(libc.lastError(), 'EAFNOSUPPORT');
});

test('a SysError says which call failed and why', () => {
  const error = new SysError('epoll_ctl', 'ENOSPC');
  assert.equal(String(error), 'SysError: epoll_ctl: ENOSPC');
  assert.ok(error instanceof Error);
  assert.deepEqual([error.call, error.code], ['epoll_ctl', 'ENOSPC']);
});
