import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint } from '../../../src/address/endpoint.ts';
import { type AuditedSession, writeAudit } from '../../../src/observe/audit.ts';
import { createLog } from '../../../src/observe/log.ts';
import type { TransferRecord } from '../../../src/session/action.ts';
import type { LogLevel } from '../../../src/settings/settings.ts';

const at = (text: string, port: number): Endpoint => ({ address: { family: text.includes(':') ? 6 : 4, text }, port });

const session: AuditedSession = {
  session: 'a1',
  listener: 'front',
  client: '198.51.100.7:40001',
  server: '[2001:db8::5]:21',
};

const download: TransferRecord = {
  way: 2,
  user: 'ann',
  verb: 'RETR',
  path: 'pub/a b.txt',
  direction: 'download',
  outcome: 'completed',
  reason: 'both legs ended cleanly',
  replyCode: 226,
  octetsToClient: 1024,
  octetsToServer: 0,
  durationMs: 12.5,
  clientPeer: at('198.51.100.7', 40_002),
  serverPeer: at('2001:db8::5', 50_123),
  plane: 'relay',
};

function written(record: TransferRecord, level: LogLevel = 'info'): string {
  let lines = '';
  writeAudit(createLog({ level, write: (line) => (lines += line) }), session, record);
  return lines;
}

test('a transfer is one line with these fields and no others, in this order', () => {
  const lines = written(download);
  assert.equal(lines.indexOf('\n'), lines.length - 1);
  const { time, ...rest } = JSON.parse(lines);
  assert.equal(
    JSON.stringify(rest),
    JSON.stringify({
      level: 'info',
      session: 'a1',
      listener: 'front',
      way: 2,
      user: 'ann',
      verb: 'RETR',
      path: 'pub/a b.txt',
      direction: 'download',
      outcome: 'completed',
      reason: 'both legs ended cleanly',
      replyCode: 226,
      octetsToClient: 1024,
      octetsToServer: 0,
      durationMs: 12.5,
      client: '198.51.100.7:40001',
      server: '[2001:db8::5]:21',
      clientDataPeer: '198.51.100.7:40002',
      serverDataPeer: '[2001:db8::5]:50123',
      plane: 'relay',
      msg: 'transfer',
    }),
  );
  assert.ok(Date.parse(time) > 0);
});

test('what is unknown is null, not absent', () => {
  const unused = { ...download, user: undefined, replyCode: undefined, clientPeer: undefined, serverPeer: undefined };
  const line = JSON.parse(written({ ...unused, outcome: 'expired' }));
  for (const field of ['user', 'replyCode', 'clientDataPeer', 'serverDataPeer']) assert.equal(line[field], null, field);
  assert.equal(line.outcome, 'expired');
});

test('fields that a caller has besides are not published', () => {
  const more = { ...download, password: 'hunter2', id: 'a1' };
  const line = JSON.parse(written(more));
  assert.ok(!('password' in line) && !('id' in line));
});

test('a level above info writes no audit', () => {
  assert.equal(written(download, 'warn'), '');
});
