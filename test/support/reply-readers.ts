// How does each FTP client find the end of a multi-line reply? As its program does it; test/fixtures/reply-readers.txt
// holds what they did before a real server, and a test holds the two against one another. Clients that end only at the
// code and a blank behind it are left out: they and the gateway cannot disagree.

import { readFileSync } from 'node:fs';
import { octetsOf } from './escaped-text.ts';

export interface ReplyReader {
  /** By the names of the table. */
  readonly clients: string;
  /**
   * Whether the client ends the open reply of this code at a line inside it; the octets as latin1, without line end.
   */
  ends(line: string, code: string): boolean;
}

export const replyReaders: readonly ReplyReader[] = [
  { clients: 'curl git php-ftp_ php-stream wget FluentFTP ftp(npm)', ends: (line) => /^\d{3} /.test(line) },
  { clients: 'libfetch', ends: (line) => /^\d{3}( |$)/.test(line) },
  { clients: 'lftp', ends: (line) => /^\d{3} /.test(withoutTelnet(line)) || /\xff[\xfb-\xff]?$/.test(line) },
  { clients: 'yafc', ends: (line, code) => withoutTelnet(line).startsWith(`${code} `) },
  { clients: 'tnftp inetutils-ftp', ends: (line, code) => endsForBsd(withoutTelnet(line), code) },
  { clients: 'ftplib jdk ncftp', ends: (line, code) => line.startsWith(code) && line[3] !== '-' },
  { clients: 'basic-ftp', ends: (line, code) => line === code || line.startsWith(`${code} `) },
  { clients: 'jsftp', ends: (line) => /^\d{3}\s/.test(decoded(line)) },
  { clients: 'Net::FTP', ends: (line) => /^\d{3}([^-]|$)/.test(line) },
  { clients: 'busybox snarf squid', ends: (line) => /^\d..[ \t]/.test(line) },
  { clients: 'commons-net', ends: (line) => /^\d..[^-]/s.test(line) },
  { clients: 'commons-net(UTF-8)', ends: (line) => endsForJava(decoded(line)) },
  { clients: 'commons-net-strict', ends: (line, code) => line === code },
  // setControlEncoding('GBK') and its like are common where file names are Chinese.
  { clients: 'commons-net(GBK)', ends: (line) => /^(\d|\xa3[\xb0-\xb9])..[^-]/s.test(line) },
  { clients: 'tcllib', ends: (line) => /^\d+([^\d-]|$)/.test(line) },
  { clients: 'lynx', ends: endsForLynx },
  { clients: 'aioftp', ends: (line, code) => endsForAioftp([...decoded(line).trimEnd()], code) },
];

/** BSD's ftp, lftp and yafc drop IAC with its command and, of an option, with that too. */
function withoutTelnet(line: string): string {
  return line.replace(/\xff(?:[\xfb-\xfe]|.|$).?/gs, (found) =>
    found[1] !== undefined && found[1] >= '\xfb' && found[1] <= '\xfe' ? '' : found.slice(2),
  );
}

/** Digits count where they stand among the first three octets; others there are passed over. */
function endsForBsd(line: string, code: string): boolean {
  return line.slice(0, 3).replaceAll(/\D/g, '') === code && line[3] !== '-';
}

/** sscanf(line, "%d%c", …) into an int. */
function endsForLynx(line: string, code: string): boolean {
  const found = /^[ \t\v\f\r]*([+-]?\d+) /.exec(line);
  return found?.[1] !== undefined && BigInt.asIntN(32, BigInt(found[1].replace('+', ''))) === BigInt(code);
}

/** A Java character is a unit of UTF-16, so the digits beyond the first plane are none. */
function endsForJava(line: string): boolean {
  const [first = ''] = line.split('', 1);
  return line.length > 3 && /\p{Nd}/u.test(first) && line[3] !== '-';
}

/** Any three digits of Python, which know all scripts; at those of another code it gives up, and so ends there. */
function endsForAioftp(line: readonly string[], code: string): boolean {
  const [head, after] = [line.slice(0, 3), line[3]];
  if (head.length < 3 || !head.every((character) => /[\p{Nd}⁰-⁹²³¹]/u.test(character))) return false;
  return after !== '-' || head.join('') !== code;
}

function decoded(line: string): string {
  return Buffer.from(line, 'latin1').toString('utf8');
}

export interface InnerLineRow {
  /** As latin1. */
  readonly line: string;
  /** Who ended the reply at it, whose code was 220. */
  readonly clients: readonly string[];
}

export function readersTable(): readonly InnerLineRow[] {
  const text = readFileSync(new URL('../fixtures/reply-readers.txt', import.meta.url), 'utf8');
  return [...text.matchAll(/^\[(.*)\](.*)$/gm)].map(([, line = '', clients = '']) => ({
    line: Buffer.from(octetsOf(line)).toString('latin1'),
    clients: clients.split(' ').filter((client) => client !== ''),
  }));
}
