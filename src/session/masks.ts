// What a server says of itself, as far as the rules have the gateway hide it: who it is, what it runs on, and how the
// network behind the gateway is built. What a client reads by machine is left as it is: names in listings, paths.

import type { ControlLine } from '../wire/line-splitter.ts';
import { withoutPrivateAddresses } from '../wire/private-addresses.ts';
import { formatReply } from '../wire/reply.ts';
import type { Session } from './session.ts';

/** Does a reply of the gateway's stand in place of this one? `verb` is what it answers. */
export function isMasked({ terms, phase }: Session, verb: string | undefined, code: number): boolean {
  const { masks } = terms.ruleset;
  if (phase.kind === 'expect-greeting') return code === greeting && masks.greeting !== undefined;
  return verb === 'SYST' && code === system && masks.system !== undefined;
}

/** What stands in its place; of those that are masked, the code tells which. */
export function maskFor({ terms }: Session, code: number): Uint8Array {
  const { masks } = terms.ruleset;
  return formatReply(code, (code === system ? masks.system : masks.greeting) ?? '');
}

const greeting = 220;
const system = 215;

// Of directories and files, and with names in them: what the client asked for.
const ofFiles: ReadonlySet<number> = new Set([212, 213, 250, 257]);

/** The line as it is shown to the client. */
export function shownLine({ terms }: Session, line: ControlLine, code: number): ControlLine {
  if (!terms.ruleset.masks.privateAddresses || ofFiles.has(code)) return line;
  const wire = withoutPrivateAddresses(line.wire);
  return wire === line.wire ? line : { ...line, wire, octets: wire.subarray(0, wire.length - 2) };
}
