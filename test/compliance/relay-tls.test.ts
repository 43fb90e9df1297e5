// The relay with TLS over one leg or both: what it promises of octets, ends and resets is promised of them under TLS.

import type { Side } from '../../src/session/expectation.ts';
import { TlsStream } from '../../src/sys/tls-stream.ts';
import { accepting, connecting } from '../unit/sys/tls-pair.ts';
import type { LegTls } from './data-path-fixture.ts';
import { carriedCompliance, securedCompliance } from './data-path-suite.ts';
import { makeRelay } from './relay-bench.ts';
import { onLoopback } from './scene.ts';

/** RFC 4217 §10: who is the TLS client does not depend on who dials. */
const legs: Readonly<Record<Side, LegTls>> = {
  client: {
    gateway: (carrier) => new TlsStream(carrier, accepting),
    peer: (_side, carrier) => new TlsStream(carrier, connecting),
  },
  server: {
    gateway: (carrier) => new TlsStream(carrier, connecting),
    peer: (_side, carrier) => new TlsStream(carrier, accepting),
  },
};

const relay = { traits: { connections: 'one-each', closing: 'resets' }, places: onLoopback, make: makeRelay } as const;

securedCompliance({ ...relay, name: 'relay, TLS with the client', tls: { client: legs.client } });
carriedCompliance({ ...relay, name: 'relay, TLS with both', tls: legs });
