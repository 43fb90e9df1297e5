// The calls of OpenSSL that TLS needs. They are those of the OpenSSL that Node itself runs with: it is updated with
// Node, whose build exports it (Debian's node links the system's, which is then found the same way), and a second
// OpenSSL in one process would have its symbols taken for those of the first.
// Bound when they are first needed: a gateway without TLS does not pay for them. ssl(7), bio(7), ERR_get_error(3).

import koffi from 'koffi';

/** A pointer of OpenSSL's; null for none. */
export type Pointer = object | null;

type Octets = Uint8Array | null;

const signatures = {
  TLS_server_method: 'void *TLS_server_method()',
  TLS_client_method: 'void *TLS_client_method()',
  SSL_CTX_new: 'void *SSL_CTX_new(void *)',
  SSL_CTX_free: 'void SSL_CTX_free(void *)',
  SSL_CTX_ctrl: 'long SSL_CTX_ctrl(void *, int, long, void *)',
  SSL_CTX_set_options: 'uint64_t SSL_CTX_set_options(void *, uint64_t)',
  SSL_CTX_set_cipher_list: 'int SSL_CTX_set_cipher_list(void *, const char *)',
  SSL_CTX_set_session_id_context: 'int SSL_CTX_set_session_id_context(void *, const void *, unsigned int)',
  SSL_CTX_set_timeout: 'long SSL_CTX_set_timeout(void *, long)',
  SSL_CTX_set_verify: 'void SSL_CTX_set_verify(void *, int, void *)',
  SSL_CTX_get_cert_store: 'void *SSL_CTX_get_cert_store(void *)',
  SSL_CTX_add_client_CA: 'int SSL_CTX_add_client_CA(void *, void *)',
  SSL_CTX_use_certificate: 'int SSL_CTX_use_certificate(void *, void *)',
  SSL_CTX_use_PrivateKey: 'int SSL_CTX_use_PrivateKey(void *, void *)',
  SSL_CTX_check_private_key: 'int SSL_CTX_check_private_key(void *)',
  SSL_new: 'void *SSL_new(void *)',
  SSL_free: 'void SSL_free(void *)',
  SSL_ctrl: 'long SSL_ctrl(void *, int, long, const void *)',
  SSL_set_bio: 'void SSL_set_bio(void *, void *, void *)',
  SSL_set_accept_state: 'void SSL_set_accept_state(void *)',
  SSL_set_connect_state: 'void SSL_set_connect_state(void *)',
  SSL_set_session_id_context: 'int SSL_set_session_id_context(void *, const void *, unsigned int)',
  SSL_set_num_tickets: 'int SSL_set_num_tickets(void *, size_t)',
  SSL_new_session_ticket: 'int SSL_new_session_ticket(void *)',
  SSL_do_handshake: 'int SSL_do_handshake(void *)',
  SSL_read: 'int SSL_read(void *, void *, int)',
  SSL_write: 'int SSL_write(void *, const void *, int)',
  SSL_shutdown: 'int SSL_shutdown(void *)',
  SSL_set_shutdown: 'void SSL_set_shutdown(void *, int)',
  SSL_get_error: 'int SSL_get_error(void *, int)',
  SSL_get_version: 'const char *SSL_get_version(void *)',
  SSL_get_current_cipher: 'void *SSL_get_current_cipher(void *)',
  SSL_CIPHER_get_name: 'const char *SSL_CIPHER_get_name(void *)',
  SSL_session_reused: 'int SSL_session_reused(void *)',
  SSL_get1_session: 'void *SSL_get1_session(void *)',
  SSL_set_session: 'int SSL_set_session(void *, void *)',
  SSL_SESSION_free: 'void SSL_SESSION_free(void *)',
  SSL_get1_peer_certificate: 'void *SSL_get1_peer_certificate(void *)',
  SSL_get_verify_result: 'long SSL_get_verify_result(void *)',
  SSL_get0_param: 'void *SSL_get0_param(void *)',
  X509_VERIFY_PARAM_set1_host: 'int X509_VERIFY_PARAM_set1_host(void *, const char *, size_t)',
  X509_VERIFY_PARAM_set1_ip_asc: 'int X509_VERIFY_PARAM_set1_ip_asc(void *, const char *)',
  X509_verify_cert_error_string: 'const char *X509_verify_cert_error_string(long)',
  X509_STORE_add_cert: 'int X509_STORE_add_cert(void *, void *)',
  X509_free: 'void X509_free(void *)',
  X509_digest: 'int X509_digest(void *, void *, void *, void *)',
  X509_get_subject_name: 'void *X509_get_subject_name(void *)',
  X509_NAME_print_ex: 'int X509_NAME_print_ex(void *, void *, int, unsigned long)',
  EVP_sha256: 'void *EVP_sha256()',
  EVP_PKEY_free: 'void EVP_PKEY_free(void *)',
  PEM_read_bio_X509: 'void *PEM_read_bio_X509(void *, void *, void *, const char *)',
  PEM_read_bio_PrivateKey: 'void *PEM_read_bio_PrivateKey(void *, void *, void *, const char *)',
  BIO_new: 'void *BIO_new(void *)',
  BIO_s_mem: 'void *BIO_s_mem()',
  BIO_free: 'int BIO_free(void *)',
  BIO_read: 'int BIO_read(void *, void *, int)',
  BIO_write: 'int BIO_write(void *, const void *, int)',
  BIO_ctrl: 'long BIO_ctrl(void *, int, long, void *)',
  ERR_get_error: 'unsigned long ERR_get_error()',
  ERR_clear_error: 'void ERR_clear_error()',
  ERR_reason_error_string: 'const char *ERR_reason_error_string(unsigned long)',
} as const;

