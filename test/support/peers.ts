// May this machine run tests with real peers? Only as root on Debian, where the servers change users and the packages are;
// elsewhere such tests are skipped loudly, and where CI=true a skip is a failure.

import { existsSync } from 'node:fs';

/** False where the real peers can run, otherwise why not; throws instead of skipping where CI=true. */
export function whyNoPeers(): string | false {
  const reason = missing();
  const { CI } = process.env;
  if (reason !== undefined && CI === 'true') throw new Error(`CI=true, and yet: ${reason}`);
  return reason ?? false;
}

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'real FTP servers need root to change users';
  if (!existsSync('/etc/debian_version')) return 'the real peers come from Debian packages';
  const absent = ['curl', 'lftp', 'tnftp', 'wget', 'ncftpget', 'python3'].filter(
    (name) => !existsSync(`/usr/bin/${name}`),
  );
  return absent.length === 0 ? undefined : `not installed: ${absent.join(' ')}`;
}
