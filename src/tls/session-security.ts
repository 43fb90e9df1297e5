// What sessions ask of TLS: streams for their legs and for the legs of their data connections. Where certificates and
// keys come from is not their business.

import type { Address } from '../address/endpoint.ts';
import type { Side } from '../session/expectation.ts';
import type { SecureStream, Stream } from '../sys/stream.ts';

/** TLS as one listener offers it to clients and demands it of servers. */
export interface ListenerSecurity {
  forSession(server: Address): SessionSecurity;
}

/** TLS of one session: its data connections resume, or are held to, what its control connection has negotiated. */
export interface SessionSecurity {
  /** Towards a client the gateway is the TLS server, towards a server the TLS client. */
  secureControl(side: Side, carrier: Stream): SecureStream;
  /** RFC 4217 §10: the same roles, whoever has dialled. */
  secureData(side: Side, carrier: Stream): SecureStream;
}
