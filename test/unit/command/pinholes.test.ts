import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printWays } from '../../../src/command/printed-ways.ts';
import { wayEntry } from '../observe/way-entries.ts';

const nowMs = Date.parse('2026-01-02T03:14:05.000Z');

test('a table for a terminal: columns stand under their headings, numbers to the right', () => {
  const expected = wayEntry({ openedAt: '2026-01-02T03:14:00.000Z' });
  const ended = wayEntry({
    way: 12,
    asked: 'PORT',
    toServer: 'PASV',
    plane: 'kernel',
    clientLeg: { mode: 'dial', local: '203.0.113.10', remote: '192.0.2.7:5000', admits: [] },
    serverLeg: { mode: 'listen', local: '10.0.0.1:50001', remote: '10.0.0.5:20', admits: ['10.0.0.5'] },
    state: 'completed',
    reason: 'both ends closed',
    endedAt: '2026-01-02T03:04:06.000Z',
    octetsToClient: 1_234_567,
    octetsToServer: 0,
  });
  assert.equal(
    printWays([expected, ended], nowMs),
    [
      [
        'OPENED      STATE      ENDED      CLIENT           ASKED         CLIENT LEG                       ',
        'SERVER LEG                     PLANE   TO CLIENT  TO SERVER  LISTENER  SESSION/WAY  REASON',
      ],
      [
        '5 s ago     open       -          192.0.2.7:40000  PASV          192.0.2.7 -> 203.0.113.10:50000  ',
        '* -> 10.0.0.5:20020            relay           -          -  front     0-1/1        -',
      ],
      [
        '10 min ago  completed  9 min ago  192.0.2.7:40000  PORT as PASV  203.0.113.10 -> 192.0.2.7:5000   ',
        '10.0.0.5:20 -> 10.0.0.1:50001  kernel  1,234,567          0  front     0-1/12       both ends closed',
      ],
      [''],
    ]
      .map((halves) => halves.join(''))
      .join('\n'),
  );
});

test('nothing to list is a sentence', () => {
  assert.match(printWays([], nowMs), /^No data connection .*\n$/);
});

test('times of any distance, and of a gateway whose clock is ahead', () => {
  const opened = (openedAt: string) =>
    printWays([wayEntry({ openedAt })], nowMs)
      .split('\n')[1]
      ?.split('  ')[0];
  assert.equal(opened('2026-01-02T03:14:06.000Z'), '0 s ago');
  assert.equal(opened('2026-01-02T03:12:05.001Z'), '119 s ago');
  assert.equal(opened('2026-01-02T01:13:05.000Z'), '2 h ago');
  assert.equal(opened('2025-12-25T03:14:05.000Z'), '8 d ago');
});

test('nothing that comes from the admin address gives orders to the terminal', () => {
  assert.ok(printWays([wayEntry({ reason: 'a\u001b[2Jb\u009bc\nd' })], nowMs).includes('a?[2Jb?c?d'));
});
