// A certificate that nobody but itself vouches for, and its key: to try TLS with before there is one that clients
// trust.
// Node reads certificates and makes none, so OpenSSL does, by the calls that its `req -x509` makes. X509_new(3),
// X509_sign(3), x509v3_config(5), RFC 5280 §4.
// Must not break: nothing of it is needed to run a gateway, so its calls are bound here and not with those of TLS.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import koffi from 'koffi';
import type { Result } from '../result.ts';
import { notedErrors, openssl, type Pointer } from './openssl.ts';

/** PEM texts. */
export interface SelfSigned {
  readonly certificate: string;
  readonly key: string;
}

export interface SelfSignedOptions {
  /** What it is for, the first one also as its subject; each as `DNS:ftp.example.org` or `IP:192.0.2.1`. */
  readonly names: readonly [string, ...string[]];
  readonly days: number;
}

const signatures = {
  X509_new: 'void *X509_new()',
  X509_set_version: 'int X509_set_version(void *, long)',
  X509_get_serialNumber: 'void *X509_get_serialNumber(void *)',
  ASN1_INTEGER_set_uint64: 'int ASN1_INTEGER_set_uint64(void *, uint64_t)',
  X509_getm_notBefore: 'void *X509_getm_notBefore(void *)',
  X509_getm_notAfter: 'void *X509_getm_notAfter(void *)',
  X509_gmtime_adj: 'void *X509_gmtime_adj(void *, long)',
  X509_get_subject_name: 'void *X509_get_subject_name(void *)',
  X509_NAME_add_entry_by_txt: 'int X509_NAME_add_entry_by_txt(void *, const char *, int, const char *, int, int, int)',
  X509_set_issuer_name: 'int X509_set_issuer_name(void *, void *)',
  X509_set_pubkey: 'int X509_set_pubkey(void *, void *)',
  X509V3_EXT_conf_nid: 'void *X509V3_EXT_conf_nid(void *, void *, int, const char *)',
  X509_add_ext: 'int X509_add_ext(void *, void *, int)',
  X509_EXTENSION_free: 'void X509_EXTENSION_free(void *)',
  EVP_sha256: 'const void *EVP_sha256()',
  X509_sign: 'int X509_sign(void *, void *, const void *)',
  PEM_write_bio_X509: 'int PEM_write_bio_X509(void *, void *)',
} as const;

type Argument = Pointer | number | bigint | string;
type Call<Returned> = (...given: readonly Argument[]) => Returned;
type Signatures = typeof signatures;
type X509Calls = {
  readonly [Name in keyof Signatures]: Call<Signatures[Name] extends `int ${string}` ? number : Pointer>;
};

// x509.h, asn1.h, obj_mac.h
const X509_VERSION_3 = 2;
const MBSTRING_UTF8 = 0x1000;
const NID_key_usage = 83;
const NID_subject_alt_name = 85;
const NID_basic_constraints = 87;
const NID_ext_key_usage = 126;

// RFC 5280 appendix A.1: ub-common-name.
const commonNameMax = 64;
// Clocks differ, and a certificate that is not valid yet is as good as none.
const backdatedSeconds = 3600;
const certificateOctetsMax = 65_536;

/** The pair, or in OpenSSL's words why it cannot be had. */
export function makeSelfSigned({ names, days }: SelfSignedOptions): Result<SelfSigned, string> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const { X509_free, EVP_PKEY_free, ERR_clear_error } = openssl();
  const calls = bindAll();
  ERR_clear_error();
  const pointer = readKey(key);
  const certificate: Pointer = calls.X509_new();
  try {
    const isMade =
      describe(calls, certificate, names[0], days) &&
      calls.X509_set_pubkey(certificate, pointer) === 1 &&
      extend(calls, certificate, names) &&
      calls.X509_sign(certificate, pointer, calls.EVP_sha256()) > 0;
    if (!isMade) return { ok: false, reason: notedErrors()[0] ?? 'OpenSSL does not say why' };
    return { ok: true, value: { certificate: printed(calls, certificate), key } };
  } finally {
    X509_free(certificate);
    EVP_PKEY_free(pointer);
  }
}

function describe(calls: X509Calls, certificate: Pointer, name: string, days: number): boolean {
  const subject = calls.X509_get_subject_name(certificate);
  const commonName = name.slice(name.indexOf(':') + 1);
  const isNamed =
    commonName.length > commonNameMax ||
    calls.X509_NAME_add_entry_by_txt(subject, 'CN', MBSTRING_UTF8, commonName, -1, -1, 0) === 1;
  // RFC 5280 §4.1.2.2: positive; a half of its 64 bits would be taken for negative by some.
  const serial = randomBytes(8).readBigUInt64BE() >> 1n;
  calls.X509_gmtime_adj(calls.X509_getm_notBefore(certificate), -backdatedSeconds);
  calls.X509_gmtime_adj(calls.X509_getm_notAfter(certificate), days * 86_400);
  return (
    isNamed &&
    calls.X509_set_version(certificate, X509_VERSION_3) === 1 &&
    calls.ASN1_INTEGER_set_uint64(calls.X509_get_serialNumber(certificate), serial) === 1 &&
    calls.X509_set_issuer_name(certificate, subject) === 1
  );
}

function extend(calls: X509Calls, certificate: Pointer, names: readonly string[]): boolean {
  const extensions: readonly (readonly [nid: number, value: string])[] = [
    [NID_subject_alt_name, names.join(',')],
    [NID_basic_constraints, 'critical,CA:FALSE'],
    [NID_key_usage, 'critical,digitalSignature'],
    [NID_ext_key_usage, 'serverAuth'],
  ];
  return extensions.every(([nid, value]) => {
    const extension: Pointer = calls.X509V3_EXT_conf_nid(null, null, nid, value);
    if (extension === null) return false;
    const isAdded = calls.X509_add_ext(certificate, extension, -1) === 1;
    calls.X509_EXTENSION_free(extension);
    return isAdded;
  });
}

function readKey(pem: string): Pointer {
  const { BIO_new, BIO_s_mem, BIO_write, BIO_free, PEM_read_bio_PrivateKey } = openssl();
  const bio = BIO_new(BIO_s_mem());
  const octets = new TextEncoder().encode(pem);
  BIO_write(bio, octets, octets.length);
  const key = PEM_read_bio_PrivateKey(bio, null, null, '');
  BIO_free(bio);
  return key;
}

function printed(calls: X509Calls, certificate: Pointer): string {
  const { BIO_new, BIO_s_mem, BIO_read, BIO_free } = openssl();
  const bio = BIO_new(BIO_s_mem());
  calls.PEM_write_bio_X509(bio, certificate);
  const octets = new Uint8Array(certificateOctetsMax);
  const count = BIO_read(bio, octets, octets.length);
  BIO_free(bio);
  return new TextDecoder().decode(octets.subarray(0, count));
}

function bindAll(): X509Calls {
  const library = koffi.load(null);
  const bound = Object.entries(signatures).map(([name, signature]) => [name, library.func(signature)]);
  return Object.fromEntries(bound) as X509Calls;
}
