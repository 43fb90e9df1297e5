// What do the keys under `tls` of a listener mean, once its defaults are filled in and its files are read?
// Must not break: it only renames and completes; whether the keys go together, tls-check.ts has said before.

import type { LoadedTls } from './load-tls.ts';
import type { ClientTlsFile, ServerTlsFile, TlsFile } from './tls-schema.ts';
import {
  type ClientTls,
  isTerminated,
  type ListenerTls,
  type ServerTls,
  type TerminatedClientTls,
} from './tls-settings.ts';

export function buildTls(file: TlsFile | undefined, loaded: LoadedTls): ListenerTls {
  return { client: buildClient(file?.client, loaded), server: buildServer(file?.server, loaded) };
}

/** The same settings with what their files hold now; of a file that cannot be used, what it held before. */
export function renewedTls({ client, server }: ListenerTls, { pairs, clientCa, ca }: LoadedTls): ListenerTls {
  return {
    client: isTerminated(client) ? renewedClient(client, pairs, clientCa) : client,
    server: server.mode === 'off' ? server : { ...server, ca: ca ?? server.ca },
  };
}

function renewedClient(
  client: TerminatedClientTls,
  pairs: LoadedTls['pairs'],
  clientCa: string | undefined,
): ClientTls {
  const [first, ...others] = client.certificates;
  return {
    ...client,
    certificates: [pairs[0] ?? first, ...others.map((pair, index) => pairs[index + 1] ?? pair)],
    clientCa: clientCa ?? client.clientCa,
  };
}

function buildClient(file: ClientTlsFile | undefined, { pairs, clientCa }: LoadedTls): ClientTls {
  const [first, ...others] = pairs.filter((pair) => pair !== undefined);
  if (file === undefined || file.mode === 'off') return { mode: 'off' };
  if (file.mode === 'pass-through')
    return file.passivePorts === undefined ? { mode: 'off' } : { mode: file.mode, passivePorts: file.passivePorts };
  if (first === undefined) return { mode: 'off' };
  return {
    mode: file.mode,
    certificates: [first, ...others],
    requireReuse: file.requireReuse ?? false,
    clientCa,
    clientCertificate: file.clientCertificate ?? 'required',
    acceptTruncation: file.acceptTruncation ?? false,
    clearCommandChannel: file.clearCommandChannel ?? false,
  };
}

function buildServer(file: ServerTlsFile | undefined, { ca }: LoadedTls): ServerTls {
  if (file === undefined || file.mode === 'off') return { mode: 'off' };
  return {
    mode: file.mode,
    ca,
    name: file.name,
    fingerprint: file.fingerprint,
    acceptTruncation: file.acceptTruncation ?? false,
  };
}
