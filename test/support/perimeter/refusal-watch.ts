// Has the gateway refused something, and said so where operators look? A refusal is a line in the log and a count, and
// no way is opened for it.

import { readMetric } from '../gateway.ts';
import type { LogLine } from '../log-line.ts';
import { authority } from '../operated-gateway.ts';
import type { RawControl } from '../raw-control.ts';
import { becomes } from '../watch.ts';
import type { PerimeterGateway } from './gateway.ts';

/** As the log has it. */
export interface Refused {
  readonly cause: string;
  readonly bounce?: string;
  readonly verb?: string;
  readonly target?: string;
}

/** `attack` makes the gateway refuse something of this session, once: in the log with the client, and counted. */
export async function isRefused(
  gateway: PerimeterGateway,
  session: RawControl,
  refused: Refused,
  attack: () => Promise<void>,
): Promise<void> {
  const wanted = { msg: 'refused', client: authority(session.local), ...refused };
  const isWanted = (line: LogLine): boolean => Object.entries(wanted).every(([key, value]) => line[key] === value);
  const samples = [`portcullis_refusals_total{cause="${refused.cause}"}`];
  if (refused.bounce !== undefined) samples.push(`portcullis_bounce_attempts_total{kind="${refused.bounce}"}`);
  const counts = async (): Promise<number[]> => {
    const page = await gateway.metrics();
    return [gateway.log().filter(isWanted).length, ...samples.map((sample) => readMetric(page, sample))];
  };
  const before = await counts();
  await attack();
  await becomes(async () => (await counts()).join(' '), before.map((count) => count + 1).join(' '));
}

/** How many data connections were ever prepared, in the kernel or in the process. */
export async function waysOpened(gateway: PerimeterGateway): Promise<number> {
  const page = await gateway.metrics();
  const opened = (plane: string): number => readMetric(page, `portcullis_ways_total{plane="${plane}",event="opened"}`);
  return opened('kernel') + opened('relay');
}