interface Calls {
  TLS_server_method(): Pointer;
  TLS_client_method(): Pointer;
  SSL_CTX_new(method: Pointer): Pointer;
  SSL_CTX_free(context: Pointer): void;
  SSL_CTX_ctrl(context: Pointer, command: number, value: number, pointer: Pointer | Octets): number;
  SSL_CTX_set_options(context: Pointer, options: number): number;
  SSL_CTX_set_cipher_list(context: Pointer, list: string): number;
  SSL_CTX_set_session_id_context(context: Pointer, id: Uint8Array, length: number): number;
  SSL_CTX_set_timeout(context: Pointer, seconds: number): number;
  SSL_CTX_set_verify(context: Pointer, mode: number, callback: null): void;
  SSL_CTX_get_cert_store(context: Pointer): Pointer;
  SSL_CTX_add_client_CA(context: Pointer, certificate: Pointer): number;
  SSL_CTX_use_certificate(context: Pointer, certificate: Pointer): number;
  SSL_CTX_use_PrivateKey(context: Pointer, key: Pointer): number;
  SSL_CTX_check_private_key(context: Pointer): number;
  SSL_new(context: Pointer): Pointer;
  SSL_free(ssl: Pointer): void;
  SSL_ctrl(ssl: Pointer, command: number, value: number, pointer: Octets): number;
  SSL_set_bio(ssl: Pointer, read: Pointer, write: Pointer): void;
  SSL_set_accept_state(ssl: Pointer): void;
  SSL_set_connect_state(ssl: Pointer): void;
  SSL_set_session_id_context(ssl: Pointer, id: Uint8Array, length: number): number;
  SSL_set_num_tickets(ssl: Pointer, count: number): number;
  SSL_new_session_ticket(ssl: Pointer): number;
  SSL_do_handshake(ssl: Pointer): number;
  SSL_read(ssl: Pointer, into: Uint8Array, length: number): number;
  SSL_write(ssl: Pointer, from: Uint8Array, length: number): number;
  SSL_shutdown(ssl: Pointer): number;
  SSL_set_shutdown(ssl: Pointer, mode: number): void;
  SSL_get_error(ssl: Pointer, result: number): number;
  SSL_get_version(ssl: Pointer): string;
  SSL_get_current_cipher(ssl: Pointer): Pointer;
  SSL_CIPHER_get_name(cipher: Pointer): string;
  SSL_session_reused(ssl: Pointer): number;
  SSL_get1_session(ssl: Pointer): Pointer;
  SSL_set_session(ssl: Pointer, session: Pointer): number;
  SSL_SESSION_free(session: Pointer): void;
  SSL_get1_peer_certificate(ssl: Pointer): Pointer;
  SSL_get_verify_result(ssl: Pointer): number;
  SSL_get0_param(ssl: Pointer): Pointer;
  X509_VERIFY_PARAM_set1_host(parameter: Pointer, name: string, length: number): number;
  X509_VERIFY_PARAM_set1_ip_asc(parameter: Pointer, address: string): number;
  X509_verify_cert_error_string(code: number): string;
  X509_STORE_add_cert(store: Pointer, certificate: Pointer): number;
  X509_free(certificate: Pointer): void;
  X509_digest(certificate: Pointer, type: Pointer, into: Uint8Array, length: null): number;
  X509_get_subject_name(certificate: Pointer): Pointer;
  X509_NAME_print_ex(bio: Pointer, name: Pointer, indent: number, flags: number): number;
  EVP_sha256(): Pointer;
  EVP_PKEY_free(key: Pointer): void;
  PEM_read_bio_X509(bio: Pointer, into: null, callback: null, passphrase: string): Pointer;
  PEM_read_bio_PrivateKey(bio: Pointer, into: null, callback: null, passphrase: string): Pointer;
  BIO_new(method: Pointer): Pointer;
  BIO_s_mem(): Pointer;
  BIO_free(bio: Pointer): number;
  BIO_read(bio: Pointer, into: Uint8Array, length: number): number;
  BIO_write(bio: Pointer, from: Uint8Array, length: number): number;
  BIO_ctrl(bio: Pointer, command: number, value: number, pointer: Octets): number;
  ERR_get_error(): number;
  ERR_clear_error(): void;
  ERR_reason_error_string(code: number): string | null;
}

