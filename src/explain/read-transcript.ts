// Who said what in a conversation that somebody has kept? As text in whatever form it comes: what curl -v, lftp -d,
// ftplib and other clients print, what Wireshark and tshark follow, or lines that begin with C: and S:.
// Must not break: a line of which it is not certain who said it is told, and not guessed.

import type { Address } from '../address/endpoint.ts';
import { parseAddress } from '../address/endpoint.ts';
import { lookupVerb } from '../wire/verbs.ts';

export interface Said {
  /** Of the file, from 1. */
  readonly line: number;
  readonly from: 'client' | 'server';
  readonly text: string;
}

export interface Transcript {
  readonly said: readonly Said[];
  /** What the file tells of the peers: `# client: 198.51.100.2`, or the nodes of a followed stream. */
  readonly client: Address | undefined;
  readonly server: Address | undefined;
  readonly listener: string | undefined;
  /** Lines that are neither's, as far as can be told. */
  readonly skipped: number;
}

// What programs print before a command and before a reply.
const ofClient = /^\s*(?:C:|client:|--->|-->|>)\s?(.*)$/i;
const ofServer = /^\s*(?:S:|server:|<---|<--|<)\s?(.*)$/i;
// Python's ftplib: *cmd* 'USER anna', *resp* '331 …'.
const ftplib = /^\*(cmd|resp)\* '(.*)'$/;
const reply = /^\d{3}(?:[ -]|$)/;
const told = /^#\s*(client|server|listener):\s*(\S+)/i;
const node = /^Node ([01]): (\S+):\d+$/;

export function readTranscript(content: string): Transcript {
  const said: Said[] = [];
  const facts = new Map<string, string>();
  let open: string | undefined;
  let skipped = 0;
  const lines = content.split(/\r?\n/);
  // Where a program marks what was sent, unmarked lines are its own, or a listing.
  const bare = lines.some((line) => ofClient.test(line) || ftplib.test(line)) ? 'none' : 'commands';
  for (const [index, raw] of lines.entries()) {
    const fact = factIn(raw);
    if (fact !== undefined) facts.set(...fact);
    const heard = fact === undefined && !raw.startsWith('#') ? heardIn(raw, open, bare) : undefined;
    if (heard === undefined) {
      if (fact === undefined && raw.trim() !== '' && !raw.startsWith('#')) skipped += 1;
      continue;
    }
    if (heard.from === 'server') open = openAfter(heard.text, open);
    said.push({ line: index + 1, ...heard });
  }
  return {
    said,
    client: addressOf(facts.get('client')),
    server: addressOf(facts.get('server')),
    listener: facts.get('listener'),
    skipped,
  };
}

function factIn(raw: string): [string, string] | undefined {
  const [, what, value] = told.exec(raw) ?? [];
  if (what !== undefined && value !== undefined) return [what.toLowerCase(), value];
  const [, number, address] = node.exec(raw) ?? [];
  return number === undefined || address === undefined ? undefined : [number === '0' ? 'client' : 'server', address];
}

/** @param open The code of a reply of several lines whose last line has not come. */
function heardIn(raw: string, open: string | undefined, unmarked: 'none' | 'commands'): Omit<Said, 'line'> | undefined {
  const [, kind, quoted] = ftplib.exec(raw) ?? [];
  if (quoted !== undefined) return { from: kind === 'cmd' ? 'client' : 'server', text: quoted.replace(/\\n$/, '') };
  const client = ofClient.exec(raw)?.[1];
  if (client !== undefined) return { from: 'client', text: client };
  const server = ofServer.exec(raw)?.[1];
  if (server !== undefined) return { from: 'server', text: server };
  if (unmarked === 'none') return undefined;
  const bare = raw.replace(/^\t/, '');
  if (open !== undefined || (reply.test(bare) && !/^\d+$/.test(bare))) return { from: 'server', text: bare };
  const word = /^([A-Za-z0-9@]+)(?: |$)/.exec(bare)?.[1];
  return word !== undefined && lookupVerb(word.toUpperCase()) !== undefined
    ? { from: 'client', text: bare }
    : undefined;
}

function openAfter(text: string, open: string | undefined): string | undefined {
  if (open !== undefined) return text.startsWith(`${open} `) ? undefined : open;
  return /^\d{3}-/.test(text) ? text.slice(0, 3) : undefined;
}

function addressOf(text: string | undefined): Address | undefined {
  if (text === undefined) return undefined;
  const read = parseAddress(text);
  return read.ok ? read.value : undefined;
}
