// How does a program run as a service of systemd does, without systemd: as nobody, with some capabilities and no way to
// more? setpriv(1), capabilities(7).

import { readFile } from 'node:fs/promises';

const nobody = 65_534;

/** The command that runs `words` so; `capabilities` as in a unit, such as CAP_NET_ADMIN. */
export function unprivileged(capabilities: readonly string[], words: readonly string[]): [string, string[]] {
  const only = ['-all', ...capabilities.map((name) => `+${name.replace(/^CAP_/, '').toLowerCase()}`)].join(',');
  const ids = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--no-new-privs'];
  const sets = ['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=${only}`);
  return ['setpriv', [...ids, ...sets, ...words]];
}

export interface Privileges {
  readonly root: boolean;
  /** What it has, and what it could ever get. */
  readonly effective: readonly string[];
  readonly bounding: readonly string[];
  readonly noNewPrivileges: boolean;
}

/** What a process may do (proc(5)); of the capabilities those that can matter here by name, others by number. */
export async function privilegesOf(pid: number): Promise<Privileges> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  const field = (name: string): string => {
    const [, value] = new RegExp(`^${name}:\\t(\\S+)`, 'm').exec(status) ?? [];
    if (value === undefined) throw new Error(`no ${name} of ${pid}`);
    return value;
  };
  return {
    root: field('Uid') === '0',
    effective: capabilityNames(field('CapEff')),
    bounding: capabilityNames(field('CapBnd')),
    noNewPrivileges: field('NoNewPrivs') === '1',
  };
}

// linux/capability.h.
const names = new Map([
  [10, 'CAP_NET_BIND_SERVICE'],
  [12, 'CAP_NET_ADMIN'],
]);

function capabilityNames(hexadecimal: string): string[] {
  const set = BigInt(`0x${hexadecimal}`);
  const numbers = Array.from({ length: 64 }, (_, number) => number).filter((number) => (set >> BigInt(number)) & 1n);
  return numbers.map((number) => names.get(number) ?? String(number)).sort();
}
