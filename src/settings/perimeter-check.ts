// Which keys of transparent listeners, and of `kernel`, are right by themselves and wrong together?
// Must not break: what is told here could never have worked; where two interfaces have names, they are taken for two.

import { isUnspecified } from '../address/endpoint.ts';
import { containsAny } from '../address/network.ts';
import type { Path } from '../yaml/problem.ts';
import type { Find, Finding, ReadableListener, ReadableSettings, ReadableTransparent } from './finding.ts';
import { checkInterception } from './interception-check.ts';
import { takesFamily } from './listen-overlap.ts';

export function checkTransparent({ listeners, admin }: ReadableSettings, index: number): Finding[] {
  const listener = listeners[index]!;
  const { transparent } = listener;
  if (transparent === undefined) return [];
  const findings: Finding[] = [];
  const find = (path: Path, message: string): void => {
    findings.push({ path: ['listeners', index, ...path], message });
  };
  checkFamilies(listener, transparent, find);
  transparent.publish.forEach((_, at) => {
    checkPublished(transparent, at, find);
  });
  checkInterception(listeners, admin, index, find);
  return findings;
}

function checkFamilies({ listen, advertiseToServerFamily }: ReadableListener, own: ReadableTransparent, find: Find) {
  const { servers, source } = own;
  servers?.forEach(({ family }, at) => {
    if (listen === undefined || takesFamily(listen.address, family)) return;
    const wider = isUnspecified(listen.address) ? `; "[::]:${listen.port}" takes both` : '';
    find(['servers', at], `is an IPv${family} network, and listen takes no IPv${family} connections${wider}`);
  });
  own.clients?.forEach(({ family }, at) => {
    if (listen === undefined || takesFamily(listen.address, family)) return;
    find(['clients', at], `is an IPv${family} network, and listen takes no IPv${family} connections`);
  });
  const reached = (family: 4 | 6): boolean => servers === undefined || servers.some((one) => one.family === family);
  const sourceFamily = typeof source === 'object' ? source.family : undefined;
  if (sourceFamily !== undefined && servers?.some(({ family }) => family !== sourceFamily)) {
    find(['source'], `expected client or gateway: an IPv${sourceFamily} address cannot reach every network of servers`);
  }
  if (advertiseToServerFamily !== undefined && !reached(advertiseToServerFamily)) {
    const other = advertiseToServerFamily === 4 ? 6 : 4;
    find(['advertiseToServer'], `expected an IPv${other} address, as servers are; the server could not dial it`);
  }
}

function checkPublished({ publish, servers, intercept }: ReadableTransparent, at: number, find: Find): void {
  const entry = publish[at];
  if (entry === undefined) return;
  const { from, to } = entry;
  const key = (name: string): Path => ['publish', at, name];
  const first = publish.findIndex(
    (other) => other?.from.port === from.port && other.from.address.text === from.address.text,
  );
  if (first < at) find(key('address'), `is published in publish[${first}] too, with the same port`);
  if (from.address.family !== to.address.family) {
    find(key('to'), `expected an IPv${from.address.family} address, as the published one is`);
  } else if (servers !== undefined && !containsAny(servers, to.address)) {
    find(key('to'), `${to.address.text} is not in servers; expected one that may be reached`);
  }
  if (intercept !== undefined && !intercept.ports.includes(from.port)) {
    find(key('port'), `${from.port} is not in intercept.ports, so nothing arrives there; expected one of those`);
  }
}

export function checkKernel({ listeners, kernel }: ReadableSettings): Finding[] {
  if (kernel === undefined) return [];
  const findings: Finding[] = [];
  if (listeners.length > 0 && listeners.every(({ mode }) => mode === 'reverse')) {
    const message = 'has no effect without a listener of mode transparent; leave it out';
    findings.push({ path: ['kernel'], message });
  }
  const { divertMark, dataMark, serverMark } = kernel;
  if (divertMark !== undefined && divertMark === dataMark) {
    const message = `0x${dataMark.toString(16)} is divertMark too; expected a mark of its own`;
    findings.push({ path: ['kernel', 'dataMark'], message });
  }
  // Both are marks of packets, and by divertMark what goes to a server would be led back to this machine.
  if (divertMark !== undefined && divertMark === serverMark) {
    const message = `0x${serverMark.toString(16)} is divertMark too; expected a mark of its own`;
    findings.push({ path: ['kernel', 'serverMark'], message });
  }
  return findings;
}
