// What do clients of an end-to-end test talk to? The gateway before a server. With PORTCULLIS_TEST_DIRECT=1 it is the
// server itself: a test that fails then says something about the peers or about the test, and nothing about the
// gateway.

import { type GatewaySettings, type RunningGateway, startGateway } from './gateway.ts';
import type { Lab, LabEndpoint } from './lab.ts';

const { PORTCULLIS_TEST_DIRECT } = process.env;

export const isDirect = PORTCULLIS_TEST_DIRECT === '1';

export interface Front extends LabEndpoint {
  /** Undefined in a direct run. */
  readonly gateway: RunningGateway | undefined;
}

export async function startFront(
  lab: Lab,
  server: LabEndpoint,
  settings: GatewaySettings = {},
  family: 4 | 6 = 4,
): Promise<Front> {
  if (isDirect) return { host: server.host, port: server.port, gateway: undefined };
  const gateway = await startGateway(lab, server, settings, family);
  return { host: gateway.host, port: gateway.port, gateway };
}
