// What was asked for on the command line?

import { parseArgs } from 'node:util';
import { CannotRun } from './cannot-run.ts';
import { type TargetName, targetNames } from './targets.ts';

export interface Options {
  readonly rounds: number;
  /** Length of a measured window. */
  readonly seconds: number;
  /** Rows whose id matches are run. */
  readonly rows: RegExp;
  readonly targets: readonly TargetName[];
  /** Folder for results.json and results.md. */
  readonly out: string;
}

export const usage = `usage: npm run bench -- [options]
  --rounds N        interleaved rounds; a figure is the median over them (3)
  --seconds S       length of a measured window (2)
  --rows REGEX      only rows whose id matches, for example 'retr|small_16$' (all)
  --targets LIST    of ${targetNames.join(',')} (all)
  --out FOLDER      where results.json and results.md go (.cache/bench)
`;

/** Throws CannotRun with the usage for anything that is not understood; undefined when help was asked for. */
export function parseOptions(argv: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({ args: [...argv], options: flags });
    if (values.help) return undefined;
    return {
      rounds: parsePositive('rounds', values.rounds),
      seconds: parsePositive('seconds', values.seconds),
      rows: new RegExp(values.rows),
      targets: values.targets.split(',').map(parseTarget),
      out: values.out,
    };
  } catch (error) {
    throw new CannotRun(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

const flags = {
  rounds: { type: 'string', default: '3' },
  seconds: { type: 'string', default: '2' },
  rows: { type: 'string', default: '' },
  targets: { type: 'string', default: targetNames.join(',') },
  out: { type: 'string', default: '.cache/bench' },
  help: { type: 'boolean', default: false },
} as const;

function parsePositive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 10_000)) throw new Error(`--${name} is a number above 0, not ${text}`);
  return value;
}

function parseTarget(text: string): TargetName {
  const target = targetNames.find((name) => name === text);
  if (target === undefined) throw new Error(`--targets knows ${targetNames.join(', ')}, not ${text}`);
  return target;
}
