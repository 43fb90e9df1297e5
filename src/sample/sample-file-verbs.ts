// The sample server's verbs about files and folders (RFC 959 §4.1.3, RFC 3659 §3, §4 and §7). Every path goes through
// resolveSamplePath: there is no other way to a real one.

import { mkdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { factLine, ftpTime } from './sample-listing.ts';
import { realSamplePath, resolveSamplePath } from './sample-path.ts';
import { reasonOf, type SampleSession, type SampleVerb } from './sample-session.ts';

/** The real path that an argument means in this session, in octets. */
export function realPath(session: SampleSession, argument: string): Buffer {
  return realSamplePath(session.root, resolveSamplePath(session.folder, argument));
}

/** Runs a file operation; a fault becomes 550 with the errno's name, as with every server of record. */
export async function orUnavailable(session: SampleSession, operation: () => Promise<void>): Promise<void> {
  await operation().catch((error: unknown) => session.reply(550, `Not possible: ${reasonOf(error)}.`));
}

function onFile(operation: (real: Buffer, session: SampleSession, path: string) => Promise<void>): SampleVerb {
  return async (session, argument) => {
    const path = resolveSamplePath(session.folder, argument);
    // The root itself is not to be renamed or removed, and the open(2) behind it ends a path at a NUL.
    if (argument === '' || path === '/' || path.includes('\0')) session.reply(501, 'A name is needed.');
    else await orUnavailable(session, () => operation(realSamplePath(session.root, path), session, path));
  };
}

async function changeFolder(session: SampleSession, argument: string): Promise<void> {
  await orUnavailable(session, async () => {
    const target = resolveSamplePath(session.folder, argument);
    const found = await stat(realSamplePath(session.root, target));
    if (found.isDirectory()) {
      session.folder = target;
      session.reply(250, 'Changed.');
    } else session.reply(550, 'Not a folder.');
  });
}

/** RFC 959 appendix II: the path stands in quotes, and a quote within it is doubled. */
function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

export const fileVerbs: Record<string, SampleVerb> = {
  PWD: (session) => session.reply(257, `${quoted(session.folder)} is the working folder.`),
  CWD: changeFolder,
  CDUP: (session) => changeFolder(session, '..'),
  SIZE: onFile(async (real, session) => {
    const found = await stat(real);
    if (found.isFile()) session.reply(213, String(found.size));
    else session.reply(550, 'Not a file.');
  }),
  MDTM: onFile(async (real, session) => session.reply(213, ftpTime((await stat(real)).mtime))),
  async MLST(session, argument) {
    await orUnavailable(session, async () => {
      const path = resolveSamplePath(session.folder, argument);
      const stats = await stat(realSamplePath(session.root, path));
      session.write(`250-Facts\r\n ${factLine({ name: path, stats })}\r\n250 End\r\n`);
    });
  },
  DELE: onFile(async (real, session) => {
    await rm(real);
    session.reply(250, 'Deleted.');
  }),
  MKD: onFile(async (real, session, path) => {
    await mkdir(real);
    session.reply(257, `${quoted(path)} made.`);
  }),
  RMD: onFile(async (real, session) => {
    await rmdir(real);
    session.reply(250, 'Removed.');
  }),
  RNFR: onFile(async (real, session, path) => {
    await stat(real);
    session.renameFrom = path;
    session.reply(350, 'And its new name?');
  }),
  RNTO: onFile(async (real, session) => {
    if (session.renameFrom === undefined) {
      session.reply(503, 'RNFR comes first.');
      return;
    }
    await rename(realSamplePath(session.root, session.renameFrom), real);
    session.reply(250, 'Renamed.');
  }),
};
