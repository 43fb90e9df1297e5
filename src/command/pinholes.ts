// `portcullis pinholes`: which data connections does the gateway that runs with these settings expect or carry, and
// what became of the last ones? Asks its admin address, as a browser does; a gateway that cannot be asked is told in
// one sentence.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import type { WayListing } from '../observe/way-entry.ts';
import type { Result } from '../result.ts';
import { loadSettings } from '../settings/load-settings.ts';
import { printProblem } from '../yaml/problem.ts';
import { printWays } from './printed-ways.ts';

// Longer than a gateway waits for its engines.
const answerMs = 5_000;

export async function pinholes(file: string, form: 'table' | 'json'): Promise<number> {
  const loaded = loadSettings(file);
  if (!loaded.ok) {
    for (const problem of loaded.reason) process.stderr.write(`${printProblem(problem)}\n`);
    return 1;
  }
  const { admin } = loaded.value;
  if (admin === undefined) {
    return failed(`${file} has no admin address (admin: off), so a gateway with these settings cannot be asked`);
  }
  const asked = await ask(reachable(admin.listen));
  if (!asked.ok) return failed(asked.reason);
  const { listing, json } = asked.value;
  process.stdout.write(form === 'json' ? `${json.trimEnd()}\n` : printWays(listing.ways, Date.now()));
  if (listing.missingEngines === 0) return 0;
  return failed(
    `engines that did not answer in time: ${listing.missingEngines}; their data connections are not listed`,
  );
}

type Answer = Result<{ readonly listing: WayListing; readonly json: string }, string>;

async function ask(admin: Endpoint): Promise<Answer> {
  const where = printEndpoint(admin);
  let json: string;
  try {
    const response = await fetch(`http://${where}/pinholes`, { signal: AbortSignal.timeout(answerMs) });
    json = await response.text();
    if (!response.ok) return strange(where, `HTTP status ${response.status}`);
  } catch (error) {
    return { ok: false, reason: `no gateway answers on ${where}: ${reasonOf(error)}` };
  }
  const listing = readListing(json);
  return listing === undefined ? strange(where, 'no list of data connections') : { ok: true, value: { listing, json } };
}

function strange(where: string, what: string): Answer {
  return { ok: false, reason: `what answers on ${where} is no gateway of this version: ${what}` };
}

function readListing(json: string): WayListing | undefined {
  try {
    const read: unknown = JSON.parse(json);
    const like = typeof read === 'object' && read !== null && 'ways' in read && 'missingEngines' in read;
    return like && Array.isArray(read.ways) ? (read as WayListing) : undefined;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing came within ${answerMs / 1000} s`;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNREFUSED') return 'connection refused; is one running with these settings?';
  return typeof code === 'string' ? code : error.message;
}

/** A gateway that listens on all addresses is asked on loopback. */
function reachable({ address, port }: Endpoint): Endpoint {
  if (address.text === '0.0.0.0') return { address: { family: 4, text: '127.0.0.1' }, port };
  if (address.text === '::') return { address: { family: 6, text: '::1' }, port };
  return { address, port };
}

function failed(sentence: string): number {
  process.stderr.write(`portcullis: ${sentence}\n`);
  return 1;
}
