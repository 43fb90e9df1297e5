// Which file does a path of the client mean? Paths are octets, kept as latin1 strings so that names in any encoding
// survive (RFC 3659 §2.2); nothing may lead out of the root, whatever the client writes.

import { Buffer } from 'node:buffer';

/** The absolute path, as the client sees it, of `path` seen from `folder`; `..` stops at the root as in a chroot. */
export function resolveSamplePath(folder: string, path: string): string {
  const kept: string[] = [];
  const whole = path.startsWith('/') ? path : `${folder}/${path}`;
  for (const part of whole.split('/')) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  return `/${kept.join('/')}`;
}

/**
 * The file's real path, in octets. `resolved` must come from resolveSamplePath: it then has no `..` left to climb by.
 * Symbolic links need no check: the server makes the folder and offers no verb that creates one.
 */
export function realSamplePath(root: string, resolved: string): Buffer {
  return Buffer.concat([Buffer.from(root), Buffer.from(resolved, 'latin1')]);
}
