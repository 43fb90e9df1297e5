// Can the benchmark run here? Root, two processors and a few Debian packages; what is missing is installed when that is
// possible, and otherwise named together with the way to get it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { CannotRun } from './cannot-run.ts';
import type { TargetName } from './targets.ts';

const packagesOfTools: Readonly<Record<string, readonly string[]>> = {
  ip: ['iproute2'],
  ss: ['iproute2'],
  sysctl: ['procps'],
  nsenter: ['util-linux'],
  taskset: ['util-linux'],
  prlimit: ['util-linux'],
  gcc: ['gcc', 'libc6-dev'],
  haproxy: ['haproxy'],
  nft: ['nftables'],
};

// Debian keeps administrators' programs where an ordinary PATH does not look.
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

export function requirePrerequisites(targets: readonly TargetName[], executable: string): void {
  if (process.getuid?.() !== 0) {
    throw new CannotRun(
      'The benchmark makes network namespaces and needs root: sudo npm run bench, or root in a container or VM.',
    );
  }
  if (availableParallelism() < 2) {
    throw new CannotRun('The benchmark needs two processors: one for the load, one for the gateway.');
  }
  if (targets.some((target) => target === 'portcullis' || target === 'pinholes') && !existsSync(executable)) {
    throw new CannotRun(`${executable} is missing: run npm run build first (npm run bench does).`);
  }
  process.env['PATH'] = folders.join(delimiter);
  installMissing(Object.keys(packagesOfTools).filter((tool) => isWanted(tool, targets)));
}

function isWanted(tool: string, targets: readonly TargetName[]): boolean {
  if (tool === 'haproxy') return targets.includes('haproxy');
  return tool !== 'nft' || targets.includes('helper') || targets.includes('pinholes');
}

function installMissing(tools: readonly string[]): void {
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.flatMap((tool) => packagesOfTools[tool] ?? []))];
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  if (!isInstalled('apt-get')) {
    throw new CannotRun(`Missing: ${missing.join(', ')}. On Debian: apt-get ${install.join(' ')}`);
  }
  process.stdout.write(`installing ${packages.join(' ')}\n`);
  apt(['update']);
  apt(install);
}

function apt(argv: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const result = spawnSync('apt-get', ['-q', ...argv], { encoding: 'utf8', env });
  if (result.status !== 0) throw new CannotRun(`apt-get ${argv.join(' ')}:\n${result.stderr}`);
}

function isInstalled(tool: string): boolean {
  return folders.some((folder) => existsSync(join(folder, tool)));
}
