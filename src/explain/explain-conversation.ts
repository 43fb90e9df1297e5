// The conversation of a transcript, under the settings of one gateway, line by line.

import type { Address } from '../address/endpoint.ts';
import { sessionTermsOf } from '../engine/session-terms.ts';
import type { ListenerSettings, Settings } from '../settings/settings.ts';
import { type ExplainedLine, explainedLine } from './print-explained.ts';
import type { Transcript } from './read-transcript.ts';
import { orElse, Rehearsal } from './rehearsal.ts';

export interface Explanation {
  readonly listener: string;
  readonly client: Address;
  readonly server: Address;
  readonly lines: readonly ExplainedLine[];
}

// RFC 5737: where the conversation and the settings name nobody, somebody of the documentation stands in.
const someClient: Address = { family: 4, text: '198.51.100.2' };
const someServer: Address = { family: 4, text: '192.0.2.10' };
const someGateway: Address = { family: 4, text: '192.0.2.1' };

/** Undefined where the transcript names a listener that the settings lack. */
export function explainConversation(
  settings: Settings,
  transcript: Transcript,
  epochMs: number,
): Explanation | undefined {
  const { listener: name } = transcript;
  const listener = name === undefined ? settings.listeners[0] : settings.listeners.find((each) => each.name === name);
  if (listener === undefined) return undefined;
  const client = transcript.client ?? named(transcript, 'client') ?? someClient;
  const server = transcript.server ?? serverOf(listener) ?? named(transcript, 'server') ?? someServer;
  const local = { address: orElse(listener.listen.address, someGateway), port: listener.listen.port };
  const rehearsal = new Rehearsal(
    {
      ...sessionTermsOf(listener, settings, epochMs),
      clientPeer: { address: client, port: 40_001 },
      clientLocal: local,
      serverPeer: { address: server, port: 21 },
    },
    someGateway,
  );
  const lines: ExplainedLine[] = [];
  for (const said of transcript.said) {
    if (rehearsal.isOver) break;
    lines.push(explainedLine(rehearsal.play(said, lines.length === 0)));
  }
  return { listener: listener.name, client, server, lines };
}

function serverOf(listener: ListenerSettings): Address | undefined {
  return listener.mode === 'reverse' ? listener.upstream.address : undefined;
}

/** The address that this side itself names in its first PORT or 227. */
function named({ said }: Transcript, from: 'client' | 'server'): Address | undefined {
  const pattern = from === 'client' ? /^PORT (\d+,\d+,\d+,\d+),/i : /^227 .*?(\d+,\d+,\d+,\d+),/;
  for (const { text } of said.filter((each) => each.from === from)) {
    const numbers = pattern.exec(text)?.[1]?.split(',').map(Number);
    if (numbers?.every((number) => number < 256) === true) return { family: 4, text: numbers.join('.') };
  }
  return undefined;
}
