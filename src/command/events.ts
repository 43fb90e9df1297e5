// `portcullis events`: which events the log tells of, for reading, for programs (`--json`), and as the page
// deploy/events.md (`--markdown`).

import { type EventId, events } from '../observe/events.ts';
import { usage } from './usage.ts';

export function listEvents(words: readonly string[]): number {
  const [form, ...more] = words;
  if (more.length > 0) return usage(2);
  const print =
    form === undefined ? asText : form === '--json' ? asJson : form === '--markdown' ? asMarkdown : undefined;
  if (print === undefined) return usage(2);
  process.stdout.write(print());
  return 0;
}

const all = Object.entries(events).map(([id, info]) => ({ event: id as EventId, ...info }));

function asText(): string {
  return all
    .map(
      ({ event, level, text, meaning, done, advice }) =>
        `${event} (${level}): ${text}\n  what it says        ${meaning}\n  what was done       ${done}\n` +
        `  what you may do     ${advice}\n`,
    )
    .join('\n');
}

function asJson(): string {
  return `${JSON.stringify(all, undefined, 2)}\n`;
}

function asMarkdown(): string {
  const sections = all.map(
    ({ event, level, text, meaning, done, advice }) =>
      `\n## \`${event}\`\n\n\`${level}\`, \`"msg":"${text}"\`\n\n` +
      `- What it says: ${meaning}.\n- What was done: ${done}.\n- What you may do: ${advice}.\n`,
  );
  return `${head}${sections.join('')}`;
}

const head = `# Events of the log

Each line of the log carries one of these as \`event\`, whose name never changes; \`portcullis events\` prints the list.
Each transfer has a line besides, with \`"msg":"transfer"\` and fixed fields (\`src/observe/audit.ts\`).
Made by \`portcullis events --markdown\`, and held against it by a test.
`;
