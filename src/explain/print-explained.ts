// What the gateway does with each line of a conversation, for people and for programs.

import { defaultRule } from '../policy/decide-access.ts';
import type { SessionRecord } from '../session/action.ts';
import { lookupVerb } from '../wire/verbs.ts';
import type { Explained } from './rehearsal.ts';

/** One decision about a line. */
interface Decided {
  readonly decision: 'granted' | 'refused' | 'reported' | 'replaced' | 'session-ends' | 'unsaid';
  readonly rule: string | undefined;
  readonly reason: string;
}

/** A line and all that follows from it, as `--json` gives it. */
export interface ExplainedLine {
  readonly line: number;
  readonly from: 'client' | 'server';
  readonly text: string;
  readonly decisions: readonly Decided[];
  /** What each side reads then. */
  readonly toClient: readonly string[];
  readonly toServer: readonly string[];
}

export function explainedLine({ line, from, text, said, records, sent }: Explained): ExplainedLine {
  const readBy = (to: 'client' | 'server') => sent.filter((one) => one.to === to).map((one) => withoutSecret(one.text));
  return {
    line,
    from,
    text: from === 'client' ? withoutSecret(text) : text,
    decisions: said === 'unsaid' ? [unsaid] : records.flatMap(decidedBy),
    toClient: readBy('client'),
    toServer: readBy('server'),
  };
}

/** Several lines of text; what passes as it came is said in one word. */
export function printExplained(explained: ExplainedLine): string {
  const { line, from, text, decisions, toClient, toServer } = explained;
  const [here, there] = from === 'client' ? [toClient, toServer] : [toServer, toClient];
  const other = from === 'client' ? 'server' : 'client';
  // That nothing is against it goes without saying.
  const notes = decisions.filter((one) => !isUsual(one)).map(printDecided);
  const passes = there.length === 1 && there[0] === text;
  if (!passes) notes.push(...there.map((one) => `to the ${other}: ${one}`));
  notes.push(...here.map((one) => `to the ${from}: ${one}`));
  if (there.length === 0 && here.length === 0 && notes.length === 0) notes.push(silence[from]);
  const head = `${String(line).padStart(5)}  ${from}  ${text}`;
  const tail = passes && notes.length === 0 ? '  (passes)' : '';
  return `${head}${tail}\n${notes.map((note) => `${' '.repeat(15)}${note}\n`).join('')}`;
}

function isUsual({ decision, rule }: Decided): boolean {
  return decision === 'granted' && rule === defaultRule;
}

const silence = { client: 'waits', server: 'is not passed on' } as const;

function printDecided({ decision, rule, reason }: Decided): string {
  const by = rule === undefined ? '' : ` by ${rule}`;
  return `${words[decision]}${by}: ${reason}`;
}

const words: Readonly<Record<Decided['decision'], string>> = {
  granted: 'granted',
  refused: 'refused',
  reported: 'would be denied',
  replaced: 'address replaced',
  'session-ends': 'the session ends',
  unsaid: 'would not be said',
};

const unsaid: Decided = { decision: 'unsaid', rule: undefined, reason: 'the server would not have heard the command' };

function decidedBy(record: SessionRecord): Decided[] {
  switch (record.kind) {
    case 'granted':
    case 'reported':
      return [{ decision: record.kind, rule: record.rule, reason: record.reason }];
    case 'refusal':
      return [{ decision: 'refused', rule: record.rule, reason: record.reason }];
    case 'replaced':
      return [{ decision: 'replaced', rule: undefined, reason: record.reason }];
    case 'foreign-protocol':
      return [{ decision: 'refused', rule: undefined, reason: `this is ${record.protocol} and no FTP` }];
    case 'session-ended':
      return [{ decision: 'session-ends', rule: undefined, reason: record.reason }];
    default:
      return [];
  }
}

/** Passwords are shown to nobody, here neither. */
function withoutSecret(text: string): string {
  const [, verb = ''] = /^(\S+) /.exec(text) ?? [];
  const isSecret = lookupVerb(verb.toUpperCase())?.secretArgument === true && verb.toUpperCase() !== 'SITE';
  return isSecret ? `${verb} ****` : text;
}
