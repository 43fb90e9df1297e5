// Where do the real servers come from? From Debian's archive, as packages unpacked into a cache folder: installed, they
// would conflict with one another and start as services. Versions are those of the machine's own release.

import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './process.ts';

/** The servers, and the libraries of theirs that a small Debian lacks. */
const packages = [
  ...['vsftpd', 'libwrap0', 'libpam0g', 'libcap2'],
  ...['proftpd-core', 'proftpd-mod-crypto', 'libhiredis0.14', 'libmemcached11', 'libmemcachedutil2', 'libhashkit2'],
  ...['libpcre2-8-0', 'libpcre2-posix3', 'libidn2-0', 'libunistring2', 'libacl1', 'libncursesw6', 'libtinfo6'],
  ...['pure-ftpd', 'libsodium23'],
  ...['python3-pyftpdlib', 'python3-openssl', 'python3-cryptography', 'python3-cffi-backend'],
];

const cacheFolder = new URL('../../.cache/', import.meta.url).pathname;

let tree: Promise<string> | undefined;

/**
 * The root of the unpacked packages; fetched on first use and kept between runs. Rejects when Debian cannot be reached.
 */
export function serverPackages(): Promise<string> {
  tree ??= fetchOnce();
  return tree;
}

async function fetchOnce(): Promise<string> {
  const release = /^VERSION_CODENAME=(.*)$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  const kept = join(cacheFolder, `ftp-servers-tls-${release}-${process.arch}`);
  if (await stat(kept).catch(() => undefined)) return kept;
  await mkdir(cacheFolder, { recursive: true });
  // Test files run at the same time: each unpacks for itself, and the first to finish gives its tree the final name.
  const fresh = await mkdtemp(join(cacheFolder, 'unpacking-'));
  await succeed('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', ...packages], fresh);
  for (const archive of (await readdir(fresh)).filter((name) => name.endsWith('.deb'))) {
    await succeed('dpkg', ['-x', archive, '.'], fresh);
    await rm(join(fresh, archive));
  }
  await rename(fresh, kept).catch(() => rm(fresh, { recursive: true }));
  return kept;
}

async function succeed(command: string, args: readonly string[], cwd: string): Promise<void> {
  const { exitCode, output } = await runProgram(command, args, { cwd });
  if (exitCode !== 0) throw new Error(`${command} ${args.join(' ')}:\n${output}`);
}

/** The environment in which programs of the unpacked tree find their libraries and Python modules. */
export function packageEnvironment(root: string): Record<string, string> {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return {
    LD_LIBRARY_PATH: `${root}/usr/lib/${triplet}:${root}/lib/${triplet}`,
    PYTHONPATH: `${root}/usr/lib/python3/dist-packages`,
  };
}
