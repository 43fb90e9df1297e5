// The sample server's verbs that prepare, start and stop transfers (RFC 959 §4.1.2 and §4.1.3, RFC 2428, RFC 3659 §5).
// A transfer that broke is answered 426 or 451 and never 226: a client must not take half a file for a whole one.

import { open, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { dialForData, listenForData, parseDataTarget, plainAddress } from './sample-data.ts';
import { orUnavailable, realPath } from './sample-file-verbs.ts';
import { factLine, listLine, readSampleFolder, type SampleEntry } from './sample-listing.ts';
import type { SampleRoom, SampleSession, SampleVerb } from './sample-session.ts';

export const transferVerbs: Record<string, SampleVerb> = {
  async PASV(session) {
    const host = plainAddress(session.control.localAddress);
    // RFC 2428 §1: 227 has no room for an IPv6 address.
    if (session.epsvOnly || host.includes(':')) return session.reply(522, 'Use EPSV.');
    const { port, data } = await listenForData(session.control);
    session.prepare(data);
    const numbers = [...host.split('.'), port >> 8, port & 255].join(',');
    session.reply(227, `Entering Passive Mode (${numbers}).`);
  },
  async EPSV(session, argument) {
    if (/^ALL$/i.test(argument)) {
      session.epsvOnly = true;
      return session.reply(200, 'EPSV only from now on.');
    }
    const family = plainAddress(session.control.localAddress).includes(':') ? '2' : '1';
    // RFC 2428 §3: a family that is not that of the control connection cannot be served.
    if (argument !== '' && argument !== family)
      return session.reply(522, `Network protocol not supported, use (${family})`);
    const { port, data } = await listenForData(session.control);
    session.prepare(data);
    session.reply(229, `Entering Extended Passive Mode (|||${port}|)`);
  },
  PORT: (session, argument) => prepareDial(session, 'PORT', argument),
  EPRT: (session, argument) => prepareDial(session, 'EPRT', argument),
  REST(session, argument) {
    const offset = Number(argument);
    if (!/^\d{1,15}$/.test(argument)) return session.reply(501, 'An octet count is needed.');
    session.restartAt = offset;
    session.reply(350, `From ${offset} on.`);
  },
  LIST: (session, argument) => sendFolder(session, argument.replace(/^-\S*\s?/, ''), listLine),
  NLST: (session, argument) => sendFolder(session, argument.replace(/^-\S*\s?/, ''), (entry) => `${entry.name}\r\n`),
  MLSD: (session, argument) => sendFolder(session, argument, (entry) => `${factLine(entry)}\r\n`),
  RETR: (session, argument) =>
    orUnavailable(session, async () => {
      const real = realPath(session, argument);
      if (!(await stat(real)).isFile()) return session.reply(550, 'Not a file.');
      // Opened before 150, so that a file that cannot be read is a plain 550.
      const file = await open(real, 'r');
      const start = session.restartAt;
      try {
        await transfer(session, (socket) => pipeline(file.createReadStream({ start }), socket));
      } finally {
        await file.close();
      }
    }),
  STOR: (session, argument) => receiveFile(session, argument, session.restartAt > 0 ? 'r+' : 'w', session.restartAt),
  APPE: (session, argument) => receiveFile(session, argument, 'a', 0),
  // The line reader has stopped the transfer already, and its 426 went out before this one.
  ABOR(session) {
    session.data?.close();
    session.data = undefined;
    session.reply(226, 'Aborted.');
  },
};

function prepareDial(session: SampleSession, verb: 'PORT' | 'EPRT', argument: string): void {
  const target = parseDataTarget(verb, argument);
  if (session.epsvOnly) session.reply(503, 'EPSV only, as you asked.');
  else if (target === undefined) session.reply(501, 'Cannot read that address.');
  // RFC 2577 §3: never another host than the one who asks, and no port of a well-known service.
  else if (target.host !== session.peer || target.port < 1024)
    session.reply(504, 'Only to yourself, from port 1024 on.');
  else {
    session.prepare(dialForData(session.control, target.port));
    session.reply(200, 'Ready to connect.');
  }
}

async function sendFolder(session: SampleSession, path: string, line: (entry: SampleEntry) => string): Promise<void> {
  await orUnavailable(session, async () => {
    const entries = await readSampleFolder(realPath(session, path));
    const text = Buffer.from(entries.map(line).join(''), 'latin1');
    await transfer(session, async (socket) => {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject).once('close', () => reject(new Error('closed')));
        socket.end(text, resolve);
      });
    });
  });
}

/**
 * One lie remains: libuv reports a reset that arrives right behind the last octets as an end (POLLHUP after a partial
 * read), so an upload cut in that very moment looks whole here. The gateway's own sockets tell the two apart.
 */
async function receiveFile(session: SampleSession, name: string, flags: string, start: number): Promise<void> {
  await orUnavailable(session, async () => {
    const file = await open(realPath(session, name), flags);
    const sink = flags === 'a' ? file.createWriteStream() : file.createWriteStream({ start });
    try {
      await transfer(session, (socket) => pipeline(socket, withinRoom(session.room), sink));
    } finally {
      await file.close();
    }
  });
}

/** Lets octets through until the uploads of all clients have used up the room; then the transfer breaks. */
function withinRoom(room: SampleRoom): Transform {
  return new Transform({
    transform(octets: Buffer, _, done) {
      room.octetsLeft -= octets.length;
      if (room.octetsLeft < 0) done(new Error('no room left'));
      else done(null, octets);
    },
  });
}

/** Opens the prepared data connection, moves octets by `move` and answers: 150, then 226, or what went wrong. */
async function transfer(session: SampleSession, move: (socket: Socket) => Promise<void>): Promise<void> {
  const data = session.data;
  session.data = undefined;
  if (data === undefined) return session.reply(425, 'PASV or PORT comes first.');
  session.abortTransfer = () => data.close();
  session.reply(150, 'Here it comes.');
  try {
    const socket = await data.open().catch(() => undefined);
    if (socket === undefined) return session.reply(425, 'No data connection.');
    await move(socket).then(
      () => session.reply(226, 'Complete.'),
      () => session.reply(426, 'The transfer broke.'),
    );
  } finally {
    session.abortTransfer = undefined;
    data.close();
  }
}
