// What do the keys under `tls` of a listener mean, once its defaults are filled in and its files are read?
// Must not break: it only renames and completes; whether the keys go together, tls-check.ts has said before.

import type { LoadedTls } from './load-tls.ts';
import type { ClientTlsFile, ServerTlsFile, TlsFile } from './tls-schema.ts';
import type { ClientTls, ListenerTls, ServerTls } from './tls-settings.ts';

export function buildTls(file: TlsFile | undefined, loaded: LoadedTls): ListenerTls {
  return { client: buildClient(file?.client, loaded), server: buildServer(file?.server, loaded) };
}

/** The same settings with what their files hold now. */
export function renewedTls({ client, server }: ListenerTls, { pairs, clientCa, ca }: LoadedTls): ListenerTls {
  const [first, ...others] = pairs;
  return {
    client:
      client.mode === 'off' || first === undefined ? client : { ...client, certificates: [first, ...others], clientCa },
    server: server.mode === 'off' ? server : { ...server, ca },
  };
}

function buildClient(file: ClientTlsFile | undefined, { pairs, clientCa }: LoadedTls): ClientTls {
  const [first, ...others] = pairs;
  if (file === undefined || file.mode === 'off' || first === undefined) return { mode: 'off' };
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
