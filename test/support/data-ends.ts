// How does a data connection end at a bare socket, and with which octets? Tests of attacks need what real clients hide:
// whether the end was a FIN or a reset, and from where the connection came.

import { connect, createServer, type Server, Socket } from 'node:net';
import type { Lab, LabEndpoint } from './lab.ts';
import type { HowEnded } from './raw-control.ts';
import { patienceMs } from './watch.ts';

export interface Received {
  readonly octets: Buffer;
  readonly how: HowEnded;
}

export interface Arrival {
  readonly from: LabEndpoint;
  readonly socket: Socket;
}

/** A listening data port of a client or of a server. */
export class DataPort {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  readonly #arrived: Arrival[] = [];
  readonly #waiting: { readonly resolve: (arrival: Arrival) => void; readonly timer: NodeJS.Timeout }[] = [];

  private constructor(server: Server, { host, port }: LabEndpoint) {
    this.#server = server;
    this.host = host;
    this.port = port;
    server.on('connection', (socket) => this.#onConnection(socket));
  }

  /** Listens until the lab closes; port 0 lets the kernel choose. */
  static open(lab: Lab, host: string, port = 0): Promise<DataPort> {
    const server = createServer({ allowHalfOpen: true });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        const address = server.address();
        const dataPort = new DataPort(server, {
          host,
          port: typeof address === 'object' && address ? address.port : port,
        });
        lab.onClose(() => dataPort.close());
        resolve(dataPort);
      });
    });
  }

  /** As PORT and 227 name it. */
  get hostPort(): string {
    return hostPort(this);
  }

  /** The next connection, in the order of arrival; rejects when nobody comes. */
  next(): Promise<Arrival> {
    const arrival = this.#arrived.shift();
    if (arrival) return Promise.resolve(arrival);
    return new Promise((resolve, reject) => {
      const late = new Error(`nobody has connected to ${this.host} port ${this.port}`);
      this.#waiting.push({ resolve, timer: setTimeout(() => reject(late), patienceMs) });
    });
  }

  /** Ends listening, and connections that nobody took. */
  close(): void {
    this.#server.close();
    for (const { socket } of this.#arrived) socket.destroy();
    for (const { timer } of this.#waiting) clearTimeout(timer);
  }

  #onConnection(socket: Socket): void {
    const arrival = { from: { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }, socket };
    // A reset is told by whoever reads the connection; before that nobody is to fall over it.
    socket.on('error', () => {});
    const waiting = this.#waiting.shift();
    if (!waiting) {
      this.#arrived.push(arrival);
      return;
    }
    clearTimeout(waiting.timer);
    waiting.resolve(arrival);
  }
}

export function hostPort({ host, port }: LabEndpoint): string {
  return [...host.split('.'), port >> 8, port & 255].join(',');
}

/** The endpoint that a 227 names. */
export function passiveEndpoint(reply: string): LabEndpoint {
  const numbers = /^227 [^(]*\((\d+),(\d+),(\d+),(\d+),(\d+),(\d+)\)/.exec(reply)?.slice(1).map(Number);
  if (numbers === undefined) throw new Error(`no 227: ${reply}`);
  return { host: numbers.slice(0, 4).join('.'), port: numbers[4]! * 256 + numbers[5]! };
}

/** Everything until the other end ends its direction; rejects when it falls silent instead. */
export function receiveAll(socket: Socket, ourEnd: 'ends-too' | 'stays-open' = 'ends-too'): Promise<Received> {
  const parts: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.setTimeout(patienceMs, () =>
      reject(new Error(`silence, neither octets nor an end, at ${socket.localPort}`)),
    );
    const end = (how: HowEnded): void => resolve({ octets: Buffer.concat(parts), how });
    socket.on('data', (octets: Buffer) => parts.push(octets));
    socket.once('end', () => {
      if (ourEnd === 'ends-too') socket.end();
      end('end');
    });
    socket.once('error', () => end('reset'));
    socket.once('close', () => end('reset'));
  });
}

/**
 * What somebody gets who connects and only listens; a port that resets at once may do so before the connection is seen.
 */
export async function overhear(target: LabEndpoint, localAddress: string): Promise<Received> {
  const socket = await dial(target, localAddress).catch((error: unknown) => error);
  if (socket instanceof Socket) return receiveAll(socket);
  if (socket instanceof Error && 'code' in socket && socket.code === 'ECONNRESET')
    return { octets: Buffer.alloc(0), how: 'reset' };
  throw socket;
}

/** Connects, from `localAddress`; rejects with the system's error when the port is closed. */
export function dial({ host, port }: LabEndpoint, localAddress?: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options = { host, port, allowHalfOpen: true };
    const socket = connect(localAddress === undefined ? options : { ...options, localAddress });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
