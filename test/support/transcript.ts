// Transcripts: whole conversations as text. An event stands at the beginning of a line, what the gateway must do upon
// it stands indented below, in order and complete. Only the incidental records may be left out.

import assert from 'node:assert/strict';
import type { ServerDialect } from '../../src/session/action.ts';
import { defaultLimits, type Limits } from '../../src/session/limits.ts';
import { octetsOf, textOf } from './escaped-text.ts';
import type { Scene } from './session-terms.ts';
import { type Beginning, TranscriptPlay } from './transcript-play.ts';
import { incidental } from './transcript-print.ts';

export interface Conversation {
  /** The comment above it. */
  readonly title: string;
  readonly line: number;
  readonly beginning: Beginning;
  readonly exchanges: readonly Exchange[];
}

interface Exchange {
  readonly line: number;
  readonly event: string;
  readonly expected: readonly string[];
}

/** Reads the conversations of one file; each begins with a comment and a line `listener:`. */
export function readTranscript(text: string): readonly Conversation[] {
  const conversations: { title: string; line: number; beginning: Beginning; exchanges: Exchange[] }[] = [];
  let comment: string[] = [];
  text.split('\n').forEach((content, index) => {
    const line = index + 1;
    if (content.startsWith('#')) comment.push(content.slice(1).trim());
    else if (content.startsWith('listener:')) {
      assert.ok(comment.length > 0, `line ${line}: a conversation needs a title`);
      conversations.push({ title: comment.join(' '), line, beginning: readListener(content.slice(9)), exchanges: [] });
    } else if (content.startsWith('  ')) expect(conversations.at(-1)?.exchanges.at(-1), content.trimStart(), line);
    else if (content.trim() !== '') conversations.at(-1)!.exchanges.push({ line, event: content, expected: [] });
    if (!content.startsWith('#')) comment = [];
  });
  return conversations;
}

function expect(exchange: Exchange | undefined, text: string, line: number): void {
  assert.ok(exchange !== undefined, `line ${line}: no event is above it`);
  (exchange.expected as string[]).push(oneSpelling(text));
}

// `ü` and `\xc3\xbc` are the same two octets.
function oneSpelling(expected: string): string {
  const sent = /^((?:urgent )?to (?:client|server)(?: without line end)?: )(.*)$/s.exec(expected);
  return sent === null ? expected : sent[1] + textOf(octetsOf(sent[2]!));
}

// listener: { key SP value }, for example `client 198.51.100.2 serverMode passive limit.lineOctetsMax 64`
function readListener(text: string): Beginning {
  const words = text.split(' ').filter((word) => word !== '');
  const scene: Record<string, unknown> = {};
  const limits: Partial<Record<keyof Limits, number>> = {};
  const dialect: Partial<Record<keyof ServerDialect, string>> = {};
  let session: Beginning['session'] = 'logged-in';
  for (let at = 0; at < words.length; at += 2) {
    const [key, value] = [words[at]!, words[at + 1]!];
    if (key === 'session') session = value as Beginning['session'];
    else if (key === 'epsv' || key === 'eprt') dialect[key] = value;
    else if (key === 'activeSourcePort') scene[key] = Number(value);
    else if (key === 'endFlows') scene[key] = value === 'yes';
    else if (key.startsWith('limit.')) limits[limitOf(key.slice(6))] = Number(value);
    else if (sceneKeys.has(key)) scene[key] = value;
    else throw new Error(`a listener has no ${key}`);
  }
  return { scene: { ...scene, limits, dialect } as Scene, session };
}

const sceneKeys: ReadonlySet<string> = new Set<keyof Scene>([
  'client',
  'gateway',
  'server',
  'inside',
  'serverMode',
  'rules',
  'clientTls',
  'serverTls',
  'clearCommandChannel',
  'advertise',
  'advertiseToServer',
  'unspecifiedAddress',
  'foreignPassiveAddress',
  'unknownVerbs',
  'allowedVerbs',
  'malformedReply',
  'beforeLogin',
  'activePorts',
  'fxp',
]);

function limitOf(name: string): keyof Limits {
  assert.ok(name in defaultLimits, `there is no limit ${name}`);
  return name as keyof Limits;
}

/** Plays the conversation; throws where the gateway does anything else than the transcript says. */
export function playConversation(conversation: Conversation): void {
  const play = new TranscriptPlay(conversation.beginning);
  for (const { line, event, expected } of conversation.exchanges) {
    const done = withoutUnlisted(play.event(event), expected);
    assert.deepEqual(done, expected, `line ${line}: ${event}`);
  }
}

// Keeping and concluding a way follow from every transfer, so that a transcript says it only where it cares.
const incidentalAction = new RegExp(`^(?:record: (?:${incidental.join('|')}) |keep: |conclude: )`);

/**
 * What was done, without the incidental actions that the transcript does not list. A listed record may be shortened.
 */
function withoutUnlisted(done: readonly string[], expected: readonly string[]): string[] {
  const kept: string[] = [];
  for (const text of done) {
    const next = expected[kept.length];
    if (/^(?:record|keep|conclude): /.test(text) && next !== undefined && `${text} `.startsWith(`${next} `))
      kept.push(next);
    else if (!incidentalAction.test(text)) kept.push(text);
  }
  return kept;
}
