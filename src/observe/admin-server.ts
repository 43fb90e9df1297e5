// What may be asked of a running gateway over HTTP? To look, nothing else: every answer is to GET or HEAD, none changes
// anything, and only /pinholes asks the engines, so that a scrape cannot slow a transfer. Slow and idle clients are cut
// off (the slow-header attack), web pages of strangers get nothing (admin-caller.ts), and a gateway whose admin address
// cannot be bound gets a sentence for its operator.
// GET /pinholes[?state=STATE][&client=ADDRESS]: JSON { "ways": [WayEntry, …] newest first, "missingEngines": n }, see
// way-entry.ts; a table for whoever prefers text/html, as browsers do.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import type { Result } from '../result.ts';
import { type AdminRefusal, judgeCaller } from './admin-caller.ts';
import type { Metrics } from './metrics.ts';
import { statusPage } from './status-page.ts';
import type { WayListing } from './way-entry.ts';
import { readWayFilter } from './way-filter.ts';
import { waysPage } from './ways-page.ts';

/** Yes, or no and why, in a few words that fit into one line. */
export type Readiness = Result<undefined, string>;

export interface AdminServerParts {
  /** Port 0 takes any free port. */
  readonly listen: Endpoint;
  readonly metrics: Metrics;
  /** Whether the process and all its engines work. Answers from what is known here, without asking an engine. */
  readonly health: () => Readiness;
  /** Whether every listener is bound and new sessions are accepted: no while draining. */
  readonly readiness: () => Readiness;
  /** Asks the engines, with a bound. */
  readonly listWays: () => Promise<WayListing>;
  /**
   * Under which names and addresses the pages may be asked for, besides those that always hold; asked at every request.
   */
  readonly hosts: () => readonly string[];
  /** Told of requests that got no page because of the host that they name or the site that they come from. */
  readonly onRefused: (refusal: AdminRefusal, client: string | undefined) => void;
  /** Told of what went wrong while answering; the client got 500. */
  readonly onError: (error: unknown) => void;
}

export interface AdminServer {
  /** Where it listens. */
  readonly endpoint: Endpoint;
  /** Stops listening, lets answers under way finish for a second, then ends every connection. */
  close(): Promise<void>;
}

interface BindProblem {
  readonly code: 'port-in-use' | 'no-right' | 'address-not-available' | 'failed';
  /** One sentence for an operator. */
  readonly sentence: string;
}

export type AdminServerStart = Result<AdminServer, BindProblem>;

// A scraper sends its few hundred octets at once. 8 KiB is what HTTP servers commonly take.
const limits = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 5000,
  keepAliveTimeout: 5000,
  // How often the two time-outs above are looked at; Node's own half minute would make them half a minute.
  connectionsCheckingInterval: 1000,
};
// A reader that takes nothing of its answer for so long is gone.
const inactiveMs = 10_000;
// Two Prometheus servers, a load balancer's probes, a few browsers; beyond it Node closes what connects.
const connectionsMax = 64;
const closeGraceMs = 1000;

/** Binds and serves. Resolves when the address is bound, or with the reason why it cannot be. */
export function startAdminServer(parts: AdminServerParts): Promise<AdminServerStart> {
  const server = createServer(limits, (request, response) => {
    answer(parts, request)
      .catch((error: unknown) => {
        parts.onError(error);
        return text(500, 'internal error');
      })
      .then((given) => send(response, given))
      .catch(parts.onError);
  });
  server.timeout = inactiveMs;
  server.maxConnections = connectionsMax;
  const { address, port } = parts.listen;
  return new Promise((resolve) => {
    server.once('error', (error) => resolve({ ok: false, reason: problemOf(error, parts.listen) }));
    server.listen(port, address.text, () => {
      server.removeAllListeners('error');
      server.on('error', parts.onError);
      resolve({ ok: true, value: { endpoint: boundEndpoint(server, parts.listen), close: () => close(server) } });
    });
  });
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function answer(parts: AdminServerParts, request: IncomingMessage): Promise<Answer> {
  const { url: target = '/', rawHeaders, socket } = request;
  const judgement = judgeCaller({ target, rawHeaders, localAddress: socket.localAddress }, parts.hosts());
  if (!judgement.ok) {
    const { status, sentence } = judgement.reason;
    parts.onRefused(judgement.reason, socket.remoteAddress);
    return text(status, sentence);
  }
  const { path, query } = judgement.value;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...text(405, 'only GET and HEAD'), headers: { Allow: 'GET, HEAD' } };
  }
  switch (path) {
    case '/':
      return {
        status: 200,
        type: 'text/html; charset=utf-8',
        body: statusPage(parts.metrics, stateOf(parts.health(), parts.readiness())),
      };
    case '/metrics':
      return { status: 200, type: parts.metrics.contentType, body: await parts.metrics.text() };
    case '/healthz':
      return probe(parts.health());
    case '/readyz':
      return probe(parts.readiness());
    case '/pinholes':
      return pinholes(parts, query, request.headers.accept ?? '');
    default:
      return text(404, 'nothing here: see /');
  }
}

async function pinholes(parts: AdminServerParts, query: string, accept: string): Promise<Answer> {
  const filter = readWayFilter(new URLSearchParams(query));
  if (!filter.ok) return text(400, filter.reason);
  const { ways, missingEngines } = await parts.listWays();
  const listing: WayListing = { ways: ways.filter(filter.value), missingEngines };
  const headers = { Vary: 'Accept' };
  // Browsers name it; curl and its like take anything.
  return accept.includes('text/html')
    ? { status: 200, type: 'text/html; charset=utf-8', body: waysPage(listing, Date.now()), headers }
    : { status: 200, type: 'application/json', body: `${JSON.stringify(listing)}\n`, headers };
}

function stateOf(health: Readiness, readiness: Readiness): string {
  if (!health.ok) return `Unhealthy: ${health.reason}`;
  return readiness.ok ? 'Ready: new sessions are accepted.' : `Not ready: ${readiness.reason}`;
}

function probe(state: Readiness): Answer {
  return state.ok ? text(200, 'ok') : text(503, state.reason);
}

function text(status: number, line: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${line}\n` };
}

function send(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // Nothing on these pages runs, loads or may be framed, whatever got onto them.
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    // Nor do other sites get it into their pages, or a hand on a window that shows it.
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    ...headers,
  });
  // To HEAD, Node sends the head alone.
  response.end(body);
}

function boundEndpoint(server: Server, asked: Endpoint): Endpoint {
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? asked : { ...asked, port: bound.port };
}

function problemOf(error: Error, listen: Endpoint): BindProblem {
  const where = `The admin server cannot listen on ${printEndpoint(listen)}`;
  switch ('code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return { code: 'port-in-use', sentence: `${where}: something else listens on that port.` };
    case 'EACCES':
      return {
        code: 'no-right',
        sentence: `${where}: no right to bind it; ports below 1024 need CAP_NET_BIND_SERVICE.`,
      };
    case 'EADDRNOTAVAIL':
      return { code: 'address-not-available', sentence: `${where}: this host does not have that address.` };
    default:
      return { code: 'failed', sentence: `${where}: ${error.message}.` };
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Idle connections are ended by `close` itself; a half-sent request would hold it until its time-out.
    const end = setTimeout(() => server.closeAllConnections(), closeGraceMs);
    server.close(() => {
      clearTimeout(end);
      resolve();
    });
  });
}
