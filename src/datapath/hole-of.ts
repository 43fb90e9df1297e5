// Can the kernel carry this data connection, and through which hole? It can where one peer dials and the other listens,
// over one address family: then packets need no more than a translation of addresses on their way (RFC 2663 §3).
// Pure; the two planes share one shape of expectation, so no session knows which of them it will get.

import { type Address, type Endpoint, sameAddress } from '../address/endpoint.ts';
import type { Result } from '../result.ts';
import type { DiallingLeg, Expectation, ListeningLeg, Side } from '../session/expectation.ts';

/** What is known of a hole before its advertised port is chosen. */
export interface HolePlan {
  /** The side that dials, and is expected at the listening leg. */
  readonly initiatorSide: Side;
  readonly initiator: Address;
  readonly advertised: Address;
  /** Who is really dialled. */
  readonly responder: Endpoint;
  /** Whom the responder sees as its peer. */
  readonly source: Address;
  /** The advertised address is the responder's own, so its port must be too: nothing is translated. */
  readonly port: 'as-responder' | 'any';
}

/** Or why the kernel cannot join these legs, for people. */
type HolePlanning = Result<HolePlan, string>;

export function planHole({ client, server, tls }: Expectation): HolePlanning {
  if (tls !== undefined) return no('a leg may be under TLS, which only the relay can end');
  if (client.mode === 'listen' && server.mode === 'dial') return planBetween('client', client, server);
  if (server.mode === 'listen' && client.mode === 'dial') return planBetween('server', server, client);
  return no(client.mode === 'listen' ? 'both peers dial' : 'both peers listen');
}

function planBetween(initiatorSide: Side, listening: ListeningLeg, dialling: DiallingLeg): HolePlanning {
  const { admits: initiator, admitsToo, local: advertised } = listening;
  const { remote: responder, local: source } = dialling;
  if (source === undefined) return no('the address towards the server is left to the routes');
  // Other hosts may come in the initiator's place (FXP), and a pinhole is for one.
  if (admitsToo.length > 0) return no('more than one host may be the peer');
  const { family } = initiator;
  if (advertised.family !== family || responder.address.family !== family || source.family !== family)
    return no('the peers speak different address families');
  const port = sameAddress(advertised, responder.address) ? 'as-responder' : 'any';
  return { ok: true, value: { initiatorSide, initiator, advertised, responder, source, port } };
}

function no(reason: string): HolePlanning {
  return { ok: false, reason };
}
