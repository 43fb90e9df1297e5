#!/usr/bin/env node
// The executable: which subcommand, which signals, which exit code. No logic of its own.

import { check } from './command/check.ts';
import { demo } from './command/demo.ts';
import { run } from './command/run.ts';
import { usage, version } from './command/usage.ts';

const [command, ...rest] = process.argv.slice(2);

async function main(): Promise<number> {
  switch (command) {
    case undefined:
      return demo();
    case 'run':
      return rest.length === 1 ? run(rest[0]!) : usage(2);
    case 'check':
      return rest.length === 1 ? check(rest[0]!) : usage(2);
    case 'version':
    case '--version':
      return version();
    case 'help':
    case '--help':
    case '-h':
      return usage(0);
    default:
      return usage(2);
  }
}

process.exitCode = await main();
