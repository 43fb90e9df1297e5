#!/usr/bin/env node
// The executable: which subcommand, which signals, which exit code. No logic of its own.

import { cert } from './command/cert.ts';
import { check } from './command/check.ts';
import { demo } from './command/demo.ts';
import { listEvents } from './command/events.ts';
import { explain } from './command/explain.ts';
import { pinholes } from './command/pinholes.ts';
import { rules } from './command/rules.ts';
import { run } from './command/run.ts';
import { usage, version } from './command/usage.ts';

const [command, ...rest] = process.argv.slice(2);

async function main(): Promise<number> {
  switch (command) {
    case undefined:
      return demo();
    case 'run': {
      const [file, ...more] = rest.filter((word) => word !== '--no-install');
      if (file === undefined || more.length > 0) return usage(2);
      return run(file, rest.includes('--no-install') ? 'loaded-by-operator' : 'installed');
    }
    case 'check':
      return rest.length === 1 ? check(rest[0]!) : usage(2);
    case 'cert':
      return cert(rest);
    case 'pinholes': {
      const [file, ...more] = rest.filter((word) => word !== '--json');
      if (file === undefined || more.length > 0) return usage(2);
      return pinholes(file, rest.includes('--json') ? 'json' : 'table');
    }
    case 'events':
      return listEvents(rest);
    case 'explain':
      return explain(rest);
    case 'rules':
      return rest.length === 1 ? rules(rest[0]!) : usage(2);
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
