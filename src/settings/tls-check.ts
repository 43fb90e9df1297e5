// Which keys of a listener's `tls` are right by themselves and wrong together?
// Must not break: a key that would be ignored is told, because whoever wrote it believes that it holds.

import type { Find, ReadableListener, ReadableTls } from './finding.ts';

export function checkTls({ tls: { client, server }, dataPath }: ReadableListener, find: Find): void {
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
  if (client.clientCertificate !== undefined && isLeftOut(client, 'clientCa')) {
    find('clientCertificate', 'has no effect without clientCa, by which the certificates of clients are judged');
  }
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
