import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defaultLimits } from '../../../src/session/limits.ts';

it('every default is a bound: whole, positive, finite', () => {
  for (const [name, bound] of Object.entries(defaultLimits)) assert.ok(Number.isSafeInteger(bound) && bound > 0, name);
});

it('a line may hold the longest path name of Linux (4,096 octets less its NUL, minus what RETR and CR LF take)', () => {
  assert.ok(defaultLimits.lineOctetsMax >= 'RETR '.length + 4_000 + 2);
});

// RFC 1123 §4.1.3.2: an idle timeout of a server should be at least 5 minutes.
it('idle sessions live for at least 5 minutes', () => assert.ok(defaultLimits.idleTimeoutMs >= 300_000));

it('the dial has run out before the greeting has, or its own message would never be told', () => {
  assert.ok(defaultLimits.connectTimeoutMs < defaultLimits.greetingTimeoutMs);
});

it('a way that nobody uses is gone before its session counts as idle', () => {
  assert.ok(defaultLimits.expectationTimeoutMs < defaultLimits.idleTimeoutMs);
});

it('a reply of the longest lines is bounded by its octets, one of short lines by their number', () => {
  const { lineOctetsMax, replyLinesMax, replyOctetsMax } = defaultLimits;
  assert.ok(replyLinesMax * lineOctetsMax > replyOctetsMax);
  assert.ok(replyLinesMax * '1\r\n'.length < replyOctetsMax);
});
