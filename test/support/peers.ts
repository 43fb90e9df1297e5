// May this machine run tests with real peers? Only as root on Debian, where the servers change users and the packages
// are; elsewhere such tests are skipped loudly, and where CI=true a skip is a failure.

import { existsSync } from 'node:fs';

/**
 * False where the real peers can run, otherwise why not; throws instead of skipping where CI=true. `tools` are further
 * programs that the test needs, by their paths.
 */
export function whyNoPeers(tools: readonly string[] = []): string | false {
  const reason = missing(tools);
  const { CI } = process.env;
  if (reason !== undefined && CI === 'true') throw new Error(`CI=true, and yet: ${reason}`);
  return reason ?? false;
}

function missing(tools: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return 'real FTP servers need root to change users';
  if (!existsSync('/etc/debian_version')) return 'the real peers come from Debian packages';
  const clients = ['curl', 'lftp', 'tnftp', 'wget', 'ncftpget', 'python3'].map((name) => `/usr/bin/${name}`);
  const absent = [...clients, ...tools].filter((path) => !existsSync(path));
  return absent.length === 0 ? undefined : `not installed: ${absent.join(' ')}`;
}
