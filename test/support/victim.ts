// Did anybody connect to the host that an attack was aimed at? A port that listens there, and at the end a fence: a
// connection of the test's own. Connections are accepted in the order in which they came, so whoever was there before
// the fence is seen.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type Arrival, DataPort, dial } from './data-ends.ts';
import type { Lab, LabEndpoint } from './lab.ts';

export class Victim {
  readonly host: string;
  readonly port: number;
  readonly #port: DataPort;

  private constructor(port: DataPort) {
    this.#port = port;
    this.host = port.host;
    this.port = port.port;
  }

  /** A host of its own unless one is named. */
  static async open(lab: Lab, where: Partial<LabEndpoint> = {}): Promise<Victim> {
    const host = where.host ?? (await lab.endpoint()).host;
    return new Victim(await DataPort.open(lab, host, where.port));
  }

  get hostPort(): string {
    return this.#port.hostPort;
  }

  /** Call it when the gateway has answered the attack and whatever came after it. */
  async nobodyCame(): Promise<void> {
    const fence: Socket = await dial(this);
    const first: Arrival = await this.#port.next();
    const ours = { host: fence.localAddress, port: fence.localPort };
    fence.destroy();
    first.socket.destroy();
    assert.deepEqual(first.from, ours, `somebody connected to the victim ${this.host} port ${this.port}`);
  }
}
