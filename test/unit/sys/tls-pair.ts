// Two TLS streams that talk to one another over loopback, on one poller.

import { randomBytes } from 'node:crypto';
import { type Pollable, type Poller, Ready } from '../../../src/sys/poller.ts';
import type { Stream } from '../../../src/sys/stream.ts';
import type { TcpSocket } from '../../../src/sys/tcp-socket.ts';
import { TlsContext, ticketKeyOctets } from '../../../src/sys/tls-context.ts';
import { type AcceptOptions, type ConnectOptions, TlsStream } from '../../../src/sys/tls-stream.ts';
import { CertificateAuthority, type Pair } from '../../support/certificates.ts';
import { dial, listen, takeConnection, turnUntil } from './loopback.ts';

export const authority = new CertificateAuthority();
export const good = authority.issue('ftp.example.org');
process.once('exit', () => authority.remove());

export function serverContext(pair: Pair, more: Partial<Parameters<typeof TlsContext.server>[0]> = {}): TlsContext {
  const ticketKeys = more.ticketKeys ?? randomBytes(ticketKeyOctets);
  const made = TlsContext.server({ pair, clientCa: undefined, clientCertificate: 'optional', ...more, ticketKeys });
  if (!made.ok) throw new Error(made.reason);
  return made.value;
}

export function clientContext(ca: string | undefined): TlsContext {
  const made = TlsContext.client({ ca });
  if (!made.ok) throw new Error(made.reason);
  return made.value;
}

const ofServer = serverContext(good);
const ofClient = clientContext(authority.pair.certificate);

export const accepting: AcceptOptions = {
  role: 'server',
  contextFor: () => ofServer,
  sessionContext: undefined,
  resumption: 'offered',
  truncation: 'broken',
  ticketsOver: undefined,
};

export const connecting: ConnectOptions = {
  role: 'client',
  context: ofClient,
  name: 'ftp.example.org',
  fingerprint: undefined,
  resumes: undefined,
  truncation: 'broken',
};

/** Goes to the stream that is put over its socket. */
export class End implements Pollable {
  stream: TlsStream | undefined;
  noted = 0;

  onReady(events: number): void {
    this.noted |= events;
    this.stream?.hear(events);
  }
}

export interface TlsPair {
  readonly client: TlsStream;
  readonly server: TlsStream;
  readonly clientSocket: TcpSocket;
  readonly serverSocket: TcpSocket;
}

export function tlsPair(
  poller: Poller,
  accept: Partial<AcceptOptions> = {},
  connect: Partial<ConnectOptions> = {},
): TlsPair {
  const [clientSocket, serverSocket, here, there] = socketPair(poller);
  const client = new TlsStream(clientSocket, { ...connecting, ...connect });
  const server = new TlsStream(serverSocket, { ...accepting, ...accept });
  here.stream = client;
  there.stream = server;
  return { client, server, clientSocket, serverSocket };
}

export function socketPair(poller: Poller): [TcpSocket, TcpSocket, End, End] {
  const listener = listen(poller);
  const [here, there] = [new End(), new End()];
  const clientSocket = dial(poller, { octets: Uint8Array.of(127, 0, 0, 1), port: listener.localPort() }, here);
  const serverSocket = takeConnection(poller, listener, there);
  turnUntil(poller, () => (here.noted & Ready.out) !== 0);
  listener.close();
  return [clientSocket, serverSocket, here, there];
}

export type Outcome = 'up' | 'failed';

/** Both handshakes to their end. */
export function shake(poller: Poller, { client, server }: TlsPair): [client: Outcome, server: Outcome] {
  const outcomes: [Outcome | undefined, Outcome | undefined] = [undefined, undefined];
  turnUntil(poller, () => {
    for (const [index, stream] of [client, server].entries()) {
      if (outcomes[index] !== undefined) continue;
      const state = stream.handshake();
      if (state === 'under-way') continue;
      outcomes[index] = state;
      // Who fails goes, as in the gateway.
      if (state === 'failed') stream.close();
    }
    return outcomes[0] !== undefined && outcomes[1] !== undefined;
  });
  return outcomes as [Outcome, Outcome];
}

/** What a stream gives, until its end or failure. */
export function readAll(poller: Poller, stream: Stream): { octets: Uint8Array; end: 'end' | 'failed' } {
  const parts: Uint8Array[] = [];
  let end: 'end' | 'failed' | undefined;
  const buffer = new Uint8Array(20_000);
  turnUntil(poller, () => {
    for (;;) {
      const count = stream.receive(buffer);
      if (count > 0) parts.push(buffer.slice(0, count));
      else {
        if (count === 0) end = 'end';
        if (count === -2) end = 'failed';
        return end !== undefined;
      }
    }
  });
  return { octets: Buffer.concat(parts), end: end! };
}

export function closeAll({ client, server }: TlsPair): void {
  for (const stream of [client, server]) {
    stream.close();
    if (stream.isOpen) stream.reset();
  }
}
