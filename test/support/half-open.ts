// Transfers that are complete but for one end: a client that has its whole file and does not close, a server that has
// all of an upload and does not. The server here ends its direction after RETR and never after STOR.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { type DataPort, passiveEndpoint, receiveAll } from './data-ends.ts';
import type { Lab, LabEndpoint } from './lab.ts';
import { octetsFrom } from './octets.ts';
import type { RawControl } from './raw-control.ts';
import type { ScriptedSession, ScriptedVerb } from './scripted-server.ts';

type Leaver = 'client' | 'server';
type Dial = (target: LabEndpoint) => Promise<Socket>;

const file = octetsFrom(83, 10_007);
const shareIsSpent = '425 Too many data connections from your address; close one first.';

/** What the server does with transfers to and from its data port; the lab ends what it has left open. */
export function halfOpenVerbs(lab: Lab, data: DataPort): Readonly<Record<string, ScriptedVerb>> {
  const arrived = async (): Promise<Socket> => {
    const { socket } = await data.next();
    lab.onClose(() => void socket.destroy());
    return socket;
  };
  return {
    PASV: `227 Entering Passive Mode (${data.hostPort}).`,
    RETR: async ({ write }: ScriptedSession) => {
      write('150 Here it comes.\r\n');
      const socket = await arrived();
      socket.end(file);
      write('226 That was it.\r\n');
    },
    STOR: async ({ write }: ScriptedSession) => {
      write('150 Go ahead.\r\n');
      const socket = await arrived();
      assert.deepEqual(await receiveAll(socket, 'stays-open'), { octets: file, how: 'end' });
      write('226 I have it.\r\n');
    },
  };
}

/** One transfer after another, each left half open, until the gateway will have no more of them; how many there are. */
export async function leavesAllItMay(control: RawControl, leaver: Leaver, dial: Dial): Promise<number> {
  for (let made = 0; ; made += 1) {
    const reply = await control.ask('PASV');
    if (reply === shareIsSpent) return made;
    await (leaver === 'client' ? receives : stores)(control, await dial(passiveEndpoint(reply)), 'stays-open');
  }
}

/** A download as it should be. */
export async function downloads(control: RawControl, dial: Dial): Promise<void> {
  await receives(control, await dial(passiveEndpoint(await control.ask('PASV'))), 'ends-too');
}

async function receives(control: RawControl, data: Socket, ourEnd: 'ends-too' | 'stays-open'): Promise<void> {
  assert.match(await control.ask('RETR file'), /^150/);
  assert.deepEqual(await receiveAll(data, ourEnd), { octets: file, how: 'end' });
  assert.match(await control.reply(), /^226/);
}

/** The server leaves its end open. */
async function stores(control: RawControl, data: Socket): Promise<void> {
  assert.match(await control.ask('STOR file'), /^150/);
  data.end(file);
  assert.match(await control.reply(), /^226/);
}
