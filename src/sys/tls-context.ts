// What the handshakes of one role have in common: certificates and keys, whom to trust, which versions and ciphers.
// Everything comes as text and not as files, so that what is in force was read and judged before. SSL_CTX_new(3).
// Must not break: OpenSSL counts who uses a context, so one that is freed lives on in the handshakes that it began; and
// it keeps no memory of JavaScript's, which may move.

import type { Result } from '../result.ts';
import {
  BIO_C_SET_BUF_MEM_EOF_RETURN,
  notedErrors,
  openssl,
  type Pointer,
  SSL_CTRL_CHAIN_CERT,
  SSL_CTRL_MODE,
  SSL_CTRL_SET_MIN_PROTO_VERSION,
  SSL_CTRL_SET_SESS_CACHE_MODE,
  SSL_CTRL_SET_TLSEXT_TICKET_KEYS,
  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
  SSL_MODE_ENABLE_PARTIAL_WRITE,
  SSL_MODE_RELEASE_BUFFERS,
  SSL_OP_CIPHER_SERVER_PREFERENCE,
  SSL_OP_NO_COMPRESSION,
  SSL_OP_NO_RENEGOTIATION,
  SSL_SESS_CACHE_OFF,
  SSL_SESS_CACHE_SERVER,
  SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
  SSL_VERIFY_PEER,
  TLS1_2_VERSION,
} from './openssl.ts';

/** PEM texts. */
interface KeyPair {
  /** The certificate, and behind it those that lead to a root. */
  readonly certificate: string;
  readonly key: string;
}

export interface ServerContextOptions {
  readonly pair: KeyPair;
  /** Certificates (PEM) by which those of clients are judged; undefined: clients are not asked for one. */
  readonly clientCa: string | undefined;
  readonly clientCertificate: 'optional' | 'required';
  /**
   * With which tickets are sealed: whoever has the same can go on with the session, another engine or the same gateway
   * behind a reload. `ticketKeyOctets` of them.
   */
  readonly ticketKeys: Uint8Array;
}

export interface ClientContextOptions {
  /** Certificates (PEM) by which the server's is judged; undefined: it is not judged here. */
  readonly ca: string | undefined;
}

export const ticketKeyOctets = 80;

// RFC 9325 §4.2: with TLS 1.2 only ephemeral keys and authenticated encryption; TLS 1.3 has nothing else.
const ciphers = 'ECDHE+AESGCM:ECDHE+CHACHA20';
// A session of FTP lasts for as long as somebody works, and its data connections go on with it.
const sessionSeconds = 86_400;
// Sessions resume only in the same context; those of one gateway do.
const sessionContext = new TextEncoder().encode('portcullis');

export class TlsContext {
  readonly role: 'server' | 'client';
  /** For `SSL_new`. */
  readonly pointer: Pointer;

  private constructor(role: 'server' | 'client', pointer: Pointer) {
    this.role = role;
    this.pointer = pointer;
    unused.register(this, pointer);
  }

  static server(options: ServerContextOptions): Result<TlsContext, string> {
    const { SSL_CTX_new, SSL_CTX_ctrl, SSL_CTX_set_session_id_context, SSL_CTX_set_options, TLS_server_method } =
      openssl();
    const context = prepared(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_id_context(context, sessionContext, sessionContext.length);
    // Sessions by their id, for clients of TLS 1.2 that take no tickets (curl): OpenSSL keeps 20,480 of them at most,
    // and none of those that tickets hold.
    SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_SERVER, null);
    SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_TICKET_KEYS, ticketKeyOctets, options.ticketKeys);
    const problem = usePair(context, options.pair) ?? askClients(context, options);
    return TlsContext.answer('server', context, problem);
  }

  static client({ ca }: ClientContextOptions): Result<TlsContext, string> {
    const { SSL_CTX_new, SSL_CTX_set_verify, SSL_CTX_get_cert_store, X509_STORE_add_cert, TLS_client_method } =
      openssl();
    const context = prepared(SSL_CTX_new(TLS_client_method()));
    if (ca === undefined) return TlsContext.answer('client', context, undefined);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, null);
    const store = SSL_CTX_get_cert_store(context);
    const read = eachCertificate(ca, (certificate) => X509_STORE_add_cert(store, certificate));
    return TlsContext.answer('client', context, read === 0 ? 'the CA holds no certificate' : undefined);
  }

  private static answer(
    role: TlsContext['role'],
    context: Pointer,
    problem: string | undefined,
  ): Result<TlsContext, string> {
    openssl().ERR_clear_error();
    if (problem === undefined) return { ok: true, value: new TlsContext(role, context) };
    openssl().SSL_CTX_free(context);
    return { ok: false, reason: problem };
  }
}

