// Which certificates and keys do the settings name, and can TLS be had with them? They are read and judged when the
// settings are, so that a gateway never starts, nor reloads, with what fails at the first client.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { type Parsed, parsed, unreadable } from '../address/parsed.ts';
import type { Checked, Path, Problem } from '../yaml/problem.ts';
import { problemAt, type YamlSource } from '../yaml/yaml-source.ts';
import { readTextFile } from './read-text-file.ts';
import type { ClientTlsFile, ServerTlsFile, TlsFile } from './tls-schema.ts';
import type { CertificatePair, ClientTls, ListenerTls, ServerTls } from './tls-settings.ts';

/** The section of one listener, with what its files hold. `nowMs` decides what has expired. */
export function loadTls(
  source: YamlSource,
  path: Path,
  file: TlsFile | undefined,
  dataPath: string | undefined,
  nowMs: number,
): Checked<ListenerTls> {
  const reader = new TlsReader(source, path, nowMs);
  const client = reader.client(file?.client);
  const server = reader.server(file?.server, client.mode);
  if ((client.mode !== 'off' || server.mode !== 'off') && dataPath === 'kernel')
    reader.tell([], 'expected dataPath relay or auto: only the relay can end the TLS of data connections');
  return reader.problems.length > 0 ? { ok: false, reason: reader.problems } : { ok: true, value: { client, server } };
}

const off = { mode: 'off' } as const;

// Where Debian and most others keep the roots that their administrators trust.
const systemRoots = '/etc/ssl/certs/ca-certificates.crt';

class TlsReader {
  readonly problems: Problem[] = [];
  private readonly source: YamlSource;
  private readonly path: Path;
  private readonly nowMs: number;

  constructor(source: YamlSource, path: Path, nowMs: number) {
    this.source = source;
    this.path = path;
    this.nowMs = nowMs;
  }

  tell(path: Path, message: string): void {
    this.problems.push(problemAt(this.source, [...this.path, ...path], message));
  }

  client(file: ClientTlsFile | undefined): ClientTls {
    if (file === undefined || file.mode === 'off') {
      for (const key of Object.keys(file ?? {}))
        if (key !== 'mode') this.tell(['client', key], 'has no meaning with mode off; remove it, or choose a mode');
      return off;
    }
    const [first, ...others] = this.pairsOf(file);
    if (file.clientCertificate !== undefined && file.clientCa === undefined)
      this.tell(['client', 'clientCertificate'], 'needs clientCa, by which the certificates of clients are judged');
    const clientCa = file.clientCa === undefined ? undefined : this.certificates(['client', 'clientCa'], file.clientCa);
    if (first === undefined) return off;
    return {
      mode: file.mode,
      certificates: [first, ...others],
      requireReuse: file.requireReuse ?? false,
      clientCa,
      clientCertificate: file.clientCertificate ?? 'required',
      acceptTruncation: file.acceptTruncation ?? false,
      clearCommandChannel: file.clearCommandChannel ?? false,
    };
  }

  server(file: ServerTlsFile | undefined, client: ClientTls['mode']): ServerTls {
    if (file === undefined || file.mode === 'off') {
      for (const key of Object.keys(file ?? {}))
        if (key !== 'mode') this.tell(['server', key], 'has no meaning with mode off; remove it, or choose a mode');
      return off;
    }
    if (file.mode === 'match-client' && client === 'off')
      this.tell(['server', 'mode'], 'match-client needs a client leg that offers TLS; expected required or implicit');
    const pinned = file.fingerprint !== undefined || file.verify === false;
    if (pinned && file.ca !== undefined)
      this.tell(['server', 'ca'], 'is not asked where fingerprint or verify: false stand; remove one of them');
    return {
      mode: file.mode,
      ca: pinned ? undefined : this.trusted(file.ca),
      name: pinned ? undefined : file.name,
      fingerprint: file.fingerprint,
      acceptTruncation: file.acceptTruncation ?? false,
    };
  }

