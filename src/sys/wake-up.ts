// How one thread ends another's epoll_wait: an eventfd in the sleeper's set. The number of the descriptor is all that
// the waking thread needs, as threads share descriptors. eventfd(2).

import { SysError } from './errno.ts';
import * as libc from './libc.ts';
import { levelIn, type Pollable, type Poller } from './poller.ts';

const one = new Uint8Array(new BigUint64Array([1n]).buffer);

export class WakeUp implements Pollable {
  readonly fd: number;
  private readonly onWake: () => void;
  private readonly drained = new Uint8Array(8);

  constructor(poller: Poller, onWake: () => void) {
    this.fd = libc.eventfd(0, libc.EFD_NONBLOCK | libc.EFD_CLOEXEC);
    if (this.fd < 0) throw new SysError('eventfd', libc.lastError());
    this.onWake = onWake;
    poller.adopt(this.fd, this, levelIn);
  }

  onReady(): void {
    libc.read(this.fd, this.drained, 8);
    this.onWake();
  }

  close(poller: Poller): void {
    poller.forget(this.fd);
    libc.close(this.fd);
  }
}

/** Wakes the thread whose WakeUp has this descriptor. */
export function wake(fd: number): void {
  libc.write(fd, one, 8);
}
