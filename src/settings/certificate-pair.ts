// Can the gateway show itself to clients with this certificate and this key? And whose are they, until when?
// Must not break: what passes here passes in an engine; what is refused would have failed at the first client.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { parseAddress } from '../address/endpoint.ts';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import type { Result } from '../result.ts';
import { withHiddenKey } from './hidden-key.ts';
import type { Pem } from './pem.ts';
import type { CertificatePair } from './tls-settings.ts';

/** What is wrong with either file; a reason completes "the file …". */
export interface PairFaults {
  readonly certificate: string | undefined;
  readonly key: string | undefined;
}

/** Each file as it was read; undefined where that failed and is told already. */
export function readPair(
  certificateFile: Pem | undefined,
  keyFile: Pem | undefined,
  nowMs: number,
): Result<CertificatePair, PairFaults> {
  const own = certificateFile && ownCertificate(certificateFile, nowMs);
  const key = keyFile && privateKey(keyFile);
  const faults = {
    certificate: own?.ok === false ? own.reason : undefined,
    key: key?.ok === false ? key.reason : undefined,
  };
  if (certificateFile === undefined || own?.ok !== true || key?.ok !== true) return { ok: false, reason: faults };
  const [leaf, pem] = [own.value, key.value];
  if (!leaf.checkPrivateKey(pem)) return { ok: false, reason: { ...faults, key: whoseKey(certificateFile, pem) } };
  return { ok: true, value: withHiddenKey(pairOf(leaf, certificateFile, keyFile!)) };
}

function pairOf(leaf: X509Certificate, { certificates }: Pem, { keys }: Pem): CertificatePair {
  return {
    certificate: `${certificates.join('\n')}\n`,
    key: `${keys[0]!}\n`,
    subject: subjectOf(leaf),
    names: namesOf(leaf),
    notAfterMs: Date.parse(leaf.validTo),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** The certificates of a file; each of them can be read. A reason completes "the file …". */
export function readCertificates({ certificates, keys }: Pem): Parsed<readonly X509Certificate[]> {
  if (certificates.length === 0) {
    return unreadable(`holds ${keys.length > 0 ? 'a key and ' : ''}no certificate (-----BEGIN CERTIFICATE-----)`);
  }
  const read: X509Certificate[] = [];
  for (const [index, text] of certificates.entries()) {
    try {
      read.push(new X509Certificate(text));
    } catch {
      const which = certificates.length === 1 ? 'a certificate' : `a certificate (number ${index + 1})`;
      return unreadable(`holds ${which} that cannot be read; copy it anew from where it was issued`);
    }
  }
  return parsed(read);
}

function ownCertificate(pem: Pem, nowMs: number): Parsed<X509Certificate> {
  const read = readCertificates(pem);
  if (!read.ok) return read;
  const own = read.value[0]!;
  const [fromMs, untilMs] = [Date.parse(own.validFrom), Date.parse(own.validTo)];
  const whose = `the certificate of ${subjectOf(own)}`;
  if (nowMs >= untilMs) return unreadable(`holds ${whose}, which has expired on ${day(untilMs)}; renew it`);
  if (nowMs < fromMs) return unreadable(`holds ${whose}, which is valid from ${day(fromMs)} on; check the clock`);
  return parsed(own);
}

function privateKey({ keys, certificates }: Pem): Parsed<KeyObject> {
  const [text] = keys;
  if (text === undefined) {
    const instead = certificates.length > 0 ? 'a certificate and ' : '';
    return unreadable(`holds ${instead}no private key (-----BEGIN PRIVATE KEY-----)`);
  }
  // PKCS#8 says so in its label, older forms in a header (RFC 1421 §4.6).
  if (/BEGIN ENCRYPTED|ENCRYPTED$/m.test(text)) {
    return unreadable('holds an encrypted key; expected one without a passphrase (openssl pkey removes it)');
  }
  try {
    return parsed(createPrivateKey(text));
  } catch {
    return unreadable('holds a key that cannot be read; copy it anew from where it was made');
  }
}

/** A key that does not belong to the first certificate; perhaps to another one behind it. */
function whoseKey(pem: Pem, key: KeyObject): string {
  const read = readCertificates(pem);
  const at = read.ok ? read.value.findIndex((each) => each.checkPrivateKey(key)) : -1;
  return at < 0
    ? 'holds a key that does not belong to the certificate; expected the one that it was issued for'
    : `holds the key of certificate number ${at + 1} in the other file; put that certificate first`;
}

function namesOf({ subjectAltName, subject }: X509Certificate): readonly string[] {
  // As Node prints it: `DNS:ftp.example.org, IP Address:192.0.2.1`; what has odd letters is quoted, and no host's name.
  const entries = [...(subjectAltName ?? '').matchAll(/(?:^|, )(DNS|IP Address):([^",\s]+)/g)];
  if (subjectAltName === undefined) return /^CN=(\S+)$/m.exec(subject)?.slice(1).map(lowerCase) ?? [];
  return entries.map(([, , name]) => {
    const address = parseAddress(name!);
    return address.ok ? address.value.text : lowerCase(name!);
  });
}

function lowerCase(text: string): string {
  return text.toLowerCase();
}

/** In one line that cannot steer a terminal. */
function subjectOf({ subject, fingerprint256 }: X509Certificate): string {
  const line = (subject ?? '')
    .split('\n')
    .join(', ')
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return line === '' ? fingerprint256 : line;
}

export function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
