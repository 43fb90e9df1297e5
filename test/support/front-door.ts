// Does somebody answer where a listener of the gateway is, or was?

import assert from 'node:assert/strict';
import type { LabEndpoint } from './lab.ts';
import { RawControl } from './raw-control.ts';

/** Connects, is greeted and goes. */
export async function greets(listen: LabEndpoint): Promise<void> {
  const control = await RawControl.open(listen);
  assert.match(await control.reply(), /^220/);
  control.close();
}

/** Nobody listens there. */
export async function isClosed(listen: LabEndpoint): Promise<void> {
  await assert.rejects(
    RawControl.open(listen).then((control) => control.close()),
    { code: 'ECONNREFUSED' },
  );
}
