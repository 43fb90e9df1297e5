// How does the sample server reach its client for data? By listening (PASV, EPSV) or by dialling (PORT, EPRT).
// It deals with the control connection's peer and nobody else: not with a port thief (RFC 2577 §3 and §8),
// and it is nobody's tool for a bounce (CERT CA-1997-27).

import { connect, createServer, isIP, type Server, type Socket } from 'node:net';

/** A way to one data connection. It is used once. */
export interface SampleData {
  /** Resolves with the connected socket, paused; rejects when the peer does not come or cannot be reached in time. */
  open(): Promise<Socket>;
  close(): void;
}

/** The peer has this long to come; the gateway in front allows the same. */
const waitTimeoutMs = 30_000;

/** Listens beside the control connection, at the address that the client already knows. */
export async function listenForData(control: Socket): Promise<{ port: number; data: SampleData }> {
  const server = createServer({ pauseOnConnect: true });
  const arrival = firstFromPeer(server, control.remoteAddress);
  // Nobody awaits the arrival until a transfer verb comes; a close before that is no fault.
  arrival.catch(() => {});
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: 0, host: control.localAddress }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return { port: address.port, data: usedOnce(arrival, () => server.close()) };
}

function firstFromPeer(server: Server, peer: string | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    server.on('connection', (socket) => {
      socket.on('error', () => socket.destroy());
      if (socket.remoteAddress !== peer) {
        socket.destroy(); // RFC 2577 §3: a stranger who was faster gets nothing, and does not use up the way.
        return;
      }
      server.close();
      resolve(socket);
    });
    server.once('error', reject);
    server.once('close', () => reject(new Error('nobody connected')));
  });
}

/** Dials only when the transfer starts, as RFC 959 §3.2 has it. */
export function dialForData(control: Socket, port: number): SampleData {
  let socket: Socket | undefined;
  return {
    open() {
      return new Promise((resolve, reject) => {
        // Never longer than the peer's patience; the kernel alone would try for two minutes.
        const timer = setTimeout(() => socket?.destroy(new Error('no answer')), waitTimeoutMs);
        socket = connect({ port, host: control.remoteAddress ?? '', localAddress: control.localAddress ?? '' });
        socket.pause();
        socket.once('connect', () => resolve(socket as Socket));
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('closed')));
        socket.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
      });
    },
    close: () => socket?.destroy(),
  };
}

function usedOnce(arrival: Promise<Socket>, stopListening: () => void): SampleData {
  return {
    async open() {
      const timer = setTimeout(stopListening, waitTimeoutMs);
      return arrival.finally(() => clearTimeout(timer));
    },
    close() {
      stopListening();
      arrival.then(
        (socket) => socket.destroy(),
        () => {},
      );
    },
  };
}

/** What a PORT or EPRT argument names, or undefined when it is not exactly the grammar. */
export function parseDataTarget(verb: 'PORT' | 'EPRT', argument: string): { host: string; port: number } | undefined {
  const found =
    verb === 'PORT'
      ? /^(\d{1,3},\d{1,3},\d{1,3},\d{1,3}),(\d{1,3}),(\d{1,3})$/.exec(argument)
      : /^([!-~])[12]\1([0-9A-Fa-f:.]+)\1(\d{1,5})\1$/.exec(argument);
  if (!found) return undefined;
  const host = verb === 'PORT' ? (found[1] ?? '').replaceAll(',', '.') : (found[2] ?? '');
  const [high, low] = [Number(found[2]), Number(found[3])];
  if (verb === 'PORT' && (high > 255 || low > 255)) return undefined;
  const port = verb === 'PORT' ? high * 256 + low : low;
  return isIP(host) !== 0 && port <= 65_535 ? { host, port } : undefined;
}

/** An address as it is compared and advertised: an IPv4 peer of a dual-stack listener is an IPv4 peer. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}