  private trusted(file: string | undefined): string | undefined {
    if (file !== undefined) return this.certificates(['server', 'ca'], file);
    if (!existsSync(systemRoots)) return rootCertificates.join('\n');
    const read = readTextFile(systemRoots);
    if (read.ok) return read.value;
    this.tell(['server'], `the file ${systemRoots} ${read.reason}; or name a ca`);
    return undefined;
  }

  private pairsOf(file: ClientTlsFile): readonly CertificatePair[] {
    const { certificate, key, certificates } = file;
    if (certificates !== undefined) {
      if (certificate !== undefined || key !== undefined)
        this.tell(['client', 'certificates'], 'stands beside certificate or key; expected either the list or the pair');
      return certificates.flatMap((each, index) => this.pair(['client', 'certificates', index], each));
    }
    if (certificate !== undefined && key !== undefined) return this.pair(['client'], { certificate, key });
    const missing = certificate === undefined ? 'certificate' : 'key';
    this.tell(
      ['client'],
      `${missing} is missing; mode ${file.mode} needs both (portcullis cert makes a pair for trying)`,
    );
    return [];
  }

  private pair(path: Path, files: { certificate: string; key: string }): readonly CertificatePair[] {
    const certificate = this.read([...path, 'certificate'], files.certificate);
    const key = this.read([...path, 'key'], files.key);
    if (certificate === undefined || key === undefined) return [];
    const read = readPair(certificate, key, this.nowMs);
    if (read.ok) return [read.value];
    const { what, text } = read.reason;
    this.tell([...path, what], `the file ${this.placeOf(files[what])} ${text}`);
    return [];
  }

  /** The text of a file of certificates. */
  private certificates(path: Path, file: string): string | undefined {
    const text = this.read(path, file);
    if (text === undefined) return undefined;
    const certificate = certificateIn(text);
    if (certificate.ok) return text;
    this.tell(path, `the file ${this.placeOf(file)} ${certificate.reason}`);
    return undefined;
  }

  private read(path: Path, file: string): string | undefined {
    const place = this.placeOf(file);
    const content = readTextFile(place);
    if (content.ok) return content.value;
    this.tell(path, `the file ${place} ${content.reason}`);
    return undefined;
  }

  private placeOf(file: string): string {
    return isAbsolute(file) ? file : join(dirname(this.source.file), file);
  }
}

function certificateIn(text: string): Parsed<X509Certificate> {
  try {
    return parsed(new X509Certificate(text));
  } catch {
    return unreadable('holds no certificate in PEM; expected -----BEGIN CERTIFICATE-----');
  }
}

interface PairFault {
  readonly what: 'certificate' | 'key';
  readonly text: string;
}

type ReadPair =
  | { readonly ok: true; readonly value: CertificatePair }
  | { readonly ok: false; readonly reason: PairFault };

function readPair(certificate: string, key: string, nowMs: number): ReadPair {
  const fault = (what: PairFault['what'], text: string): ReadPair => ({ ok: false, reason: { what, text } });
  const read = certificateIn(certificate);
  if (!read.ok) return fault('certificate', read.reason);
  const leaf = read.value;
  const [notBeforeMs, notAfterMs] = [Date.parse(leaf.validFrom), Date.parse(leaf.validTo)];
  if (nowMs >= notAfterMs) return fault('certificate', `has expired on ${day(notAfterMs)}; renew it`);
  if (nowMs < notBeforeMs) return fault('certificate', `is valid from ${day(notBeforeMs)} only; check the clock`);
  if (/ENCRYPTED/.test(key)) return fault('key', 'is encrypted; expected a key without a passphrase');
  try {
    if (!leaf.checkPrivateKey(createPrivateKey(key))) return fault('key', 'does not belong to the certificate');
  } catch {
    return fault('key', 'holds no private key in PEM; expected -----BEGIN PRIVATE KEY-----');
  }
  const names = [...(leaf.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map(([, name]) => name!.toLowerCase());
  const subject = leaf.subject.replaceAll('\n', ', ');
  return { ok: true, value: { certificate, key, subject, names, notAfterMs } };
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
