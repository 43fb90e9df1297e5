// TLS of one listener in one engine: its contexts, and the streams that sessions put over their connections.

import { createHash, randomBytes } from 'node:crypto';
import type { Address } from '../address/endpoint.ts';
import type { Result } from '../result.ts';
import type { Side } from '../session/expectation.ts';
import {
  isTerminated,
  type ListenerTls,
  type ProtectedServerTls,
  type TerminatedClientTls,
} from '../settings/tls-settings.ts';
import type { SecureStream, Stream } from '../sys/stream.ts';
import { TlsContext } from '../sys/tls-context.ts';
import { type AcceptOptions, type ConnectOptions, TlsStream } from '../sys/tls-stream.ts';
import { byServerName, type Named } from './server-names.ts';
import type { ListenerSecurity, SessionSecurity } from './session-security.ts';

/** What of the settings goes into every handshake, made ready once. */
interface Prepared {
  readonly client: PreparedClient | undefined;
  readonly server: { readonly tls: ProtectedServerTls; readonly context: TlsContext } | undefined;
}

interface PreparedClient {
  readonly tls: TerminatedClientTls;
  readonly contextFor: (name: string | undefined) => TlsContext;
  /** In what circle TLS sessions resume that are not bound to one session of FTP. */
  readonly circle: Uint8Array;
}

/**
 * Undefined where neither leg is ever under TLS; else what its sessions need, or the one sentence why it cannot be had.
 * @param ticketKeys The same in all engines and for as long as the process lives, so that sessions resume everywhere.
 */
export function listenerSecurity(
  { client, server }: ListenerTls,
  ticketKeys: Uint8Array,
): Result<ListenerSecurity | undefined, string> {
  if (!isTerminated(client) && server.mode === 'off') return { ok: true, value: undefined };
  const acceptor = isTerminated(client) ? prepareClient(client, ticketKeys) : undefined;
  if (acceptor?.ok === false) return acceptor;
  const connector = server.mode === 'off' ? undefined : prepareServer(server);
  if (connector?.ok === false) return connector;
  const prepared: Prepared = { client: acceptor?.value, server: connector?.value };
  return { ok: true, value: { forSession: (address) => new Security(prepared, address) } };
}

function prepareClient(tls: TerminatedClientTls, ticketKeys: Uint8Array): Result<PreparedClient, string> {
  const { clientCa, clientCertificate } = tls;
  const contexts: Named<TlsContext>[] = [];
  for (const pair of tls.certificates) {
    const made = TlsContext.server({ pair, clientCa, clientCertificate, ticketKeys });
    if (!made.ok) return { ok: false, reason: `${pair.subject}: ${made.reason}` };
    contexts.push({ names: pair.names, value: made.value });
  }
  const [first, ...others] = contexts;
  if (first === undefined) return { ok: false, reason: 'no certificate' };
  const contextFor = (name: string | undefined): TlsContext => byServerName([first, ...others], name);
  return { ok: true, value: { tls, contextFor, circle: circleOf(tls) } };
}

/**
 * Who resumes is not asked for a certificate again. So a session resumes only where the same is asked of clients as
 * where it began: else a listener that asks for nothing would open the door to one that does.
 */
function circleOf({ clientCa, clientCertificate }: TerminatedClientTls): Uint8Array {
  const asked = clientCa === undefined ? 'nothing' : `${clientCertificate} ${clientCa}`;
  return createHash('sha256').update(asked).digest();
}

function prepareServer(tls: ProtectedServerTls): Result<NonNullable<Prepared['server']>, string> {
  const made = TlsContext.client({ ca: tls.ca });
  return made.ok ? { ok: true, value: { tls, context: made.value } } : made;
}

// The most that OpenSSL takes (SSL_MAX_SID_CTX_LENGTH), and a SHA-256.
const circleOctets = 32;

class Security implements SessionSecurity {
  private readonly prepared: Prepared;
  private readonly server: Address;
  /** Where reuse is demanded, TLS sessions of this session resume here alone. */
  private readonly circle: Uint8Array | undefined;
  /** The client's control leg, which issues the tickets for its data connections. */
  private toClient: TlsStream | undefined;
  /** The server's control leg, from which its data connections go on. */
  private toServer: TlsStream | undefined;

  constructor(prepared: Prepared, server: Address) {
    this.prepared = prepared;
    this.server = server;
    const { client } = prepared;
    this.circle = client?.tls.requireReuse === true ? randomBytes(circleOctets) : client?.circle;
  }

  secureControl(side: Side, carrier: Stream): SecureStream {
    if (side === 'client') {
      const how = { resumption: 'offered', truncation: 'accepted', ticketsOver: undefined } as const;
      this.toClient = new TlsStream(carrier, this.accepting(how));
      return this.toClient;
    }
    this.toServer = new TlsStream(carrier, this.connecting(undefined, 'accepted'));
    return this.toServer;
  }

  secureData(side: Side, carrier: Stream): SecureStream {
    if (side === 'client') {
      const resumption = this.prepared.client?.tls.requireReuse === true ? 'required' : 'offered';
      const truncation = this.prepared.client?.tls.acceptTruncation === true ? 'accepted' : 'broken';
      return new TlsStream(carrier, this.accepting({ resumption, truncation, ticketsOver: this.toClient }));
    }
    const truncation = this.prepared.server?.tls.acceptTruncation === true ? 'accepted' : 'broken';
    return new TlsStream(carrier, this.connecting(this.toServer, truncation));
  }

  private accepting(how: Pick<AcceptOptions, 'resumption' | 'truncation' | 'ticketsOver'>): AcceptOptions {
    const { client } = this.prepared;
    if (client === undefined) throw new Error('the client leg of this listener has no TLS');
    return { role: 'server', contextFor: client.contextFor, sessionContext: this.circle, ...how };
  }

  private connecting(resumes: TlsStream | undefined, truncation: ConnectOptions['truncation']): ConnectOptions {
    const { server } = this.prepared;
    if (server === undefined) throw new Error('the server leg of this listener has no TLS');
    const { fingerprint, name, ca } = server.tls;
    // A certificate that no CA judges has no name to be held to.
    const asked = name ?? (ca === undefined ? undefined : this.server.text);
    return { role: 'client', context: server.context, name: asked, fingerprint, resumes, truncation };
  }
}
