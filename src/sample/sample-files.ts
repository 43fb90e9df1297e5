// What does a newcomer find on the sample server? A fresh temporary folder with a few files that are worth
// fetching, and one to upload into. The folder belongs to one server and goes with it.

import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const welcome = `This is the sample server that stands behind the gateway until you name one of your own.
Fetch picture.bmp, or put something into the folder in/. Everything here is gone when the server stops.
`;

/** Makes the folder with its files and returns its path; whoever asked for it removes it. */
export async function makeSampleFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-sample-'));
  await writeFile(join(folder, 'README.txt'), welcome);
  await writeFile(join(folder, 'picture.bmp'), colourWheel(184));
  await mkdir(join(folder, 'in'));
  return folder;
}

/** A square 24-bit Windows bitmap, about 100 KiB for a side of 184: big enough to be more than one TCP segment. */
function colourWheel(side: number): Uint8Array {
  const headerOctets = 54;
  const pixels = side * side * 3; // a side divisible by four needs no padding of its rows
  const picture = Buffer.alloc(headerOctets + pixels);
  picture.write('BM', 'latin1');
  picture.writeUInt32LE(picture.length, 2);
  picture.writeUInt32LE(headerOctets, 10);
  picture.writeUInt32LE(40, 14);
  picture.writeInt32LE(side, 18);
  picture.writeInt32LE(side, 22);
  picture.writeUInt16LE(1, 26);
  picture.writeUInt16LE(24, 28);
  picture.writeUInt32LE(pixels, 34);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const turn = (Math.atan2(y - side / 2, x - side / 2) + Math.PI) / Math.PI;
      const at = headerOctets + (y * side + x) * 3;
      picture[at] = Math.round(turn * 127);
      picture[at + 1] = Math.round((x * 255) / side);
      picture[at + 2] = Math.round((y * 255) / side);
    }
  }
  return picture;
}
