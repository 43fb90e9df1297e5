// Which certificates and keys stand in the text of a PEM file (RFC 7468), or what is it instead?
// Must not break: a file that holds both, as some programs want them, is read for either.

import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { readFileOctets } from './read-text-file.ts';

export interface Pem {
  /** Each with its BEGIN and END lines. */
  readonly certificates: readonly string[];
  readonly keys: readonly string[];
}

/** A reason completes "the file …". */
export function readPemFile(path: string): Parsed<Pem> {
  const octets = readFileOctets(path);
  if (!octets.ok) return octets;
  // DER begins with a SEQUENCE of more than 255 octets (X.690 §8.1).
  if (octets.value[0] === 0x30 && octets.value[1] === 0x82) {
    return unreadable('is DER or PKCS#12; convert it to PEM (openssl x509, pkey or pkcs12)');
  }
  const blocks = [...octets.value.toString('latin1').matchAll(block)];
  const textsOf = (kind: RegExp): string[] => blocks.filter(([, label]) => kind.test(label!)).map(([text]) => text);
  const pem = { certificates: textsOf(/^(X509 )?CERTIFICATE$/), keys: textsOf(/PRIVATE KEY$/) };
  return pem.certificates.length + pem.keys.length > 0 ? parsed(pem) : unreadable(noPem);
}

const block = /-----BEGIN ([A-Z0-9 ]{1,40})-----[^-]*(?:-(?!----)[^-]*)*-----END \1-----/g;
const noPem = 'holds nothing in PEM (-----BEGIN … to -----END …); check that this is the right file';
