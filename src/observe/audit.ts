// What is told of a transfer when it is over? Exactly one line per way that was opened, whatever became of it, with
// `"msg":"transfer"`, level info. The fields are a public face: SIEM rules are written against them. They are always
// all there (null where unknown), in this order, and neither renamed nor given another unit or meaning:
//   session listener way user verb path direction outcome reason replyCode octetsToClient octetsToServer durationMs
//   client server clientDataPeer serverDataPeer plane
// A log level above info writes no audit.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import type { Logger } from './log.ts';

export interface TransferAudit {
  /** The session and, inside it, the way: both stand in the other log lines as well. */
  readonly session: string;
  readonly way: number;
  readonly listener: string;
  /** The argument of USER; undefined before it. */
  readonly user: string | undefined;
  /** RETR, STOR, LIST, …, in upper case. */
  readonly verb: string;
  /** As the client wrote it; not resolved against a working directory, which only the server knows. */
  readonly path: string;
  readonly direction: 'download' | 'upload' | 'listing';
  readonly outcome: 'completed' | 'failed' | 'expired' | 'refused' | 'session-closed';
  /** In words, for people; not stable. */
  readonly reason: string;
  /** The final reply that the client got for the transfer; undefined if there was none. */
  readonly replyCode: number | undefined;
  readonly octetsToClient: number;
  readonly octetsToServer: number;
  readonly durationMs: number;
  /** The other ends of the control connection's two legs. */
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** The other ends of the data connection's two legs; undefined where none was established. */
  readonly clientPeer: Endpoint | undefined;
  readonly serverPeer: Endpoint | undefined;
  /** Where the octets passed. */
  readonly plane: 'relay' | 'kernel';
}

/** Writes the line. `log` must not have the session's fields as bindings: a key must not come twice in one object. */
export function writeAudit(log: Logger, record: TransferAudit): void {
  if (!log.isLevelEnabled('info')) return;
  log.info(
    {
      session: record.session,
      listener: record.listener,
      way: record.way,
      user: record.user ?? null,
      verb: record.verb,
      path: record.path,
      direction: record.direction,
      outcome: record.outcome,
      reason: record.reason,
      replyCode: record.replyCode ?? null,
      octetsToClient: record.octetsToClient,
      octetsToServer: record.octetsToServer,
      durationMs: record.durationMs,
      client: printEndpoint(record.client),
      server: printEndpoint(record.server),
      clientDataPeer: printPeer(record.clientPeer),
      serverDataPeer: printPeer(record.serverPeer),
      plane: record.plane,
    },
    'transfer',
  );
}

function printPeer(peer: Endpoint | undefined): string | null {
  return peer === undefined ? null : printEndpoint(peer);
}
