// TLS of one listener in one engine: its contexts, and the streams that sessions put over their connections.

import { randomBytes } from 'node:crypto';
import type { Address } from '../address/endpoint.ts';
import type { Result } from '../result.ts';
import type { Side } from '../session/expectation.ts';
import type { ListenerTls, ProtectedServerTls, TerminatedClientTls } from '../settings/tls-settings.ts';
import type { SecureStream, Stream } from '../sys/stream.ts';
import { TlsContext } from '../sys/tls-context.ts';
import { type AcceptOptions, type ConnectOptions, TlsStream } from '../sys/tls-stream.ts';
import { byServerName, type Named } from './server-names.ts';
import type { ListenerSecurity, SessionSecurity } from './session-security.ts';

/** What of the settings goes into every handshake, made ready once. */
interface Prepared {
  readonly client: { readonly tls: TerminatedClientTls; contextFor(name: string | undefined): TlsContext } | undefined;
  readonly server: { readonly tls: ProtectedServerTls; readonly context: TlsContext } | undefined;
}

/**
 * Undefined where neither leg is ever under TLS; else what its sessions need, or the one sentence why it cannot be had.
 * @param ticketKeys The same in all engines and for as long as the process lives, so that sessions resume everywhere.
 */
export function listenerSecurity(
  { client, server }: ListenerTls,
  ticketKeys: Uint8Array,
): Result<ListenerSecurity | undefined, string> {
  if (client.mode === 'off' && server.mode === 'off') return { ok: true, value: undefined };
  const acceptor = client.mode === 'off' ? undefined : prepareClient(client, ticketKeys);
  if (acceptor?.ok === false) return acceptor;
  const connector = server.mode === 'off' ? undefined : prepareServer(server);
  if (connector?.ok === false) return connector;
  const prepared: Prepared = { client: acceptor?.value, server: connector?.value };
  return { ok: true, value: { forSession: (address) => new Security(prepared, address) } };
}

function prepareClient(
  tls: TerminatedClientTls,
  ticketKeys: Uint8Array,
): Result<NonNullable<Prepared['client']>, string> {
  const { clientCa, clientCertificate } = tls;
  const contexts: Named<TlsContext>[] = [];
  for (const pair of tls.certificates) {
    const made = TlsContext.server({ pair, clientCa, clientCertificate, ticketKeys });
    if (!made.ok) return { ok: false, reason: `${pair.subject}: ${made.reason}` };
    contexts.push({ names: pair.names, value: made.value });
  }
  const [first, ...others] = contexts;
  if (first === undefined) return { ok: false, reason: 'no certificate' };
  return { ok: true, value: { tls, contextFor: (name) => byServerName([first, ...others], name) } };
}

function prepareServer(tls: ProtectedServerTls): Result<NonNullable<Prepared['server']>, string> {
  const made = TlsContext.client({ ca: tls.ca });
  return made.ok ? { ok: true, value: { tls, context: made.value } } : made;
}

const tokenOctets = 32;

class Security implements SessionSecurity {
  private readonly prepared: Prepared;
  private readonly server: Address;
  /** Where reuse is demanded, TLS sessions of this session resume here alone. */
  private readonly token: Uint8Array | undefined;
  /** The server's control leg, from which its data connections go on. */
  private toServer: TlsStream | undefined;

  constructor(prepared: Prepared, server: Address) {
    this.prepared = prepared;
    this.server = server;
    this.token = prepared.client?.tls.requireReuse === true ? randomBytes(tokenOctets) : undefined;
  }

  secureControl(side: Side, carrier: Stream): SecureStream {
    if (side === 'client') return new TlsStream(carrier, this.accepting('offered', 'accepted'));
    this.toServer = new TlsStream(carrier, this.connecting(undefined, 'accepted'));
    return this.toServer;
  }

  secureData(side: Side, carrier: Stream): SecureStream {
    if (side === 'client') {
      const reuse = this.prepared.client?.tls.requireReuse === true ? 'required' : 'offered';
      const truncation = this.prepared.client?.tls.acceptTruncation === true ? 'accepted' : 'broken';
      return new TlsStream(carrier, this.accepting(reuse, truncation));
    }
    const truncation = this.prepared.server?.tls.acceptTruncation === true ? 'accepted' : 'broken';
    return new TlsStream(carrier, this.connecting(this.toServer, truncation));
  }

  private accepting(resumption: AcceptOptions['resumption'], truncation: AcceptOptions['truncation']): AcceptOptions {
    const { client } = this.prepared;
    if (client === undefined) throw new Error('the client leg of this listener has no TLS');
    return { role: 'server', contextFor: client.contextFor, sessionContext: this.token, resumption, truncation };
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
