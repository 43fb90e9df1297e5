// What does somebody do who wants a gateway to have no time or memory for others? A program of its own: it holds so
// many connections that all do one thing without end, opens a new one for each that is ended, and is killed when it has
// been watched for long enough. Says `attacking` once all are connected.
//
//   attack.ts KIND ADDRESS PORT CONNECTIONS FROM

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What a connection sends again and again; `logged-in` ones log in first; those that do not read never do. */
interface Attack {
  readonly begins: 'as-stranger' | 'logged-in';
  readonly sends: Buffer;
  readonly reads: 'yes' | 'no';
  /** A segment for each octet, a connection for each sending or TLS handshake, or as much as the kernel takes. */
  readonly manner: 'at-once' | 'octet-by-octet' | 'one-connection-each' | 'handshake';
}

const repeated = (text: string): Buffer => Buffer.from(text.repeat(Math.ceil(16_384 / text.length)), 'latin1');
const flood = { begins: 'as-stranger', reads: 'yes', manner: 'at-once' } as const;

const attacks = {
  'line-feeds': { ...flood, sends: repeated('\n') },
  'line-feeds-unread': { ...flood, sends: repeated('\n'), reads: 'no' },
  blanks: { ...flood, sends: repeated(`${' '.repeat(500)}\r\n`) },
  telnet: { ...flood, sends: repeated('\xff\xf1\r\n') },
  options: { ...flood, sends: repeated('\xff\xfd\x01NOOP\r\n'), begins: 'logged-in', reads: 'no' },
  unknown: { ...flood, sends: repeated('XYZZY\r\n'), begins: 'logged-in' },
  noop: { ...flood, sends: repeated('NOOP\r\n'), begins: 'logged-in' },
  'noop-unread': { ...flood, sends: repeated('NOOP\r\n'), begins: 'logged-in', reads: 'no' },
  endless: { ...flood, sends: Buffer.alloc(16_384, 'a') },
  segments: { ...flood, sends: Buffer.from('NOOP\r\n'), begins: 'logged-in', manner: 'octet-by-octet' },
  connections: { ...flood, sends: Buffer.from('QUIT\r\n'), manner: 'one-connection-each' },
  handshakes: { ...flood, sends: Buffer.from('AUTH TLS\r\n'), manner: 'handshake' },
} as const satisfies Record<string, Attack>;

export type AttackKind = keyof typeof attacks;

export const attackKinds = Object.keys(attacks) as readonly AttackKind[];

function attackWith(attack: Attack, host: string, port: number, localAddress: string, onConnected: () => void): void {
  if (attack.manner === 'handshake') {
    shakeHands(attack.sends, host, port, localAddress, onConnected);
    return;
  }
  const socket = connect({ host, port, localAddress });
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => attackWith(attack, host, port, localAddress, () => undefined));
  socket.once('connect', () => {
    onConnected();
    if (attack.begins === 'as-stranger') begin(attack, socket);
    else logIn(socket, () => begin(attack, socket));
  });
}

function logIn(socket: Socket, then: () => void): void {
  let heard = '';
  socket.setEncoding('latin1');
  const onText = (text: string): void => {
    heard += text;
    if (/^230 /m.test(heard)) {
      socket.off('data', onText);
      then();
    }
  };
  socket.on('data', onText);
  socket.write('USER bench\r\nPASS bench\r\n');
}

/** Full handshakes, for each of which the gateway has to sign, and nothing behind them. */
function shakeHands(auth: Buffer, host: string, port: number, localAddress: string, onConnected: () => void): void {
  const socket = connect({ host, port, localAddress });
  let heard = '';
  socket.on('error', () => socket.destroy());
  socket.once('close', () => shakeHands(auth, host, port, localAddress, () => undefined));
  socket.on('data', (octets: Buffer) => {
    const before = heard;
    heard += octets.toString('latin1');
    if (before === '') socket.write(auth);
    if (!/^234 /m.test(heard)) return;
    socket.removeAllListeners('data');
    onConnected();
    const secured = connectTls({ socket, rejectUnauthorized: false });
    secured.on('error', () => socket.destroy());
    secured.once('secureConnect', () => socket.destroy());
  });
}

function begin({ sends, reads, manner }: Attack, socket: Socket): void {
  if (reads === 'yes') socket.resume();
  else socket.pause();
  if (manner === 'one-connection-each') {
    socket.end(sends);
    return;
  }
  if (manner === 'octet-by-octet') {
    let at = 0;
    const next = (): void => {
      if (socket.destroyed) return;
      at = (at + 1) % sends.length;
      socket.write(sends.subarray(at, at + 1), () => setImmediate(next));
    };
    next();
    return;
  }
  const fill = (): void => {
    while (!socket.destroyed && socket.write(sends));
  };
  socket.on('drain', fill);
  fill();
}

if (process.argv[1] === import.meta.filename) {
  const [kind, host, port, connections, from] = process.argv.slice(2);
  let missing = Number(connections);
  for (let index = 0; index < Number(connections); index++) {
    attackWith(attacks[kind as AttackKind], host!, Number(port), from!, () => {
      missing -= 1;
      if (missing === 0) process.stdout.write('attacking\n');
    });
  }
}
