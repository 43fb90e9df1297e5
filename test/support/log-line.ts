// Has the gateway logged it? Lines leave an engine a moment after the reply, so a test waits for the line that it
// needs.

import type { RunningProgram } from './process.ts';

export type LogLine = Record<string, unknown>;

/**
 * Resolves with the first line that has all these fields; rejects when none comes. A RegExp is held against a value's
 * JSON.
 */
export async function loggedLine(program: RunningProgram, fields: Readonly<LogLine>): Promise<LogLine> {
  const each = Object.entries(fields).map(([key, value]) => {
    const text = value instanceof RegExp ? value.source : literally(JSON.stringify(value));
    return `(?=[^\\n]*"${literally(key)}":${text}[,}])`;
  });
  const [line] = await program.printed(new RegExp(`^\\{${each.join('')}[^\\n]*\\}$`, 'm'));
  return JSON.parse(line);
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
