// Every conversation of this folder's *.txt against the session core.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { playConversation, readTranscript } from '../support/transcript.ts';

const folder = new URL('.', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
assert.ok(files.length > 0, 'there are transcripts');

for (const file of files.sort())
  describe(file, () => {
    const conversations = readTranscript(readFileSync(new URL(file, folder), 'utf8'));
    assert.ok(conversations.length > 0, `${file} has conversations`);
    for (const conversation of conversations) it(conversation.title, () => playConversation(conversation));
  });
