// What stands behind the gateway when nobody has named a server yet? This one: small, on a temporary folder, open to
// any name and password, and therefore meant for loopback. It shows the gateway at work and is no product of its own.

import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { fileVerbs } from './sample-file-verbs.ts';
import { makeSampleFolder } from './sample-files.ts';
import { type SampleRoom, SampleSession, type SampleVerb } from './sample-session.ts';
import { sessionVerbs } from './sample-session-verbs.ts';
import { transferVerbs } from './sample-transfer-verbs.ts';

export interface SampleServer {
  /** The port it listens on, also where `port: 0` asked for any. */
  readonly port: number;
  /** The real folder whose files it serves. */
  readonly folder: string;
  /** Ends every session and removes the folder. */
  close(): Promise<void>;
}

/** A demonstration has a handful of clients; a hundred leave room for a curious one with a load tool. */
const sessionsMax = 100;

/** 4 GiB: enough for a large file or two, and not enough to fill the memory that /tmp often is. */
const uploadOctetsMax = 4 * 1024 ** 3;

/**
 * Starts the server; it listens when the promise resolves. Rejects with the listen error (EADDRINUSE, EACCES …), and
 * then leaves nothing behind.
 */
export async function startSampleServer(where: { host: string; port: number }): Promise<SampleServer> {
  const folder = await makeSampleFolder();
  const verbs = new Map<string, SampleVerb>(Object.entries({ ...sessionVerbs, ...fileVerbs, ...transferVerbs }));
  const room: SampleRoom = { octetsLeft: uploadOctetsMax };
  const controls = new Set<Socket>();
  // Half-open: a client that sends its commands and then shuts down its side still gets every reply.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (control) => {
    controls.add(control);
    control.once('close', () => controls.delete(control));
    const session = new SampleSession(control, folder, room, verbs);
    if (controls.size > sessionsMax) session.end(421, 'Too many sessions.');
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where.port, where.host, resolve);
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const control of controls) control.destroy();
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  return { port: address.port, folder, close };
}
