// May this request to the admin address be answered? There is no login, so a web page in an operator's browser must not
// read the pages: neither under a name of its own that resolves to this machine (DNS rebinding, which only the Host
// gives away), nor across sites. Must not break: what passes is the address of this end, loopback, `localhost` and what
// the operator has listed; whoever cannot be judged gets no page. RFC 9112 §3.2 (Host, request target), RFC 9110
// §15.5.20 (421).

import { type Address, parseAddress, sameAddress } from '../address/endpoint.ts';
import { containsAny, type Network, parseNetwork } from '../address/network.ts';
import type { Result } from '../result.ts';
import type { AdminRefusalCause } from './metric-labels.ts';

/** What of a request tells who asks. */
export interface AdminCaller {
  /** As it stands in the request line. */
  readonly target: string;
  /** Names and values by turns, as they came. */
  readonly rawHeaders: readonly string[];
  /** The address at which the connection came in. */
  readonly localAddress: string | undefined;
}

export interface AdminRefusal {
  readonly status: 400 | 403 | 421;
  readonly cause: AdminRefusalCause;
  /** For whoever asks; says which setting helps. */
  readonly sentence: string;
  /** What was asked for as host, or by which site. */
  readonly host: string;
}

/** What is asked for. */
interface AskedPage {
  readonly path: string;
  readonly query: string;
}

export type AdminJudgement = Result<AskedPage, AdminRefusal>;

type Host =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'unreadable' };

// They tell numbers and no user, and probes that write HTTP/1.0 by hand (HAProxy's) send no Host. Every browser sends
// one.
const pagesWithoutHost = ['/healthz', '/readyz', '/metrics'];

// A longer one is no name (RFC 1035 §2.3.4), and it is going to be logged.
const hostLettersMax = 255;

/** `hosts` as settings have them: names in lower case without a trailing dot, addresses as they are printed here. */
export function judgeCaller(caller: AdminCaller, hosts: readonly string[]): AdminJudgement {
  const target = readTarget(caller.target);
  if (target === undefined) return refused(malformed(caller.target, 'the request target cannot be read'));
  const { authority, path, query } = target;
  const named = headerValues(caller, 'host');
  if (named.length > 1) return refused(malformed(named.join(', '), 'a request has one Host'));
  // RFC 9112 §3.2.2: of the two, a server goes by the target; here neither may be a stranger's.
  const asked = [authority, named[0]].filter((host): host is string => host !== undefined && host !== '');
  if (asked.length === 0 && !pagesWithoutHost.includes(path)) {
    return refused({ ...foreign(''), sentence: 'This page is for requests with a Host.' });
  }
  for (const text of asked) {
    const host = readHost(text);
    if (host.kind === 'unreadable') return refused(malformed(text, 'the Host cannot be read'));
    if (!isKnown(host, caller.localAddress, hosts)) return refused(foreign(text));
  }
  const site = foreignSite(caller, asked[0]);
  return site === undefined ? { ok: true, value: { path, query } } : refused(crossSite(site));
}

interface Target {
  readonly authority: string | undefined;
  readonly path: string;
  readonly query: string;
}

/** origin-form, absolute-form, or the asterisk (RFC 9112 §3.2). */
function readTarget(target: string): Target | undefined {
  const [, authority, rest = ''] = /^http:\/\/([^/?#]+)(.*)$/i.exec(target) ?? [undefined, undefined, target];
  const absolute = authority !== undefined;
  if (!absolute && !rest.startsWith('/') && rest !== '*') return undefined;
  const [path, query = ''] = rest.split('?', 2);
  return { authority, path: absolute && path === '' ? '/' : path!, query };
}

function readHost(text: string): Host {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{0,5})?$/.exec(text) ?? [];
  // RFC 6874 §3: a zone means something at the other end alone, and some clients send it all the same.
  if (bracketed !== undefined) return addressOf(bracketed.replace(/%.*$/, '')) ?? { kind: 'unreadable' };
  // RFC 1034 §3.1: the trailing dot is the root's, and the case of a name means nothing.
  const name = plain?.toLowerCase().replace(/\.$/, '');
  if (name === undefined || !/^[a-z0-9_.-]+$/.test(name)) return { kind: 'unreadable' };
  return addressOf(name) ?? { kind: 'name', name };
}

function addressOf(text: string): Host | undefined {
  const address = parseAddress(text);
  return address.ok ? { kind: 'address', address: address.value } : undefined;
}

// No name of the DNS stands behind an address or behind `localhost`, so that no stranger can make them lead here. The
// port does not matter: tunnels and containers change it, and it is not what an attacker chooses.
function isKnown(host: Host, localAddress: string | undefined, hosts: readonly string[]): boolean {
  if (host.kind === 'unreadable') return false;
  if (host.kind === 'name') return host.name === 'localhost' || hosts.includes(host.name);
  const { address } = host;
  if (containsAny(loopback, address) || hosts.includes(address.text)) return true;
  const local = localAddress === undefined ? undefined : parseAddress(localAddress.replace(/%.*$/, ''));
  return local?.ok === true && sameAddress(local.value, address);
}

const loopback = ['127.0.0.0/8', '::1'].map((text): Network => {
  const network = parseNetwork(text);
  if (!network.ok) throw new Error(network.reason);
  return network.value;
});

/** The site from which a page asks, where that is another one. A link that somebody follows is no page that asks. */
function foreignSite(caller: AdminCaller, host: string | undefined): string | undefined {
  const [origin] = headerValues(caller, 'origin');
  if (origin !== undefined && withoutScheme(origin) !== host?.toLowerCase()) return origin;
  const [site] = headerValues(caller, 'sec-fetch-site');
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  const [mode] = headerValues(caller, 'sec-fetch-mode');
  const [destination] = headerValues(caller, 'sec-fetch-dest');
  return mode === 'navigate' && destination === 'document' ? undefined : site;
}

function withoutScheme(origin: string): string {
  return origin.toLowerCase().replace(/^https?:\/\//, '');
}

function headerValues({ rawHeaders }: AdminCaller, name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name);
}

function malformed(host: string, reason: string): AdminRefusal {
  return { status: 400, cause: 'malformed-host', sentence: `Bad request: ${reason}.`, host };
}

function foreign(host: string): AdminRefusal {
  const sentence =
    'These pages are not known under this host name; ask by address, or list the name under admin.hosts.';
  return { status: 421, cause: 'foreign-host', sentence, host };
}

function crossSite(host: string): AdminRefusal {
  return { status: 403, cause: 'cross-site', sentence: 'Pages of other sites may not ask here.', host };
}

function refused(refusal: AdminRefusal): AdminJudgement {
  return { ok: false, reason: { ...refusal, host: refusal.host.slice(0, hostLettersMax) } };
}
