import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AwaitedFromServer,
  type AwaitedReplies,
  awaitsLogin,
  certaintyOf,
  firstOwed,
  indexAnswered,
  isFull,
  isQuiet,
  withMarked,
  withOverdue,
  withoutAnswered,
} from '../../../src/session/awaited-replies.ts';
import type { SetUp, SetUpVerb } from '../../../src/session/expectation.ts';

type Awaited = AwaitedReplies[number];

const setUps = new Set(['PASV', 'EPSV', 'PORT', 'EPRT']);
const signs = { '?': 'doubtful', '!': 'overdue' } as const;

/**
 * `RETR ABOR?`: the verbs in the order in which they were sent; `ABOR?` is doubtful, `NOOP!` overdue, `RETR*` marked,
 * `502` is owed by us.
 */
function queue(text: string): Awaited[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word): Awaited => {
      if (/^\d/.test(word)) return { kind: 'gateway', code: Number(word), octets: new Uint8Array(0), sinceMs: 0 };
      const verb = word.replace(/[?!*]/g, '');
      const sign = word.at(-1) as keyof typeof signs;
      return {
        kind: 'server',
        asker: 'client',
        verb,
        way: undefined,
        setUp: setUps.has(verb) ? setUp(verb as SetUpVerb) : undefined,
        user: undefined,
        protection: undefined,
        progress: word.includes('*') ? 'marked' : 'asked',
        answer: signs[sign] ?? 'certain',
      };
    });
}

function setUp(verb: SetUpVerb): SetUp {
  return { asked: verb, target: undefined, toServer: verb };
}

function textOf(awaited: readonly Awaited[]): string {
  return awaited.map((entry) => (entry.kind === 'gateway' ? entry.code : wordOf(entry))).join(' ');
}

function wordOf({ verb, progress, answer }: AwaitedFromServer): string {
  const sign = answer === 'doubtful' ? '?' : answer === 'overdue' ? '!' : '';
  return `${verb}${progress === 'marked' ? '*' : ''}${sign}`;
}

describe('the entry that a final reply answers', () => {
  const table: [awaited: string, code: number, index: number | undefined, rest: string][] = [
    ['', 200, undefined, ''],
    ['NOOP', 200, 0, ''],
    ['NOOP CWD', 200, 0, 'CWD'],
    ['RETR* NOOP', 226, 0, 'NOOP'],
    // RFC 959 §4.1.3: STAT during a transfer is answered before the transfer is, and so is whatever else servers
    // answer.
    ['RETR* STAT', 211, 1, 'RETR*'],
    ['RETR* STAT', 200, 1, 'RETR*'],
    ['LIST* NOOP STAT', 213, 2, 'LIST* NOOP!'],
    ['RETR* STAT', 226, 0, 'STAT'],
    ['RETR* SIZE', 213, 1, 'RETR*'],
    ['RETR* NOOP', 200, 1, 'RETR*'],
    ['RETR* QUIT', 221, 1, 'RETR*'],
    ['RETR* NOOP', 451, 0, 'NOOP'],
    // Without a transfer replies keep the order.
    ['SIZE STAT', 213, 0, 'STAT'],
    ['FEAT 502 STAT', 211, 0, '502 STAT'],
    // A transfer alone is not ended by what only other commands are answered with.
    ['RETR*', 200, undefined, ''],
    ['RETR*', 257, undefined, ''],
    ['RETR*', 502, 0, ''],
    // An aborted transfer with two replies, with one, and with a server that knows no ABOR.
    ['RETR* ABOR?', 426, 0, 'ABOR?'],
    ['RETR* ABOR?', 502, 1, 'RETR*'],
    ['ABOR?', 226, 0, ''],
    ['ABOR? CWD', 226, 0, 'CWD'],
    ['ABOR? CWD', 250, 1, ''],
    ['ABOR? CWD', 550, 1, ''],
    ['ABOR? CWD NOOP', 250, 1, 'NOOP'],
    ['ABOR? ABOR? CWD', 250, 2, ''],
    ['ABOR? ABOR?', 226, 0, 'ABOR?'],
    // An ABOR without a transfer gets its answer, whatever it is.
    ['ABOR CWD', 502, 0, 'CWD'],
    // A lost reply does not cost the next one; what has been passed over twice is given up.
    ['NOOP PWD', 257, 1, 'NOOP!'],
    ['NOOP! PWD', 257, 1, ''],
    ['NOOP! CWD', 250, 1, ''],
    ['NOOP! CWD', 200, 0, 'CWD'],
    ['NOOP! CWD', 550, 1, ''],
    // A 227 or 229 answers nothing but the set-up that asked for it.
    ['NOOP PASV', 227, 1, 'NOOP!'],
    ['RETR* PASV', 227, 1, 'RETR*!'],
    ['RETR*! PASV', 229, 1, ''],
    ['NOOP! PASV', 200, 0, 'PASV'],
    ['PASV', 250, undefined, ''],
    ['PASV', 425, 0, ''],
    ['CWD', 226, undefined, ''],
    // Odd servers have codes of their own.
    ['PASS', 220, 0, ''],
    ['USER PASS', 215, 0, 'PASS'],
    ['PORT', 250, 0, ''],
  ];
  for (const [awaited, code, index, rest] of table)
    it(`${code} to [${awaited}] leaves [${index === undefined ? awaited : rest}]`, () => {
      assert.equal(indexAnswered(queue(awaited), code), index);
      if (index !== undefined) assert.equal(textOf(withoutAnswered(queue(awaited), index).awaited), rest);
    });
});