let bound: Calls | undefined;

/** The calls. Throws where this Node has no OpenSSL that can be found: then there is no TLS. */
export function openssl(): Calls {
  bound ??= bindAll();
  return bound;
}

function bindAll(): Calls {
  const library = koffi.load(null);
  const calls: Record<string, unknown> = {};
  for (const [name, signature] of Object.entries(signatures)) calls[name] = library.func(signature);
  return calls as unknown as Calls;
}

/** What OpenSSL has noted since its notes were last cleared, the last and most telling first; they are cleared. */
export function notedErrors(): readonly string[] {
  const { ERR_get_error, ERR_reason_error_string } = openssl();
  const reasons: string[] = [];
  for (let code = ERR_get_error(); code !== 0; code = ERR_get_error())
    reasons.unshift(ERR_reason_error_string(code) ?? `error ${code}`);
  return reasons;
}

// ssl.h, bio.h: the numbers behind its macros.
export const SSL_CTRL_CHAIN_CERT = 89;
export const SSL_CTRL_MODE = 33;
export const SSL_CTRL_SET_SESS_CACHE_MODE = 44;
export const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55;
export const SSL_CTRL_SET_TLSEXT_TICKET_KEYS = 59;
export const SSL_CTRL_SET_MIN_PROTO_VERSION = 123;
export const SSL_MODE_ENABLE_PARTIAL_WRITE = 0x1;
export const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x2;
export const SSL_MODE_RELEASE_BUFFERS = 0x10;
export const SSL_OP_NO_COMPRESSION = 2 ** 17;
export const SSL_OP_CIPHER_SERVER_PREFERENCE = 2 ** 22;
export const SSL_OP_NO_RENEGOTIATION = 2 ** 30;
export const SSL_SESS_CACHE_OFF = 0;
export const SSL_SESS_CACHE_SERVER = 2;
export const SSL_VERIFY_PEER = 1;
export const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2;
export const SSL_ERROR_WANT_READ = 2;
export const SSL_ERROR_WANT_WRITE = 3;
export const SSL_ERROR_ZERO_RETURN = 6;
export const SSL_SENT_SHUTDOWN = 1;
export const SSL_RECEIVED_SHUTDOWN = 2;
export const TLS1_2_VERSION = 0x0303;
export const X509_V_OK = 0;
export const BIO_CTRL_RESET = 1;
export const BIO_CTRL_INFO = 3;
export const BIO_C_SET_BUF_MEM_EOF_RETURN = 130;
export const XN_FLAG_RFC2253 = 0x1110317;
