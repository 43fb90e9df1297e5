// Which keys of a listener's `tls` are right by themselves and wrong together?
// Must not break: a key that would be ignored is told, because whoever wrote it believes that it holds.

import { isServicePort } from '../policy/service-ports.ts';
import type { Find, ReadableListener, ReadableTls } from './finding.ts';
import type { PortRange } from './port-range.ts';
import { commonPorts, printRange } from './port-ranges.ts';

export function checkTls(listener: ReadableListener, find: Find): void {
  const { client, server } = listener.tls;
  const { dataPath } = listener;
  if (client.mode === 'pass-through') {
    checkPassThrough(listener, find);
    return;
  }
  checkClient(client, (key, message) => find(['tls', 'client', key], message));
  checkServer(server, client, (key, message) => find(['tls', 'server', key], message));
  for (const [leg, mode] of Object.entries({ client: client.mode, server: server.mode })) {
    if (dataPath !== 'kernel' || mode === undefined || mode === 'off') continue;
    find(['dataPath'], `expected relay or auto; the kernel carries no TLS, which tls.${leg}.mode ${mode} asks for`);
    return;
  }
}

type FindKey = (key: string, message: string) => void;

function checkClient(client: ReadableTls['client'], find: FindKey): void {
  if (client.mode === undefined) return;
  if (client.mode === 'off') {
    checkIgnored(client, find);
    return;
  }
  checkPair(client, find);
  if (client.passivePorts !== undefined)
    find('passivePorts', `has no effect with mode ${client.mode}; leave it out, or choose pass-through`);
  if (client.clientCertificate !== undefined && isLeftOut(client, 'clientCa')) {
    find('clientCertificate', 'has no effect without clientCa, by which the certificates of clients are judged');
  }
}

function checkPassThrough(listener: ReadableListener, find: Find): void {
  const { client, server } = listener.tls;
  const at = (key: string, message: string): void => find(['tls', 'client', key], message);
  for (const [key, value] of Object.entries(client))
    if (key !== 'mode' && key !== 'passivePorts' && value !== undefined)
      at(key, 'has no effect with mode pass-through, where TLS is between client and server; leave it out');
  if (listener.mode === 'reverse')
    at('mode', 'expected off, optional, required or implicit; pass-through needs a listener of mode transparent');
  if (listener.dataPath === 'relay')
    find(['dataPath'], 'expected kernel or auto; with pass-through nobody could tell the relay which ports to open');
  if (server.mode !== undefined && server.mode !== 'off')
    find(
      ['tls', 'server', 'mode'],
      'expected off; with tls.client pass-through the gateway has no TLS with the server',
    );
  const { passivePorts } = client;
  if (isLeftOut(client, 'passivePorts')) {
    at('passivePorts', 'is missing, and mode pass-through needs it; expected the passive ports that servers use');
  }
  if (passivePorts === undefined) return;
  const service = servicePortIn(passivePorts);
  if (service !== undefined)
    at('passivePorts', `${service} belongs to a well-known service; expected ports without it`);
  const common = commonPorts([passivePorts], listener.dataPorts);
  if (common !== undefined)
    at('passivePorts', `${printRange(common)} belongs to dataPorts too; expected ports of their own for either`);
}

/** Opened for whole sessions, they would let a client at services that have nothing to do with FTP. */
function servicePortIn({ from, to }: PortRange): number | undefined {
  for (let port = from; port <= to; port += 1) if (isServicePort(port)) return port;
  return undefined;
}

function checkPair(client: ReadableTls['client'], find: FindKey): void {
  if (client.certificates !== undefined) {
    const beside = (['certificate', 'key'] as const).find((key) => client[key] !== undefined);
    if (beside !== undefined) find(beside, 'stands beside certificates; expected one of the two, put it into the list');
    return;
  }
  if (!isLeftOut(client, 'certificates')) return;
  if (isLeftOut(client, 'certificate')) {
    const advice = 'expected the path of a PEM file (`portcullis cert` makes one to try)';
    find('certificate', `is missing, and mode ${client.mode} needs it; ${advice}`);
  }
  if (isLeftOut(client, 'key')) {
    find('key', `is missing, and mode ${client.mode} needs it; expected the path of the certificate's key, in PEM`);
  }
}

function checkServer(server: ReadableTls['server'], client: ReadableTls['client'], find: FindKey): void {
  if (server.mode === 'off') checkIgnored(server, find);
  if (server.mode === undefined || server.mode === 'off') return;
  if (server.mode === 'match-client' && client.mode === 'off') {
    find('mode', 'expected off, required or implicit; with tls.client off there is nothing to match');
  }
  if (server.verify === false) {
    const message = 'is not asked with verify false; expected one of the two';
    if (server.ca !== undefined) find('ca', message);
    if (server.fingerprint !== undefined) find('fingerprint', message);
  } else if (server.fingerprint !== undefined && server.ca !== undefined) {
    find('ca', 'is not asked where a fingerprint is given; expected one of the two');
  }
}

function checkIgnored(leg: Readonly<Record<string, unknown>>, find: FindKey): void {
  for (const [key, value] of Object.entries(leg)) {
    if (key !== 'mode' && value !== undefined)
      find(key, 'has no effect with mode off; leave it out, or change the mode');
  }
}

/** Neither right nor wrong: not there. */
function isLeftOut(leg: Readonly<Record<string, unknown>>, key: string): boolean {
  return Object.hasOwn(leg, key) && leg[key] === undefined;
}