// A reload makes new contexts, and the old ones go with the last session that may still begin a handshake with them.
const unused = new FinalizationRegistry<Pointer>((pointer) => openssl().SSL_CTX_free(pointer));

function prepared(context: Pointer): Pointer {
  const { SSL_CTX_ctrl, SSL_CTX_set_options, SSL_CTX_set_cipher_list, SSL_CTX_set_timeout } = openssl();
  const modes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS;
  SSL_CTX_ctrl(context, SSL_CTRL_MODE, modes, null);
  SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, null);
  SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, null);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION + SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_cipher_list(context, ciphers);
  SSL_CTX_set_timeout(context, sessionSeconds);
  return context;
}

function usePair(context: Pointer, { certificate, key }: KeyPair): string | undefined {
  const ssl = openssl();
  let index = 0;
  let taken = true;
  const read = eachCertificate(certificate, (each) => {
    const isOwn = index === 0;
    index += 1;
    const done = isOwn
      ? ssl.SSL_CTX_use_certificate(context, each)
      : ssl.SSL_CTX_ctrl(context, SSL_CTRL_CHAIN_CERT, 1, each);
    taken &&= done === 1;
  });
  if (read === 0) return 'the file holds no certificate';
  if (!taken) return because('the certificate cannot be used');
  const bio = memoryBio(key);
  // Without a passphrase of ours OpenSSL would ask for one at the terminal.
  const privateKey = ssl.PEM_read_bio_PrivateKey(bio, null, null, '');
  ssl.BIO_free(bio);
  if (privateKey === null) return because('the key cannot be read');
  const used = ssl.SSL_CTX_use_PrivateKey(context, privateKey) === 1 && ssl.SSL_CTX_check_private_key(context) === 1;
  ssl.EVP_PKEY_free(privateKey);
  return used ? undefined : because('the key does not belong to the certificate');
}

function askClients(context: Pointer, options: ServerContextOptions): string | undefined {
  const { clientCa, clientCertificate } = options;
  if (clientCa === undefined) return undefined;
  const ssl = openssl();
  const store = ssl.SSL_CTX_get_cert_store(context);
  const read = eachCertificate(clientCa, (certificate) => {
    ssl.X509_STORE_add_cert(store, certificate);
    ssl.SSL_CTX_add_client_CA(context, certificate);
  });
  const mode = SSL_VERIFY_PEER | (clientCertificate === 'required' ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
  ssl.SSL_CTX_set_verify(context, mode, null);
  return read === 0 ? 'the CA of clients holds no certificate' : undefined;
}

/** Hands on each certificate of a PEM text, which is freed afterwards; how many there were. */
function eachCertificate(pem: string, use: (certificate: Pointer) => void): number {
  const { PEM_read_bio_X509, X509_free, BIO_free } = openssl();
  const bio = memoryBio(pem);
  let count = 0;
  for (let each = PEM_read_bio_X509(bio, null, null, ''); each !== null; count += 1) {
    use(each);
    X509_free(each);
    each = PEM_read_bio_X509(bio, null, null, '');
  }
  BIO_free(bio);
  return count;
}

function memoryBio(text: string): Pointer {
  const { BIO_new, BIO_s_mem, BIO_write, BIO_ctrl } = openssl();
  const bio = BIO_new(BIO_s_mem());
  const octets = new TextEncoder().encode(text);
  BIO_write(bio, octets, octets.length);
  BIO_ctrl(bio, BIO_C_SET_BUF_MEM_EOF_RETURN, 0, null);
  return bio;
}

function because(what: string): string {
  const reasons = notedErrors();
  return reasons.length === 0 ? what : `${what}: ${reasons[0]}`;
}
