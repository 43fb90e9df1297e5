// Is this another protocol than FTP, spoken to an FTP port? A web page makes a browser send HTTP with FTP commands in
// its body, and a server that takes the first lines for mistakes obeys the rest (cross-protocol attack, NAT pinning).
// Must not break: what an odd but honest FTP client could send as its first words is never taken for another protocol.
// RFC 9112 §3 (HTTP request line), RFC 8446 §5.1 (TLS record), RFC 4253 §4.2 (SSH identification).

import { latin1 } from './latin1.ts';
import { isDigit } from './reply-number.ts';

/** The kinds that are told apart: a closed set, because they are counted by it. */
export const foreignProtocols = ['http', 'tls', 'ssh', 'binary'] as const;

export type ForeignProtocol = (typeof foreignProtocols)[number];

const TAB = 9;
const LF = 10;
const CR = 13;
const BLANK = 32;
const IAC = 0xff;
const DATA_MARK = 0xf2;
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR_VERSION = 3;
const SSL2_CLIENT_HELLO = 1;
// U+FEFF in UTF-8, which editors of Windows put before the first word of a script.
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

// None of them is a verb of FTP. PRI is how HTTP/2 begins (RFC 9113 §3.4).
const httpMethods: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'PRI'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'SEARCH', 'REPORT', 'M-SEARCH'],
]);
// Other methods exist, and scripts in a page may make up more; the version behind the target is always there.
const httpVersion = / (?:HTTP|RTSP|SIP)\/\d(?:\.\d)?$/;
const methodOctetsMax = 9;
const sshIdentification = 'SSH-';
const httpStatus = 'HTTP/';
const headOctets = 16;
// Longer than any version; a request line of a megabyte is judged by its two ends.
const tailOctets = 16;

/** Judges the first octets that a client sends, which need not be a whole line. */
export function foreignBeginning(octets: Uint8Array): ForeignProtocol | undefined {
  const [first = BLANK, second] = octets;
  if (first === TLS_HANDSHAKE && (second === undefined || second === TLS_MAJOR_VERSION)) return 'tls';
  // SSL 2 framing, with which old clients still say hello: two octets of length, the first bit set.
  if (first >= 0x80 && octets[2] === SSL2_CLIENT_HELLO && octets[3] === TLS_MAJOR_VERSION) return 'tls';
  if (BYTE_ORDER_MARK.every((octet, index) => octets[index] === octet)) return undefined;
  if (first >= 0x80) return first === IAC || first === DATA_MARK ? undefined : 'binary';
  return first >= BLANK || first === TAB || first === LF || first === CR ? undefined : 'binary';
}

/**
 * Judges the first octets that a server sends. Text that is no reply may stand before its greeting, in whatever
 * letters; what programs behind other ports say first is no text, or says what it is.
 */
export function foreignGreeting(octets: Uint8Array): ForeignProtocol | undefined {
  if (latin1(octets, 0, sshIdentification.length) === sshIdentification) return 'ssh';
  if (latin1(octets, 0, httpStatus.length) === httpStatus) return 'http';
  const [first = BLANK, second] = octets;
  if (first === TLS_HANDSHAKE && second === TLS_MAJOR_VERSION) return 'tls';
  if (first < BLANK && first !== TAB && first !== LF && first !== CR) return 'binary';
  // The length before a message has one, in the protocols of databases for example.
  return octets.subarray(0, headOctets).includes(0) ? 'binary' : undefined;
}

/**
 * Judges a line from somebody who has not logged in, given without its end. `place`: the version is looked for in the
 * first.
 */
export function foreignLine(octets: Uint8Array, place: 'first' | 'later'): ForeignProtocol | undefined {
  if (httpMethods.has(firstWord(octets))) return 'http';
  if (place === 'later') return undefined;
  if (latin1(octets, 0, sshIdentification.length) === sshIdentification) return 'ssh';
  // Every login pays for this, so a text is made only of what can end in a version.
  if (!isDigit(octets[octets.length - 1])) return undefined;
  return httpVersion.test(latin1(octets, octets.length - tailOctets)) ? 'http' : undefined;
}

/** Empty where it is longer than any method. */
function firstWord(octets: Uint8Array): string {
  let end = 0;
  while (end < octets.length && octets[end] !== BLANK) {
    if (end === methodOctetsMax) return '';
    end += 1;
  }
  return latin1(octets, 0, end);
}
