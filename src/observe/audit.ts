// What is told of a transfer when it is over? Exactly one line per way that was opened, whatever became of it, with
// `"msg":"transfer"`, level info. The fields are a public face: SIEM rules are written against them. They are always
// all there (null where unknown), in this order, and neither renamed nor given another unit or meaning:
//   session listener way user verb path direction outcome reason replyCode octetsToClient octetsToServer durationMs
//   client server clientDataPeer serverDataPeer plane
// A log level above info writes no audit.

import { type Endpoint, printEndpoint } from '../address/endpoint.ts';
import type { TransferRecord } from '../session/action.ts';
import type { Logger } from './log.ts';

/**
 * What every line of one session carries: its number and the other ends of the control connection's two legs, printed.
 */
export interface AuditedSession {
  readonly session: string;
  readonly listener: string;
  readonly client: string;
  readonly server: string;
}

/** Writes the line. `log` must not have the session's fields as bindings: a key must not come twice in one object. */
export function writeAudit(log: Logger, of: AuditedSession, record: TransferRecord): void {
  if (!log.isLevelEnabled('info')) return;
  log.info(
    {
      session: of.session,
      listener: of.listener,
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
      client: of.client,
      server: of.server,
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
