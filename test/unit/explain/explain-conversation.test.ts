import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { explainConversation } from '../../../src/explain/explain-conversation.ts';
import { type ExplainedLine, printExplained } from '../../../src/explain/print-explained.ts';
import { readTranscript } from '../../../src/explain/read-transcript.ts';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import { printProblem } from '../../../src/yaml/problem.ts';

const root = join(import.meta.dirname, '../../..');
const trader = readFileSync(join(root, 'test/fixtures/conversations/trader.txt'), 'latin1');

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-explain-'));
});
after(() => rmSync(folder, { recursive: true }));

function explained(conversation: string, rules: string, more = ''): readonly ExplainedLine[] {
  const file = join(folder, 'settings.yaml');
  writeFileSync(
    file,
    `listeners:
  - { name: front, mode: reverse, listen: 0.0.0.0:21, upstream: 10.0.0.5:21, advertise: 203.0.113.10${more} }
rules: ${join(root, 'rules', rules)}.yaml
`,
  );
  const loaded = loadSettings(file);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.reason.map(printProblem).join('\n'));
  const explanation = explainConversation(loaded.value, readTranscript(conversation), Date.UTC(2026, 0, 5, 12));
  assert.ok(explanation !== undefined);
  return explanation.lines;
}

const printed = (...words: Parameters<typeof explained>): string =>
  explained(...words)
    .map(printExplained)
    .join('');

describe('a conversation is explained', () => {
  it('by the rules that decide, with what either side reads', () => {
    assert.equal(
      printed(trader, 'anonymous-dropbox'),
      `    2  server  220 ok  (passes)
    3  client  USER ftp  (passes)
    4  server  331 pw  (passes)
    5  client  PASS ****  (passes)
    6  server  230 in  (passes)
    7  client  CWD /incoming  (passes)
    8  server  250 ok  (passes)
    9  client  EPSV  (passes)
   10  server  229 Entering Extended Passive Mode (|||31000|)
               to the client: 229 Entering Extended Passive Mode (|||50000|)
   11  client  RETR treasure.zip
               refused by incoming-is-blind: a drop box that shows its files is used to trade them
               to the server: PWD
               to the client: 550 What is here can be delivered, but not seen.
   12  server  150 go
               would not be said: the server would not have heard the command
   13  server  226 done
               would not be said: the server would not have heard the command
   14  client  PASV  (passes)
   15  server  227 Entering Passive Mode (10,0,0,5,120,1).
               to the client: 227 Entering Passive Mode (203,0,113,10,195,81)
   16  client  STOR new.zip
               granted by incoming-takes-files: rule incoming-takes-files says so
   17  server  150 go  (passes)
   18  server  226 done  (passes)
   19  client  SIZE ../pub/readme  (passes)
   20  server  213 12  (passes)
   21  client  QUIT  (passes)
   22  server  221 bye  (passes)
`,
    );
  });

  it('a bounce, and a session that ends', () => {
    const text = printed(
      '# client: 198.51.100.7\nUSER a\n230 in\nPORT 10,9,9,9,0,25\nGET / HTTP/1.1\nNOOP\n',
      'legacy',
    );
    assert.match(text, /refused by dataConnections\.fxp: PORT 10\.9\.9\.9:25: the client at 198\.51\.100\.7 named/);
    assert.match(text, /to the client: 501 PORT refused/);
    const closed = printed(`220 ok\nUSER ${'a'.repeat(100)}\n331 pw\n`, 'strict');
    assert.match(closed, /the session ends: rule short-names-of-users: no name of a user is so long/);
    assert.doesNotMatch(closed, /331/);
  });

  it('under TLS as in the clear', () => {
    const pair = ', tls: { client: { mode: off } }';
    assert.match(printed('AUTH TLS\n234 go\n', 'default', pair), /refused: AUTH: TLS is not offered by the gateway/);
  });

  it('and a listener that is not there is told', () => {
    const loaded = loadSettings(join(folder, 'settings.yaml'));
    assert.ok(loaded.ok);
    assert.equal(explainConversation(loaded.value, readTranscript('# listener: other\nNOOP\n'), 0), undefined);
  });
});
