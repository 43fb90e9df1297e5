// What do the files hold that the settings name for TLS, and can TLS be had with them? They are read and judged when
// the settings are, so that a gateway never starts, nor reloads, with what fails at the first client.
// Must not break: everything wrong is told at once, at the place where the settings name the file.

import { existsSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Problem } from '../yaml/problem.ts';
import { day, readCertificates, readPair } from './certificate-pair.ts';
import { type Pem, readPemFile } from './pem.ts';
import { readTextFile } from './read-text-file.ts';
import type { CertificatePair, NamedFile, NamedPlace, TlsSources } from './tls-settings.ts';

export interface LoadedTls {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  /** One for each that the sources name; undefined where it cannot be used, as are the CAs. */
  readonly pairs: readonly (CertificatePair | undefined)[];
  readonly clientCa: string | undefined;
  readonly ca: string | undefined;
}

// Long enough for somebody to come back from a holiday, short enough not to be told of a certificate that is renewed
// every ninety days, thirty before its end.
const warnedMs = 14 * 86_400_000;
// Where Debian and most others keep the roots that their administrators trust.
const systemRoots = '/etc/ssl/certs/ca-certificates.crt';
const unverified =
  'false lets whoever sits between the gateway and the server read and change everything; name a ca or a fingerprint';

/** `nowMs` decides what has expired. */
export function loadTls(sources: TlsSources, nowMs: number): LoadedTls {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const tell = (place: NamedPlace, message: string): void => {
    problems.push(problemIn(place, message));
  };
  if (sources.unverified !== undefined) warnings.push(problemIn(sources.unverified, unverified));
  const read = (file: NamedFile): Pem | undefined => {
    const pem = readPemFile(file.path);
    if (!pem.ok) tell(file, `the file ${file.path} ${pem.reason}`);
    return pem.ok ? pem.value : undefined;
  };
  const pairs = sources.pairs.map(({ certificate, key }): CertificatePair | undefined => {
    const pair = readPair(read(certificate), read(key), nowMs);
    if (pair.ok) {
      warnings.push(...lateRenewal(certificate, pair.value, nowMs));
      return pair.value;
    }
    const { reason } = pair;
    if (reason.certificate !== undefined) tell(certificate, `the file ${certificate.path} ${reason.certificate}`);
    if (reason.key !== undefined) tell(key, `the file ${key.path} ${reason.key}`);
    return undefined;
  });
  const authorities = (file: NamedFile | undefined): string | undefined => {
    const pem = file && read(file);
    if (file === undefined || pem === undefined) return undefined;
    const certificates = readCertificates(pem);
    if (certificates.ok) return pem.certificates.join('\n');
    tell(file, `the file ${file.path} ${certificates.reason}`);
    return undefined;
  };
  const clientCa = authorities(sources.clientCa);
  const ca = sources.ca === 'system' ? systemAuthorities() : authorities(sources.ca);
  return { problems, warnings, pairs, clientCa, ca };
}

function lateRenewal(file: NamedFile, { subject, notAfterMs }: CertificatePair, nowMs: number): readonly Problem[] {
  if (notAfterMs - nowMs > warnedMs) return [];
  return [problemIn(file, `the certificate of ${subject} in ${file.path} expires on ${day(notAfterMs)}; renew it`)];
}

function systemAuthorities(): string {
  const read = existsSync(systemRoots) ? readTextFile(systemRoots) : undefined;
  // A machine without a store, as small containers are, gets the one that comes with Node.
  return read?.ok === true ? read.value : rootCertificates.join('\n');
}

function problemIn({ file, line, column, key }: NamedPlace, message: string): Problem {
  return { file, line, column, message: `${key}: ${message}` };
}
