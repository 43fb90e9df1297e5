// What becomes of an attempt to connect from some network? It may be let through, refused, or never answered; the last
// can only be told once something else shows that the first packet was dropped.

import { Socket } from 'node:net';
import type { LabEndpoint } from '../lab.ts';
import type { Network } from './network.ts';

export class Attempt {
  readonly #socket: Socket;
  #outcome = 'no answer';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#outcome = error.code ?? error.message;
    });
    socket.once('connect', () => {
      this.#outcome = 'connected';
    });
  }

  /** Sends the first packet, from `localAddress` where it matters who that is. */
  static async from(network: Network, { host, port }: LabEndpoint, localAddress?: string): Promise<Attempt> {
    const socket = new Socket();
    const attempt = new Attempt(socket);
    await network.enter(async () => {
      socket.connect(localAddress === undefined ? { host, port } : { host, port, localAddress });
    });
    return attempt;
  }

  /** `connected`, `no answer`, or the system's error code; until now. */
  get outcome(): string {
    return this.#outcome;
  }

  giveUp(): void {
    this.#socket.destroy();
  }
}
