// A large transfer at a bare socket, of which the test decides how much passes, and when: for what happens in its
// middle.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { receiveAll } from '../data-ends.ts';
import { octetsFrom } from '../octets.ts';
import { becomes } from '../watch.ts';

export interface LargeFlow {
  /** A part of it passes now. */
  goesOn(): Promise<void>;
  /** The rest does, and all of it is as it was sent. */
  arrives(): Promise<void>;
}

/** What passes; more than all the buffers between two peers hold, where the receiver does not read. */
export const largeFile = octetsFrom(92, 24_000_000);
const part = 3_000_000;

/** `data` brings the file. */
export function download(data: Socket): LargeFlow {
  const parts: Buffer[] = [];
  return {
    goesOn: async () => {
      for (let octets = 0; octets < part; ) {
        const some: Buffer | null = data.read();
        if (some === null) await once(data, 'readable');
        else octets += parts[parts.push(some) - 1]!.length;
      }
    },
    arrives: async () => {
      const { octets, how } = await receiveAll(data);
      assert.equal(how, 'end');
      assert.ok(Buffer.concat([...parts, octets]).equals(largeFile), 'every octet');
    },
  };
}

/** `data` takes the file, and the server keeps it as `stored`. */
export function upload(data: Socket, stored: string): LargeFlow {
  const size = async (): Promise<number> => (await stat(stored)).size;
  let sent = 0;
  return {
    goesOn: async () => {
      data.write(largeFile.subarray(sent, sent + part));
      sent += part;
      await becomes(size, sent);
    },
    arrives: async () => {
      data.end(largeFile.subarray(sent));
      await becomes(size, largeFile.length);
      assert.ok((await readFile(stored)).equals(largeFile), 'every octet');
    },
  };
}
