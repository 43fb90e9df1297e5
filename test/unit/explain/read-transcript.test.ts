// Conversations as real programs print them, kept from sessions with the sample server.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readTranscript } from '../../../src/explain/read-transcript.ts';

const kept = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../fixtures/conversations', name), 'latin1');
const commandsOf = (text: string): string[] =>
  readTranscript(text)
    .said.filter(({ from }) => from === 'client')
    .map((said) => said.text);
const codesOf = (text: string): string[] =>
  readTranscript(text)
    .said.filter(({ from, text: said }) => from === 'server' && /^\d{3}/.test(said))
    .map((said) => said.text.slice(0, 3));

describe('the log of', () => {
  for (const [name, commands, codes] of [
    [
      'curl.txt',
      ['USER anonymous', 'PASS ftp@example.com', 'PWD', 'EPSV', 'TYPE I', 'SIZE welcome.txt'],
      ['220', '331', '230', '257', '229', '200', '550'],
    ],
    [
      'lftp.txt',
      [...['FEAT', 'AUTH TLS', 'OPTS UTF8 ON', 'USER anonymous', 'PASS x', 'PWD', 'PASV', 'LIST', 'QUIT']],
      ['220', '211', '211', '502', '200', '331', '230', '257', '227', '150', '226', '221'],
    ],
    [
      'ftplib.txt',
      ['USER anonymous', 'PASS **********', 'CWD /', 'TYPE A', 'PASV', 'NLST', 'QUIT'],
      ['220', '331', '230', '250', '200', '227', '150', '226', '221'],
    ],
    [
      'tshark-follow.txt',
      ['USER anonymous', 'PASS ftp@example.com', 'PWD', 'EPSV', 'TYPE I', 'SIZE welcome.txt', 'QUIT'],
      ['220', '331', '230', '257', '229', '200', '550', '221'],
    ],
  ] as const) {
    it(name, () => {
      assert.deepEqual(commandsOf(kept(name)), commands);
      assert.deepEqual(codesOf(kept(name)), codes);
    });
  }
});

describe('a conversation', () => {
  it('may say who its peers are, and under which listener it is', () => {
    const read = readTranscript('# client: 198.51.100.7\n# server: 2001:db8::5\n# listener: inside\nUSER anna\n');
    assert.deepEqual([read.client?.text, read.server?.text, read.listener], ['198.51.100.7', '2001:db8::5', 'inside']);
    assert.deepEqual(read.said, [{ line: 4, from: 'client', text: 'USER anna' }]);
    assert.equal(readTranscript(kept('tshark-follow.txt')).client?.text, '127.0.0.1');
  });

  it('holds replies of several lines, whatever stands in them', () => {
    const { said } = readTranscript('211-Features\n EPSV\nQUIT is text here\n211 End\nQUIT\n');
    assert.deepEqual(
      said.map(({ from }) => from),
      ['server', 'server', 'server', 'server', 'client'],
    );
  });

  it('takes no line of a listing for a command where commands are marked', () => {
    assert.deepEqual(commandsOf('---> LIST\nLIST of things\nstat.txt\n'), ['LIST']);
  });

  it('tells how many lines are nobody’s', () => {
    assert.equal(readTranscript('hello\n> NOOP\n\n* note\n').skipped, 2);
  });
});
