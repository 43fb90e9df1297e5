// What does a test file tell the runner while it runs? Each test as it begins and as it ends, over the channel
// between the two processes. It is a reporter of node:test, loaded into the process of the file beside the one that
// writes the log.

import type { TestEvent } from 'node:test/reporters';

/** What the runner hears. Suites are told like tests, since a hook of theirs may hang as well. */
export type Told =
  | { readonly kind: 'begun'; readonly name: string }
  | { readonly kind: 'ended'; readonly name: string; readonly outcome: Outcome };

/** Suites that have ended count for nothing by themselves. */
export type Outcome = 'passed' | 'failed' | 'skipped' | 'suite';

// A runner that was killed can end nobody: then the file ends by itself, as upon SIGTERM.
process.once('disconnect', () => process.exit(143));
// Listening alone must not keep a file from ending.
process.channel?.unref();

/** node:test wants the text for its destination; there is none. */
export default async function* tell(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const told = toldBy(event);
    if (told !== undefined) process.send?.(told);
  }
  yield '';
}

function toldBy({ type, data }: TestEvent): Told | undefined {
  switch (type) {
    case 'test:dequeue':
      return { kind: 'begun', name: data.name };
    case 'test:pass':
    case 'test:fail':
      return { kind: 'ended', name: data.name, outcome: outcomeOf(type, data) };
    default:
      return undefined;
  }
}

function outcomeOf(
  type: 'test:pass' | 'test:fail',
  { skip, details }: { readonly skip?: string | boolean; readonly details: { readonly type?: string } },
): Outcome {
  if (skip !== undefined && skip !== false) return 'skipped';
  if (details.type === 'suite') return 'suite';
  return type === 'test:pass' ? 'passed' : 'failed';
}
