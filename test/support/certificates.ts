// Certificates for tests, made anew for each run by the openssl program: a CA, and whatever it has signed.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Pair {
  readonly certificate: string;
  readonly key: string;
  /** Paths of the same. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface CertificateOptions {
  /** Names and addresses, as `DNS:a.example` or `IP:10.0.0.1`. */
  readonly names?: readonly string[];
  /** Days from now until it ends; negative: it has ended. */
  readonly days?: number;
  readonly use?: 'serverAuth' | 'clientAuth';
}

export class CertificateAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), 'portcullis-ca-'));
  readonly pair: Pair;
  private made = 0;

  constructor(name = 'Test CA') {
    this.pair = this.selfSigned(name, ['-addext', 'basicConstraints=critical,CA:TRUE']);
  }

  /** A certificate that nobody but itself vouches for. */
  selfSigned(name: string, extra: readonly string[] = []): Pair {
    const at = this.place();
    this.openssl('req', '-x509', ...ecKey(at), '-out', `${at}.pem`, '-subj', `/CN=${name}`, '-days', '3650', ...extra);
    return this.read(at);
  }

  issue(name: string, { names = [`DNS:${name}`], days = 30, use = 'serverAuth' }: CertificateOptions = {}): Pair {
    const at = this.place();
    this.openssl('req', ...ecKey(at), '-out', `${at}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(`${at}.ext`, `subjectAltName=${names.join(',')}\nextendedKeyUsage=${use}\n`);
    const ca = ['-CA', this.pair.certificateFile, '-CAkey', this.pair.keyFile];
    const end = new Date(Date.now() + days * 86_400_000);
    const begin = new Date(Math.min(Date.now(), end.getTime()) - 86_400_000);
    const signed = ['x509', '-req', '-in', `${at}.csr`, ...ca, '-out', `${at}.pem`, '-extfile', `${at}.ext`];
    if (days > 0) this.openssl(...signed, '-days', `${days}`);
    else this.signPast(at, begin, end);
    return this.read(at);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** `openssl x509` cannot make a certificate that has ended; `openssl ca` can. */
  private signPast(at: string, begin: Date, end: Date): void {
    writeFileSync(`${at}.index`, '');
    writeFileSync(
      `${at}.cnf`,
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${at}.index\nnew_certs_dir=${this.folder}\nrand_serial=yes\n` +
        'default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n',
    );
    const ca = ['-cert', this.pair.certificateFile, '-keyfile', this.pair.keyFile];
    const dates = ['-startdate', asn1(begin), '-enddate', asn1(end)];
    const files = ['-in', `${at}.csr`, '-out', `${at}.pem`, '-extfile', `${at}.ext`, '-notext'];
    this.openssl('ca', '-batch', '-config', `${at}.cnf`, ...ca, ...dates, ...files);
  }

  private place(): string {
    this.made += 1;
    return join(this.folder, `${this.made}`);
  }

  private read(at: string): Pair {
    const [certificateFile, keyFile] = [`${at}.pem`, `${at}.key`];
    const [certificate, key] = [readFileSync(certificateFile, 'utf8'), readFileSync(keyFile, 'utf8')];
    return { certificate, key, certificateFile, keyFile };
  }

  private openssl(...argv: readonly string[]): void {
    execFileSync('openssl', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  }
}

function ecKey(at: string): readonly string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${at}.key`];
}

function asn1(time: Date): string {
  return `${time.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
}
