// How does the result of the matrix read? One row per client and operation, one column per server, and in each cell the
// set-up commands with which it worked.

import { type DataMode, dataModes, type RealClient, setupVerb } from './clients/client.ts';

export interface Outcome {
  readonly server: string;
  readonly client: string;
  readonly mode: DataMode;
  readonly operation: string;
  readonly passed: boolean;
}

/** Markdown. Of several outcomes for one place the last counts; a place without any was not run or cannot be. */
export function matrixTable(
  clients: readonly RealClient[],
  servers: readonly string[],
  operations: readonly string[],
  outcomes: readonly Outcome[],
): string {
  const head = ['client', 'operation', ...servers];
  const rows = clients.flatMap((client) =>
    operations.map((operation) => [
      client.name,
      operation,
      ...servers.map((server) => {
        const here = (outcome: Outcome): boolean =>
          outcome.server === server && outcome.client === client.name && outcome.operation === operation;
        return cellText(outcomes.filter(here));
      }),
    ]),
  );
  const notes = clients
    .filter(({ otherModes }) => otherModes !== '')
    .map(({ name, otherModes }) => `- ${name} ${otherModes}.`);
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `${lines.join('\n')}\n\n${notes.join('\n')}\n`;
}

function cellText(outcomes: readonly Outcome[]): string {
  const words = dataModes.flatMap((mode) => {
    const last = outcomes.findLast((outcome) => outcome.mode === mode);
    if (last === undefined) return [];
    return [last.passed ? setupVerb[mode] : `**${setupVerb[mode]} failed**`];
  });
  return words.length === 0 ? 'not in this client' : words.join(' ');
}
