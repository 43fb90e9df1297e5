// Where names lead, in every way in which servers are known to read them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { directoryIn } from '../../../src/wire/directory-reply.ts';
import { pathArgument, siteCommand } from '../../../src/wire/path-argument.ts';
import { readingsOf } from '../../../src/wire/path-readings.ts';

const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

function read(name: Uint8Array, directory = '/home/anna'): string[] {
  return readingsOf(name, octets(directory)).map((segments) => `/${segments.join('/')}`);
}

describe('a name', () => {
  for (const [name, ...readings] of [
    ['file', '/home/anna/file'],
    ['', '/home/anna'],
    ['.', '/home/anna'],
    ['..', '/home'],
    ['../../../../etc/passwd', '/etc/passwd'],
    ['/pub//a/./b/', '/pub/a/b'],
    ['/pub/../secret', '/secret'],
    ['a b ', '/home/anna/a b ', '/home/anna/a b'],
    ['..\\secret', '/home/anna/..\\secret', '/home/secret'],
    ['\\secret\\x', '/home/anna/\\secret\\x', '/secret/x'],
    ['/pub/x.exe.', '/pub/x.exe.', '/pub/x.exe'],
    ['/pub/x.exe::$DATA', '/pub/x.exe::$DATA', '/pub/x.exe'],
    ['...', '/home/anna/...'],
  ] as const) {
    it(JSON.stringify(name), () => assert.deepEqual(read(octets(name)), readings));
  }

  it('is read as UTF-8, composed, and as Latin-1', () => {
    assert.deepEqual(read(utf8('/ä')), ['/ä', '/Ã¤']);
    assert.deepEqual(read(utf8('/a\u0308')), ['/ä', '/aÌ\u0088']);
    assert.deepEqual(read(octets('/\xe4')), ['/ä']);
  });
});

describe('the argument of', () => {
  const named = (verb: string, argument: string): string[] | string => {
    const found = pathArgument(verb, octets(argument), true);
    if (found.kind === 'named') return found.names.map((name) => Buffer.from(name).toString('latin1'));
    return found.kind === 'none' ? 'none' : found.reason;
  };
  for (const [verb, argument, expected] of [
    ['RETR', 'a b', ['a b']],
    ['CDUP', '', ['..']],
    ['LIST', '', ['']],
    ['LIST', '-la', ['']],
    ['LIST', '-l -a  sub', [' sub']],
    ['LIST', '-lR', 'not known: a listing of all below'],
    ['LIST', '--recursive /', 'not known: a listing of all below'],
    ['NLST', '*.txt', 'not known: a listing by wildcards'],
    ['STAT', '', 'none'],
    ['STAT', 'sub', ['sub']],
    ['RETR', '~root/x', 'not known: a home folder'],
    ['RETR', '*', ['*']],
    ['MDTM', '20260101000000 file', ['20260101000000 file', 'file']],
    ['MFMT', '20260101000000 file', ['file']],
    ['MFMT', 'file', 'not known: an argument of one word'],
    ['XCRC', '"a b" 0 10', ['"a b" 0 10', 'a b']],
    ['XCRC', 'a 0 10', ['a 0 10', 'a 0', 'a']],
    ['COMB', 'a b', 'not known: several names in one command'],
    ['SITE', 'CHMOD 644 file', ['file']],
    ['SITE', 'cpfr a', ['a']],
    ['SITE', 'UMASK 077', 'none'],
    ['SITE', 'GRPADD a', 'not known: what SITE GRPADD names'],
    ['NOOP', 'x', 'none'],
  ] as const) {
    it(`${verb} ${argument}`, () => assert.deepEqual(named(verb, argument), expected));
  }

  it('a verb that nobody knows cannot be told', () => {
    assert.equal(pathArgument('XYZZY', octets('a'), false).kind, 'unclear');
    assert.equal(pathArgument('XYZZY', octets(''), false).kind, 'none');
    // What every object has by birth is no verb.
    assert.equal(pathArgument('CONSTRUCTOR', octets('a'), true).kind, 'none');
    assert.equal(pathArgument('toString', octets('a'), true).kind, 'none');
  });

  it('SITE begins with its own command', () => {
    assert.equal(siteCommand(octets('  chmod 777 x')), 'CHMOD');
    assert.equal(siteCommand(octets('')), undefined);
  });
});

describe('a 257', () => {
  for (const [text, expected] of [
    ['"/home/anna" is current', '/home/anna'],
    ['"/a""b" is current', '/a"b'],
    ['"/"', '/'],
    ['/home/anna is current', undefined],
    ['"/open', undefined],
    [`"'USER.DATA.'" is the working directory`, undefined],
    ['', undefined],
  ] as const) {
    it(JSON.stringify(text), () => {
      const found = directoryIn(octets(text));
      assert.equal(found === undefined ? undefined : Buffer.from(found).toString('latin1'), expected);
    });
  }
});
