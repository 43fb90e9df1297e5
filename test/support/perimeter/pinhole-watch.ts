// Which pinholes does the table of a perimeter hold, and whom does its guard turn away? What never gets an answer is
// told from slow by the guard's counter, and what reached the server by the server's own kernel.

import assert from 'node:assert/strict';
import { passiveEndpoint } from '../data-ends.ts';
import type { LabEndpoint } from '../lab.ts';
import { becomes } from '../watch.ts';
import { Attempt } from './attempt.ts';
import type { PerimeterLab } from './lab.ts';
import type { Network } from './network.ts';
import { counted, elements } from './nft.ts';
import { attemptsSeen } from './witness.ts';

/** `from to port` of each. */
export async function pinholeKeys({ router }: PerimeterLab, family: 4 | 6): Promise<string[]> {
  return (await elements(router, 'portcullis', `pinholes${family}`)).map(({ key }) => key);
}

/** How many packets the guard has dropped. */
export async function unexpected({ router }: PerimeterLab): Promise<number> {
  return (await counted(router, 'portcullis', 'unexpected')).packets;
}

/**
 * The guard drops the attempt of the host in this network, and the server, which watches its peers, hears nothing of
 * it.
 */
export async function isDropped(lab: PerimeterLab, from: Network, host: string, target: LabEndpoint): Promise<void> {
  const [dropped, seen] = [await unexpected(lab), await attemptsSeen(lab.server, host, target.port)];
  const attempt = await Attempt.from(from, target);
  await becomes(async () => (await unexpected(lab)) > dropped, true);
  assert.equal(attempt.outcome, 'no answer');
  assert.equal(await attemptsSeen(lab.server, host, target.port), seen);
  attempt.giveUp();
}

/** What a 227 names, or the port of a 229 at the host that was asked (RFC 2428 §3). */
export function announcedBy(reply: string, asked: string): LabEndpoint {
  const [, port] = /^229 [^(]*\(\|\|\|(\d+)\|\)/.exec(reply) ?? [];
  return port === undefined ? passiveEndpoint(reply) : { host: asked, port: Number(port) };
}
