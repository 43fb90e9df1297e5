import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AwaitedReplies,
  certaintyOf,
  indexAnswered,
  isQuiet,
  waitsForDoubtful,
  withoutAnswered,
  withoutDoubtful,
  withoutPassedOver,
} from '../../../src/session/awaited-replies.ts';

/** `RETR ABOR?`: the verbs in the order in which they were sent; `ABOR?` may never be answered, `502` is owed by us. */
function queue(text: string): AwaitedReplies {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      if (/^\d/.test(word)) return { kind: 'gateway', code: Number(word), octets: new Uint8Array(0) };
      const answer = word.endsWith('?') ? 'doubtful' : 'certain';
      return { kind: 'server', verb: word.replace('?', ''), way: undefined, answer };
    });
}

function textOf(awaited: AwaitedReplies): string {
  return awaited
    .map((entry) => (entry.kind === 'gateway' ? entry.code : entry.verb + (entry.answer === 'doubtful' ? '?' : '')))
    .join(' ');
}

describe('the entry that a reply answers', () => {
  const table: [awaited: string, code: number, index: number | undefined, rest: string][] = [
    ['', 200, undefined, ''],
    ['NOOP', 200, 0, ''],
    ['NOOP CWD', 200, 0, 'CWD'],
    ['RETR NOOP', 226, 0, 'NOOP'],
    // RFC 959 §4.1.3: STAT during a transfer is answered before the transfer is.
    ['RETR STAT', 211, 1, 'RETR'],
    ['RETR STAT', 212, 1, 'RETR'],
    ['LIST NOOP STAT', 213, 2, 'LIST NOOP'],
    ['RETR STAT', 226, 0, 'STAT'],
    // 213 answers SIZE and MDTM, 211 answers FEAT: without a transfer in front replies keep the order.
    ['SIZE STAT', 213, 0, 'STAT'],
    ['FEAT 502 STAT', 211, 0, '502 STAT'],
    ['RETR SIZE', 213, 0, 'SIZE'],
    // An aborted transfer with two replies, and with one.
    ['RETR ABOR?', 426, 0, 'ABOR?'],
    ['ABOR?', 226, 0, ''],
    ['ABOR? CWD', 226, 0, 'CWD'],
    ['ABOR? CWD', 250, 1, ''],
    ['ABOR? CWD', 550, 1, ''],
    ['ABOR? CWD NOOP', 250, 1, 'NOOP'],
    ['ABOR? ABOR? CWD', 250, 2, ''],
    ['ABOR? ABOR?', 226, 0, 'ABOR?'],
    // An ABOR without a transfer gets its answer, whatever it is.
    ['ABOR CWD', 502, 0, 'CWD'],
  ];
  for (const [awaited, code, index, rest] of table)
    it(`${code} to [${awaited}] leaves [${rest}]`, () => {
      assert.equal(indexAnswered(queue(awaited), code), index);
      if (index !== undefined) assert.equal(textOf(withoutAnswered(queue(awaited), index)), rest);
    });
});

it('a 1yz to the command behind a doubtful ABOR gives the ABOR up', () => {
  assert.equal(textOf(withoutPassedOver(queue('ABOR? RETR'), 1)), 'RETR');
  assert.equal(textOf(withoutPassedOver(queue('RETR STAT'), 1)), 'RETR STAT');
  assert.equal(textOf(withoutPassedOver(queue('RETR ABOR?'), 0)), 'RETR ABOR?');
});

describe('a set-up may go alone', () => {
  const table: [awaited: string, quiet: boolean][] = [
    ['', true],
    ['ABOR?', true],
    ['ABOR? ABOR?', true],
    ['ABOR', false],
    ['NOOP', false],
    ['502', false],
    ['ABOR? 502', false],
    ['RETR ABOR?', false],
  ];
  for (const [awaited, quiet] of table)
    it(`behind [${awaited}]: ${quiet}`, () => {
      assert.equal(isQuiet(queue(awaited)), quiet);
    });
});

describe('an ABOR is doubtful', () => {
  it('only where a transfer is under way', () => {
    assert.equal(certaintyOf('ABOR', queue('RETR')), 'doubtful');
    assert.equal(certaintyOf('ABOR', queue('MLSD NOOP')), 'doubtful');
    assert.equal(certaintyOf('ABOR', queue('ABOR?')), 'doubtful');
    assert.equal(certaintyOf('ABOR', queue('')), 'certain');
    assert.equal(certaintyOf('ABOR', queue('CWD 502')), 'certain');
    assert.equal(certaintyOf('STAT', queue('RETR')), 'certain');
  });

  it('and holds up a reply of the gateway only from the head of the order', () => {
    assert.equal(waitsForDoubtful(queue('ABOR? 502')), true);
    assert.equal(waitsForDoubtful(queue('ABOR? ABOR? 502')), true);
    assert.equal(textOf(withoutDoubtful(queue('ABOR? ABOR? 502 NOOP'))), '502 NOOP');
    assert.equal(waitsForDoubtful(queue('ABOR? NOOP')), false);
    assert.equal(waitsForDoubtful(queue('ABOR?')), false);
    assert.equal(waitsForDoubtful(queue('RETR ABOR? 502')), false);
    assert.equal(waitsForDoubtful(queue('ABOR 502')), false);
  });
});
