// `portcullis explain`: what the gateway would do with a conversation that somebody has kept, line by line, with the
// rule that decides; with --against, only where other settings would do something else.

import { type Explanation, explainConversation } from '../explain/explain-conversation.ts';
import { type ExplainedLine, printExplained } from '../explain/print-explained.ts';
import { readConversation } from '../explain/read-conversation.ts';
import { readTranscript } from '../explain/read-transcript.ts';
import { loadSettings } from '../settings/load-settings.ts';
import type { Settings } from '../settings/settings.ts';
import { printProblem } from '../yaml/problem.ts';
import { usage } from './usage.ts';

interface Words {
  readonly settings: string;
  readonly transcript: string;
  readonly against: string | undefined;
  readonly as: 'text' | 'json';
}

/** Undefined where the words are wrong. */
function readWords(words: readonly string[]): Words | undefined {
  const files: string[] = [];
  let against: string | undefined;
  let as: Words['as'] = 'text';
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!;
    if (word === '--json') as = 'json';
    else if (word === '--against') {
      at += 1;
      against = words[at];
      if (against === undefined) return undefined;
    } else if (word.startsWith('--')) return undefined;
    else files.push(word);
  }
  const [settings, transcript, ...more] = files;
  if (settings === undefined || transcript === undefined || more.length > 0) return undefined;
  return { settings, transcript, against, as };
}

export function explain(words: readonly string[]): number {
  const asked = readWords(words);
  return asked === undefined ? usage(2) : explainFiles(asked);
}

function explainFiles({ settings, transcript, against, as }: Words): number {
  const conversation = readConversation(transcript);
  if (!conversation.ok) return refuse(conversation.reason);
  const read = readTranscript(conversation.value);
  if (read.said.length === 0) return refuse(`${transcript}: no line of a client or a server is recognised in it`);
  const now = Date.now();
  const explained: Explanation[] = [];
  for (const file of against === undefined ? [settings] : [settings, against]) {
    const loaded = settingsIn(file);
    if (loaded === undefined) return 1;
    const one = explainConversation(loaded, read, now);
    if (one === undefined) return refuse(`${file}: there is no listener ${JSON.stringify(read.listener)}`);
    explained.push(one);
  }
  const [first, second] = explained as [Explanation, Explanation | undefined];
  if (as === 'json') {
    const shown = second === undefined ? asJson(first) : { first: asJson(first), second: asJson(second) };
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  } else process.stdout.write(second === undefined ? printAll(first, read.skipped) : printDifferences(first, second));
  return 0;
}

function asJson({ listener, client, server, lines }: Explanation): object {
  return { listener, client: client.text, server: server.text, lines };
}

function settingsIn(file: string): Settings | undefined {
  const loaded = loadSettings(file);
  if (loaded.ok) return loaded.value;
  for (const problem of loaded.reason) process.stderr.write(`${printProblem(problem)}\n`);
  return undefined;
}

function refuse(reason: string): number {
  process.stderr.write(`${reason}\n`);
  return 1;
}

function printAll({ listener, client, server, lines }: Explanation, skipped: number): string {
  const head = `# listener ${listener}, client ${client.text}, server ${server.text}\n`;
  const left = skipped === 0 ? '' : `# ${skipped} lines are neither a client's nor a server's, as far as can be told\n`;
  return `${head}${lines.map(printExplained).join('')}${left}`;
}

function printDifferences(first: Explanation, second: Explanation): string {
  let text = '';
  const count = Math.max(first.lines.length, second.lines.length);
  for (let index = 0; index < count; index += 1) {
    const [one, other] = [first.lines[index], second.lines[index]].map(printedOrOver);
    if (one !== other) text += `${prefixed('-', one!)}${prefixed('+', other!)}`;
  }
  return text === '' ? '# no line is treated otherwise\n' : text;
}

function printedOrOver(line: ExplainedLine | undefined): string {
  return line === undefined ? '       (the session is over)\n' : printExplained(line);
}

function prefixed(sign: string, text: string): string {
  return text.replace(/^/gm, sign).slice(0, -1);
}
