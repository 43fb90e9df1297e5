// The two legs of a data connection for each way of asking for it: who listens where, who is admitted, who is dialled
// from which address. A peer must see data and control with the same host (RFC 2577 §3), so addresses are those of
// the control connection's legs.

import type { Address, Endpoint } from '../address/endpoint.ts';
import { fxpPartners } from '../policy/target-rules.ts';
import type { DataLeg, SetUp } from './expectation.ts';
import type { Session } from './session.ts';

/** Towards the client: dialled where it was active, awaited where it was passive. */
export function clientLeg(session: Session, setUp: SetUp): DataLeg {
  const { clientLocal, clientPeer, serverPeer, activeSourcePort, ruleset } = session.terms;
  if (setUp.target !== undefined) {
    // The client must see data from the address that it dialled, which on a gateway with several is not always the
    // one that its routes would choose.
    return { mode: 'dial', remote: setUp.target, local: clientLocal.address, sourcePort: activeSourcePort };
  }
  return {
    mode: 'listen',
    local: clientLocal.address,
    admits: clientPeer.address,
    admitsToo: fxpPartners(ruleset, serverPeer.address),
  };
}

/** Towards a server that was asked to dial. */
export function listenForServer(session: Session): DataLeg {
  return { mode: 'listen', local: serverSide(session), admits: session.terms.serverPeer.address, admitsToo: [] };
}

/** Towards a server that listens: only ever at the host of its control connection, whatever its 227 says. */
export function dialServer(session: Session, port: number): DataLeg {
  const { serverPeer, dataSource } = session.terms;
  const remote: Endpoint = { address: serverPeer.address, port };
  const local = dataSource === 'control-leg' ? serverSide(session) : undefined;
  return { mode: 'dial', remote, local, sourcePort: undefined };
}

/** What the client is told of a port that the gateway listens on. */
export function advertisedToClient(session: Session, port: number): Endpoint {
  const { advertise, clientLocal } = session.terms;
  return { address: sameFamily(advertise, clientLocal.address), port };
}

/** What the server is told of a port that the gateway listens on. */
export function advertisedToServer(session: Session, port: number): Endpoint {
  return { address: sameFamily(session.terms.advertiseToServer, serverSide(session)), port };
}

// An advertised address of the other family would be no use on this leg: EPSV names no address, PASV only IPv4.
function sameFamily(configured: Address | undefined, local: Address): Address {
  return configured?.family === local.family ? configured : local;
}

function serverSide(session: Session): Address {
  return (session.serverLocal ?? session.terms.clientLocal).address;
}
