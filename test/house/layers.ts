// Which part of src/ may know which? This table is the answer, and layers.test.ts holds every file against it: what has
// no row, and what its row does not name, is refused. Types count like values, because who names a type knows its
// owner. A row names only rows above it, so arrows point one way and no circle of parts can be written down.
// A part is a folder, or a file that stands in src/ itself. Where a part needs one file of another, the row names that
// file.

export interface Layer {
  /** Parts, or single files of parts, that may be imported. */
  readonly parts: readonly string[];
  /** Packages, and modules of Node by their whole name. */
  readonly outside: readonly string[];
}

export const layers: Readonly<Record<string, Layer>> = {
  'result.ts': { parts: [], outside: [] },
  'package-root.ts': { parts: [], outside: ['node:fs', 'node:path'] },

  // Pure: no sockets, no clock, no logger, and nothing of Node.
  address: { parts: ['result.ts'], outside: ['ip-num'] },
  wire: { parts: ['result.ts', 'address'], outside: [] },
  policy: { parts: ['result.ts', 'address'], outside: [] },
  session: { parts: ['address', 'wire', 'policy'], outside: [] },

  // The operator's files.
  yaml: { parts: ['result.ts', 'address/parsed.ts'], outside: ['yaml', 'zod'] },
  settings: {
    parts: [
      'package-root.ts',
      'result.ts',
      'address',
      'policy',
      'wire/verbs.ts',
      'wire/verb-groups.ts',
      'session/limits.ts',
      'yaml',
    ],
    outside: ['zod', 'node:crypto', 'node:fs', 'node:os', 'node:path', 'node:tls', 'node:util'],
  },

  // The system: koffi is known in sys/ alone.
  sys: { parts: ['result.ts', 'wire/client-hello.ts'], outside: ['koffi', 'node:crypto', 'node:fs', 'node:os'] },
  nftables: { parts: ['result.ts', 'address', 'sys'], outside: ['node:fs'] },
  perimeter: { parts: ['address', 'settings/settings.ts', 'sys', 'nftables'], outside: [] },

  // TLS over what sys/ gives: settings in, streams out.
  tls: {
    parts: ['result.ts', 'address', 'session/expectation.ts', 'settings/tls-settings.ts', 'sys'],
    outside: ['node:crypto'],
  },

  // What carries.
  datapath: {
    parts: ['result.ts', 'address', 'session/expectation.ts', 'sys', 'nftables/hole.ts', 'nftables/range-elements.ts'],
    outside: ['node:crypto'],
  },
  control: {
    parts: [
      'result.ts',
      'address',
      'wire',
      'policy/destination.ts',
      'session',
      'sys',
      'tls/session-security.ts',
      'datapath/data-path.ts',
      'datapath/passive-range.ts',
    ],
    outside: ['node:crypto'],
  },

  // What tells.
  observe: {
    parts: [
      'result.ts',
      'address',
      'wire/foreign-protocol.ts',
      'wire/verbs.ts',
      'policy/decision.ts',
      'session/action.ts',
      'session/record-words.ts',
      'nftables/drop-reasons.ts',
    ],
    outside: ['pino', 'pino-pretty', 'prom-client', 'node:fs', 'node:http', 'node:tty'],
  },
  witness: {
    parts: ['address', 'wire/verbs.ts', 'session', 'settings/settings.ts', 'control/witness.ts', 'observe'],
    outside: [],
  },

  // What puts together.
  engine: {
    parts: [
      'address',
      'policy',
      'session/security.ts',
      'settings/settings.ts',
      'settings/tls-settings.ts',
      'sys',
      'tls',
      'datapath',
      'control',
      'observe',
      'witness',
    ],
    outside: ['node:v8', 'node:worker_threads'],
  },
  // What is asked without a gateway.
  explain: {
    parts: [
      'result.ts',
      'address',
      'wire',
      'policy/decide-access.ts',
      'session',
      'control/session-runner.ts',
      'settings/settings.ts',
      'engine/session-terms.ts',
    ],
    outside: ['node:child_process', 'node:fs'],
  },
  'package-version.ts': { parts: ['package-root.ts'], outside: ['node:fs', 'node:path'] },
  'reloading.ts': {
    parts: ['result.ts', 'address', 'yaml/problem.ts', 'settings', 'perimeter', 'observe', 'engine'],
    outside: [],
  },
  'gateway.ts': {
    parts: [
      'result.ts',
      'address',
      'yaml/problem.ts',
      'settings/file-watch.ts',
      'settings/renew-tls.ts',
      'settings/settings.ts',
      'settings/tls-settings.ts',
      'sys/tls-context.ts',
      'nftables/drop-reasons.ts',
      'perimeter',
      'observe',
      'witness/verb-tally.ts',
      'engine',
      'reloading.ts',
      'package-version.ts',
    ],
    outside: ['node:crypto', 'node:timers/promises'],
  },
  sample: {
    parts: [],
    outside: [
      'node:buffer',
      'node:fs',
      'node:fs/promises',
      'node:net',
      'node:os',
      'node:path',
      'node:stream',
      'node:stream/promises',
    ],
  },
  command: {
    parts: [
      'result.ts',
      'address',
      'yaml',
      'settings',
      'sys/self-signed.ts',
      'nftables/ruleset.ts',
      'perimeter',
      'observe',
      'explain',
      'package-version.ts',
      'reloading.ts',
      'gateway.ts',
      'sample',
    ],
    outside: ['node:crypto', 'node:fs', 'node:fs/promises', 'node:os', 'node:path'],
  },
  'main.ts': { parts: ['command'], outside: [] },
};