describe('a 1yz marks', () => {
  const table: [awaited: string, code: number, rest: string | undefined][] = [
    ['RETR', 150, 'RETR*'],
    ['NOOP RETR', 150, 'NOOP! RETR*'],
    ['ABOR? RETR', 150, 'RETR*'],
    ['RETR STAT', 125, 'RETR* STAT'],
    ['RETR* RETR', 150, 'RETR*! RETR*'],
    ['RETR*! RETR', 150, 'RETR*'],
    ['RETR*', 125, 'RETR*'],
    ['RETR', 120, undefined],
    ['NOOP', 150, undefined],
    ['PASV', 150, undefined],
  ];
  for (const [awaited, code, rest] of table)
    it(`${code} to [${awaited}]: [${rest}]`, () => {
      const index = indexAnswered(queue(awaited), code);
      assert.equal(index === undefined ? undefined : textOf(withMarked(queue(awaited), index).awaited), rest);
    });
});

it('what is given up is named', () => {
  const { givenUp } = withoutAnswered(queue('RETR*! PASV'), 1);
  assert.deepEqual(givenUp.map(wordOf), ['RETR*!']);
});

it('what was waited for in vain may still be answered, and counts no more', () => {
  assert.equal(textOf(withOverdue(queue('NOOP ABOR? 502 CWD'), 2)), 'NOOP! ABOR! 502 CWD');
  assert.equal(isFull(queue('NOOP! ABOR? 502 CWD'), 3), true);
  assert.equal(isFull(queue('NOOP! ABOR? 502 CWD'), 4), false);
  assert.equal(firstOwed(queue('NOOP! 502')), 1);
  assert.equal(firstOwed(queue('NOOP')), undefined);
});

describe('a set-up may go alone', () => {
  const table: [awaited: string, quiet: boolean][] = [
    ['', true],
    ['ABOR?', true],
    ['ABOR? NOOP!', true],
    ['ABOR', false],
    ['NOOP', false],
    ['502', false],
    ['ABOR? 502', false],
    ['RETR* ABOR?', false],
  ];
  for (const [awaited, quiet] of table)
    it(`behind [${awaited}]: ${quiet}`, () => {
      assert.equal(isQuiet(queue(awaited)), quiet);
    });
});

it('an ABOR is doubtful only where a transfer is under way', () => {
  assert.equal(certaintyOf('ABOR', queue('RETR')), 'doubtful');
  assert.equal(certaintyOf('ABOR', queue('MLSD NOOP')), 'doubtful');
  assert.equal(certaintyOf('ABOR', queue('ABOR?')), 'doubtful');
  assert.equal(certaintyOf('ABOR', queue('')), 'certain');
  assert.equal(certaintyOf('ABOR', queue('CWD 502')), 'certain');
  assert.equal(certaintyOf('STAT', queue('RETR')), 'certain');
});

it('a login is under way while one of its commands is unanswered', () => {
  assert.equal(awaitsLogin(queue('NOOP PASS')), true);
  assert.equal(awaitsLogin(queue('USER!')), false);
  assert.equal(awaitsLogin(queue('NOOP 502')), false);
});
