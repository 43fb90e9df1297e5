// Which keys are right by themselves and wrong together? Sockets that meet, loops, addresses of the other family.
// Must not break: it judges all that could be read, even where other keys are wrong, so that everything is told at
// once.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import { addressesMeet, socketsMeet } from '../address/meeting.ts';
import type { Finding, ReadableListener, ReadableSettings } from './finding.ts';
import { nextListener } from './listen-overlap.ts';
import { checkKernel, checkTransparent } from './perimeter-check.ts';
import { commonPorts, printRange } from './port-ranges.ts';
import { checkTls } from './tls-check.ts';

export function crossCheck(settings: ReadableSettings): Finding[] {
  return [
    ...settings.listeners.flatMap((_, index) => checkListener(settings.listeners, index)),
    ...settings.listeners.flatMap((_, index) => checkTransparent(settings, index)),
    ...settings.listeners.flatMap(checkListenerTls),
    ...checkListenSockets(settings),
    ...checkDataPorts(settings),
    ...checkSessions(settings),
    ...checkKernel(settings),
  ];
}

function checkListener(listeners: readonly ReadableListener[], index: number): Finding[] {
  const { name, upstream, advertiseFamily, advertiseToServerFamily } = listeners[index]!;
  const findings: Finding[] = [];
  const find = (key: string, message: string): void => {
    findings.push({ path: ['listeners', index, key], message });
  };
  const first = listeners.findIndex((other) => other.name === name);
  if (name !== undefined && first < index) find('name', `${name} is the name of listeners[${first}] too`);
  // RFC 2428 §3: the 229 reply carries no address, so only 227 does, and its numbers hold an IPv4 address.
  if (advertiseFamily === 6) find('advertise', 'expected an IPv4 address: no reply carries an IPv6 one');
  if (upstream !== undefined && (advertiseToServerFamily ?? upstream.address.family) !== upstream.address.family) {
    const message = `expected an IPv${upstream.address.family} address, as upstream is; the server could not dial it`;
    find('advertiseToServer', message);
  }
  if (upstream !== undefined && loops(listeners, index)) {
    find('upstream', `${printEndpoint(upstream)} leads back to this listener; expected the FTP server`);
  }
  return findings;
}

function checkListenerTls(listener: ReadableListener, index: number): Finding[] {
  const findings: Finding[] = [];
  checkTls(listener, (path, message) => {
    findings.push({ path: ['listeners', index, ...path], message });
  });
  return findings;
}

function loops(listeners: readonly ReadableListener[], start: number): boolean {
  const seen = new Set<number>();
  let next = nextListener(listeners, start);
  while (next !== undefined && next !== start && !seen.has(next)) {
    seen.add(next);
    next = nextListener(listeners, next);
  }
  return next === start;
}

function checkListenSockets({ listeners, admin }: ReadableSettings): Finding[] {
  return listeners.flatMap(({ listen }, index) => {
    if (listen === undefined) return [];
    const taken = (by: string, other: Endpoint): Finding[] => {
      const message = `${printEndpoint(listen)} is taken by ${by} (${printEndpoint(other)}); expected a free port`;
      return [{ path: ['listeners', index, 'listen'], message }];
    };
    if (admin !== undefined && socketsMeet(admin, listen)) return taken('admin.listen', admin);
    const first = listeners.findIndex((other) => other.listen !== undefined && socketsMeet(other.listen, listen));
    return first < index ? taken(`listeners[${first}].listen`, listeners[first]!.listen!) : [];
  });
}

function checkDataPorts({ listeners, admin }: ReadableSettings): Finding[] {
  return listeners.flatMap(({ listen, dataPorts }, index) => {
    if (listen === undefined) return [];
    const meeting = (other: Endpoint | undefined): other is Endpoint =>
      other !== undefined && addressesMeet(other.address, listen.address);
    const findings: Finding[] = [];
    const find = (message: string): void => {
      findings.push({ path: ['listeners', index, 'dataPorts'], message });
    };
    const checkSocket = (key: string, socket: Endpoint | undefined): void => {
      if (!meeting(socket) || commonPorts(dataPorts, [{ from: socket.port, to: socket.port }]) === undefined) return;
      find(`${socket.port} is taken by ${key}; expected ports without it`);
    };
    checkSocket('admin.listen', admin);
    listeners.forEach((other, at) => {
      checkSocket(`listeners[${at}].listen`, other.listen);
      const common = at < index && meeting(other.listen) ? commonPorts(dataPorts, other.dataPorts) : undefined;
      if (common !== undefined)
        find(`${printRange(common)} belongs to listeners[${at}] too; expected ports of its own`);
    });
    return findings;
  });
}

function checkSessions({ sessionsMax, perClientMax }: ReadableSettings): Finding[] {
  if (sessionsMax === undefined || perClientMax === undefined || perClientMax <= sessionsMax) return [];
  const message = `expected ${sessionsMax} at most, which is sessions.max, found ${perClientMax}`;
  return [{ path: ['sessions', 'perClient'], message }];
}
