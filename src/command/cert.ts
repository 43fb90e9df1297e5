// `portcullis cert`: a self-signed certificate and its key, to try FTPS with before there is one that clients trust.
// Must not break: no file is ever overwritten, because the key of a running gateway may stand there; the key is for its
// owner alone.

import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseAddress } from '../address/endpoint.ts';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import { readHostName } from '../settings/host-name.ts';
import { makeSelfSigned } from '../sys/self-signed.ts';
import { shown } from '../yaml/problem.ts';
import { usage } from './usage.ts';

// Long enough to try, short enough that nobody runs on it for good.
const days = 90;

export function cert(words: readonly string[]): number {
  const asked = certWords(words);
  return asked === undefined ? usage(2) : make(asked);
}

interface CertWords {
  readonly folder: string;
  readonly names: readonly [string, ...string[]];
}

/** Undefined where it is not as the usage says. */
function certWords(words: readonly string[]): CertWords | undefined {
  const at = words.indexOf('--out');
  const folder = words[at + 1];
  const [first, ...others] = words.filter((_, index) => index !== at && index !== at + 1);
  if (at < 0 || folder === undefined || first === undefined) return undefined;
  return [folder, first, ...others].some((word) => word === '' || word.startsWith('-'))
    ? undefined
    : { folder, names: [first, ...others] };
}

function make({ folder, names }: CertWords): number {
  const readNames: string[] = [];
  for (const name of names) {
    const read = readName(name);
    if (!read.ok) return failed(`${shown(name)}: ${read.reason}`);
    readNames.push(read.value);
  }
  const [first, ...others] = readNames;
  const files: Files = { certificate: join(resolve(folder), 'cert.pem'), key: join(resolve(folder), 'key.pem') };
  const taken = [files.certificate, files.key].find((file) => existsSync(file));
  if (taken !== undefined) return failed(`${taken} is there already; move it away, or choose another --out`);
  const made = makeSelfSigned({ names: [first!, ...others], days });
  if (!made.ok) return failed(`OpenSSL makes no certificate: ${made.reason}`);
  const problem = write(folder, files, made.value);
  if (problem !== undefined) return failed(problem);
  process.stdout.write(told(files, new X509Certificate(made.value.certificate)));
  return 0;
}

interface Files {
  readonly certificate: string;
  readonly key: string;
}

/** As OpenSSL wants it: `DNS:ftp.example.org`, `IP:192.0.2.1`. */
function readName(name: string): Parsed<string> {
  const wildcard = name.startsWith('*.') ? '*.' : '';
  const read = readHostName(name.slice(wildcard.length));
  if (!read.ok) return read;
  const isAddress = parseAddress(read.value).ok;
  // RFC 6125 §7.2: a star for all of a top-level domain is believed by nobody.
  const isDomain = read.value.includes('.') && !isAddress;
  if (wildcard !== '' && !isDomain) return unreadable('expected two labels at least behind *.');
  return parsed(isAddress ? `IP:${read.value}` : `DNS:${wildcard}${read.value}`);
}

function write(folder: string, files: Files, { certificate, key }: Files): string | undefined {
  let writing = folder;
  try {
    mkdirSync(folder, { recursive: true });
    writing = files.key;
    // Also where somebody has put it there since it was looked for.
    writeFileSync(files.key, key, { flag: 'wx', mode: 0o600 });
    writing = files.certificate;
    writeFileSync(files.certificate, certificate, { flag: 'wx', mode: 0o644 });
    return undefined;
  } catch (error) {
    // A key without its certificate would be in the way of the next try.
    if (writing === files.certificate) unlinkSync(files.key);
    return `${writing} cannot be written (${(error as NodeJS.ErrnoException).code}); choose another --out`;
  }
}

function told(files: Files, { validTo, fingerprint256, subjectAltName }: X509Certificate): string {
  return `${files.certificate}
${files.key}
For ${subjectAltName ?? ''}; until ${new Date(validTo).toISOString().slice(0, 10)}.

In the settings, under a listener:

    tls:
      client: { mode: required, certificate: ${scalar(files.certificate)}, key: ${scalar(files.key)} }

It is for trying: nobody vouches for it, so clients ask whether to trust it. What they show must be its fingerprint:
SHA-256 ${fingerprint256}
`;
}

/** A text as YAML takes it also between braces. */
function scalar(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : JSON.stringify(text);
}

function failed(problem: string): number {
  process.stderr.write(`portcullis: ${problem}\n`);
  return 1;
}
