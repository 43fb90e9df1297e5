// Does a real client get its work done through the perimeter, each octet of it? For tests that are about something
// else, and have to know that service goes on.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DataMode, sentSetups, setupVerb } from '../clients/client.ts';
import { curl } from '../clients/curl.ts';
import type { LabEndpoint } from '../lab.ts';
import { octetsFrom } from '../octets.ts';
import type { RealServer } from '../real-servers.ts';
import type { PerimeterLab } from './lab.ts';

/** Over many segments, and no multiple of any buffer. */
const file = octetsFrom(81, 300_007);
let runs = 0;

/** The least that passes in each mode. */
export const octetsThereAndBack = 2 * file.length;

/** A client in the client's network up- and downloads in each mode, at `dialled`, which leads to `server`. */
export async function thereAndBack(
  { lab, client }: PerimeterLab,
  { files, user, password }: RealServer,
  { host, port }: LabEndpoint,
  modes: readonly DataMode[] = ['passive', 'active'],
): Promise<void> {
  runs += 1;
  const folder = await lab.makeFolder(`there-and-back-${runs}`);
  await writeFile(join(folder, 'source.bin'), file);
  for (const mode of modes) {
    const name = `${mode}-${runs}.bin`;
    const target = { host, port, user, password, mode, folder, network: client.name };
    for (const run of [
      await curl.upload!(target, 'source.bin', `files/${name}`),
      await curl.download(target, `files/${name}`, name),
    ]) {
      assert.equal(run.exitCode, 0, run.output);
      assert.deepEqual(sentSetups(curl, run), [setupVerb[mode]], run.output);
    }
    assert.deepEqual(await readFile(join(files, name)), file);
    assert.deepEqual(await readFile(join(folder, name)), file);
  }
}
