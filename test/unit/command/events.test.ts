// Does the page of events say what the program says?

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { events } from '../../../src/observe/events.ts';

const root = join(import.meta.dirname, '../../..');

function portcullis(...words: string[]) {
  return spawnSync(process.execPath, ['--import', 'tsx', join(root, 'src/main.ts'), ...words], { encoding: 'utf8' });
}

test('deploy/events.md is what portcullis events --markdown prints', () => {
  const { status, stdout } = portcullis('events', '--markdown');
  assert.equal(status, 0);
  assert.equal(stdout, readFileSync(join(root, 'deploy/events.md'), 'utf8'));
});

test('every event stands in the list for people, and in that for programs', () => {
  const text = portcullis('events').stdout;
  for (const [event, { advice }] of Object.entries(events)) {
    assert.ok(text.includes(`${event} (`), event);
    assert.ok(text.includes(advice), advice);
  }
  const list: unknown = JSON.parse(portcullis('events', '--json').stdout);
  assert.ok(Array.isArray(list) && list.length === Object.keys(events).length);
});

test('a word that is not understood ends with 2', () => assert.equal(portcullis('events', '--yaml').status, 2));
