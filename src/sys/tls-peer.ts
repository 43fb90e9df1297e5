// What is known of a peer by the certificate that it has shown. X509_digest(3), X509_NAME_print_ex(3).

import { openssl, type Pointer, XN_FLAG_RFC2253 } from './openssl.ts';

const digestOctets = 32;
const textOctetsMax = 1024;

/** SHA-256 of the peer's certificate in lower case hexadecimal; empty where it has shown none. */
export function fingerprintOf(ssl: Pointer): string {
  const { SSL_get1_peer_certificate, X509_digest, EVP_sha256, X509_free } = openssl();
  const certificate = SSL_get1_peer_certificate(ssl);
  if (certificate === null) return '';
  const digest = new Uint8Array(digestOctets);
  X509_digest(certificate, EVP_sha256(), digest, null);
  X509_free(certificate);
  return Array.from(digest, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

/** The subject of the peer's certificate (RFC 2253), cut at 1,024 octets; undefined where it has shown none. */
export function subjectOf(ssl: Pointer): string | undefined {
  const { SSL_get1_peer_certificate, X509_get_subject_name, X509_NAME_print_ex, X509_free } = openssl();
  const { BIO_new, BIO_s_mem, BIO_read, BIO_free } = openssl();
  const certificate = SSL_get1_peer_certificate(ssl);
  if (certificate === null) return undefined;
  const bio = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  const text = new Uint8Array(textOctetsMax);
  const count = Math.max(BIO_read(bio, text, text.length), 0);
  BIO_free(bio);
  X509_free(certificate);
  return new TextDecoder().decode(text.subarray(0, count));
}
