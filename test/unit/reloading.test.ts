// What do the log, the metrics and /readyz say of a reload, whatever happens on its way?

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ChangingEngine } from '../../src/engine/settings-in-step.ts';
import { type Outcome, type ReadSettings, Reloading } from '../../src/reloading.ts';
import { done } from '../../src/result.ts';
import { defaultLimits } from '../../src/session/limits.ts';
import { defaultKernel, defaultSettings } from '../../src/settings/defaults.ts';
import { loadPackagedRules } from '../../src/settings/load-rules.ts';
import { loadSettings } from '../../src/settings/load-settings.ts';
import type { KernelSettings, ListenerSettings, Settings } from '../../src/settings/settings.ts';
import { isTerminated } from '../../src/settings/tls-settings.ts';
import { newTally } from '../../src/witness/verb-tally.ts';
import { CertificateAuthority } from '../support/certificates.ts';

const rules = loadPackagedRules();
assert.ok(rules.ok);
const kernel: KernelSettings = { ...defaultKernel, guard: [], dscp: { control: undefined, data: undefined } };
const base: Settings = {
  ...defaultSettings,
  listeners: [],
  rules: rules.value.ruleset,
  limits: defaultLimits,
  kernel,
  warnings: [],
};

function at(port: number, mode: ListenerSettings['mode'] = 'reverse'): ListenerSettings {
  const address = { family: 4, text: '127.0.0.1' } as const;
  const common = { name: 'front', listen: { address, port }, dataPorts: [], serverMode: 'as-client' } as const;
  return { ...common, mode, upstream: { address, port: 21 } } as unknown as ListenerSettings;
}

function stage(inForce: Settings = base) {
  const seen = {
    inForce,
    serving: true,
    lines: [] as string[],
    applied: [] as Settings[],
    perimeter: [] as Settings[],
    kernelAsked: [] as KernelSettings[],
    tally: newTally(),
    onPerimeter: (_: Settings): string | undefined => undefined,
    onPrepare: async (): Promise<string | undefined> => undefined,
    onCommit: async (): Promise<string | undefined> => undefined,
    abandoned: 0,
  };
  const engine: ChangingEngine = {
    index: 0,
    prepare: () => seen.onPrepare(),
    commit: () => seen.onCommit(),
    abandon: () => {
      seen.abandoned += 1;
    },
  };
  const write =
    (level: string) =>
    (...words: unknown[]) => {
      seen.lines.push(`${level} ${words.map((word) => JSON.stringify(word)).join(' ')}`);
    };
  const reloading = new Reloading({
    engines: () => [engine],
    perimeter: {
      apply: (settings) => {
        seen.perimeter.push(settings);
        return seen.onPerimeter(settings);
      },
      kernelSettings: (wanted) => {
        seen.kernelAsked.push(wanted);
        return wanted;
      },
    },
    inForce: () => seen.inForce,
    isServing: () => seen.serving,
    onApplied: (settings) => {
      seen.applied.push(settings);
      seen.inForce = settings;
    },
    log: {
      isLevelEnabled: () => true,
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      fatal: write('fatal'),
    },
    tally: seen.tally,
  });
  const reload = (settings: Settings): Promise<Outcome> => reloading.ask(() => ({ ok: true, value: settings }));
  const count = (result: 'applied' | 'refused' | 'incomplete') => seen.tally.read('settings_reload_total', result);
  return { seen, reloading, reload, count };
}

test('all or nothing: engines first make ready, then the table changes, and nothing after it can fail', async () => {
  const { seen, reload, count } = stage();
  seen.onPerimeter = () => 'no right';
  assert.deepEqual(await reload(base), { ok: false, reason: 'no right' });
  assert.deepEqual([seen.abandoned, seen.applied.length, count('refused')], [1, 0, 1]);
  seen.onPerimeter = () => undefined;
  seen.onPrepare = async () => 'port in use';
  assert.deepEqual(await reload(base), { ok: false, reason: 'port in use' });
  assert.equal(seen.perimeter.length, 1, 'the table was not touched');
  seen.onPrepare = async () => undefined;
  assert.deepEqual(await reload(base), done);
  assert.deepEqual([seen.applied.length, count('applied')], [1, 1]);
});

test('an engine that did not change is told loudly, and the next reload that succeeds heals it', async () => {
  const { seen, reloading, reload, count } = stage();
  assert.equal(seen.tally.read('settings_in_step'), 1);
  seen.onCommit = async () => 'internal error: x';
  assert.equal((await reload(base)).ok, false);
  assert.equal(reloading.outOfStep, 'engine 0: internal error: x');
  assert.deepEqual([seen.tally.read('settings_in_step'), count('incomplete'), count('applied')], [0, 1, 0]);
  assert.ok(
    seen.lines.some((line) => /^error .*engine 0: internal error: x.*not everywhere/.test(line)),
    seen.lines.join('\n'),
  );
  seen.onCommit = async () => undefined;
  assert.deepEqual(await reload(base), done);
  assert.deepEqual([reloading.outOfStep, seen.tally.read('settings_in_step')], [undefined, 1]);
});

test('a mistake while the table changes: the old one is put back, or it is told that it may not hold', async () => {
  const { seen, reloading, reload } = stage();
  const wanted = { ...base, engines: 1 };
  let old: string | undefined;
  seen.onPerimeter = (settings) => {
    if (settings !== seen.inForce) throw new Error('a mistake');
    return old;
  };
  assert.deepEqual(await reload(wanted), { ok: false, reason: 'internal error: a mistake' });
  assert.equal(reloading.outOfStep, undefined, 'it was put back');
  old = 'no right';
  await reload(wanted);
  assert.equal(reloading.outOfStep, 'nftables table: may hold settings that were refused: no right');
  assert.equal(seen.tally.read('settings_in_step'), 0);
  seen.onPerimeter = () => undefined;
  assert.deepEqual(await reload(wanted), done);
  assert.equal(seen.tally.read('settings_in_step'), 1);
});

test('a mistake anywhere is one refused reload, and the next is dealt with', async () => {
  const { seen, reloading, reload, count } = stage();
  const broken: ReadSettings = () => {
    throw new Error('a mistake');
  };
  assert.deepEqual(await reloading.ask(broken), { ok: false, reason: 'internal error: a mistake' });
  assert.deepEqual([count('refused'), seen.tally.read('internal_errors_total')], [1, 1]);
  assert.deepEqual(await reload(base), done);
});

test('of many in a row the last one is read once the one before is over', async () => {
  const { seen, reloading } = stage();
  let release: () => void = () => undefined;
  seen.onPrepare = () => new Promise((resolve) => (release = () => resolve(undefined)));
  const reads: number[] = [];
  let file = 0;
  const read: ReadSettings = () => {
    reads.push(file);
    return { ok: true, value: base };
  };
  const asked: Promise<Outcome>[] = [reloading.ask(read)];
  // The first is under way.
  await Promise.resolve();
  for (file = 1; file < 10; file++) asked.push(reloading.ask(read));
  assert.deepEqual(reads, [0]);
  release();
  await asked[0];
  await Promise.resolve();
  release();
  await Promise.all(asked);
  assert.deepEqual(reads, [0, 10]);
});

test('what is asked for before the start is over waits, and once the end has begun it comes to nothing', async () => {
  const { seen, reloading, reload } = stage();
  let started: () => void = () => undefined;
  seen.serving = false;
  reloading.after(new Promise<void>((resolve) => (started = resolve)));
  const early = reload(base);
  seen.serving = true;
  started();
  assert.deepEqual(await early, done);
  seen.onPrepare = async () => {
    seen.serving = false;
    return undefined;
  };
  assert.deepEqual(await reload(base), { ok: false, reason: 'the gateway is going down' });
  assert.equal(seen.perimeter.length, 1, 'what was taken down is not put up again');
});

test('what needs a restart is named each time, and stays as it was', async () => {
  const { seen, reload } = stage();
  const listen = { address: { family: 4, text: '127.0.0.1' }, port: 9999 } as const;
  const wanted: Settings = { ...base, engines: 4, admin: { listen, hosts: ['gw.example.org'] } };
  for (const times of [1, 2]) {
    assert.deepEqual(await reload(wanted), done);
    const warned = seen.lines.filter((line) => line.startsWith('warn'));
    assert.equal(warned.length, 2 * times, seen.lines.join('\n'));
  }
  assert.equal(seen.inForce.engines, base.engines);
  assert.deepEqual(seen.inForce.admin, { listen: defaultSettings.admin.listen, hosts: ['gw.example.org'] });
});

test('a listener cannot have the place of the admin pages, also when the file gives them another', async () => {
  const { reload } = stage();
  const listen = { address: { family: 4, text: '127.0.0.1' }, port: 9999 } as const;
  const wanted = { ...base, admin: { listen, hosts: [] }, listeners: [at(9121)] };
  const outcome = await reload(wanted);
  assert.ok(!outcome.ok);
  assert.match(outcome.reason, /^listener front: the admin pages have 127\.0\.0\.1:9121 until the next restart$/);
});

test('engines keep the table that they know, also after a time without a transparent listener', async () => {
  const { seen, reload } = stage({ ...base, listeners: [at(2121, 'transparent')] });
  await reload({ ...base, listeners: [at(2121)] });
  const other = { ...kernel, table: 'other', divertMark: 7 };
  await reload({ ...base, kernel: other, listeners: [at(2121, 'transparent')] });
  assert.deepEqual([seen.inForce.kernel.table, seen.inForce.kernel.divertMark], ['portcullis', 1]);
  assert.ok(
    seen.lines.some((line) => /^warn .*"kernel"/.test(line)),
    seen.lines.join('\n'),
  );
});

/** One listener with a certificate from files in a folder of its own. */
function withCertificates(names: readonly string[]) {
  const authority = new CertificateAuthority();
  const listeners = names.map(
    (name, index) => `  - name: ${name}
    mode: reverse
    listen: 127.0.0.1:${2100 + index}
    upstream: 127.0.0.1:21
    dataPorts: ${50_000 + 100 * index}-${50_099 + 100 * index}
    tls: { client: { mode: required, certificate: ${name}.crt, key: ${name}.key } }
`,
  );
  const file = join(authority.folder, 'settings.yaml');
  writeFileSync(file, `listeners:\n${listeners.join('')}`);
  const put = (name: string, { certificate, key }: { certificate: string; key: string }): void => {
    writeFileSync(join(authority.folder, `${name}.crt`), certificate);
    writeFileSync(join(authority.folder, `${name}.key`), key);
  };
  for (const name of names) put(name, authority.issue(`${name}.example`));
  const loaded = loadSettings(file, {});
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return { authority, file, put, settings: loaded.value };
}

function subjectsOf({ listeners }: Settings): string[] {
  return listeners.flatMap(({ tls: { client } }) => (isTerminated(client) ? [client.certificates[0].subject] : []));
}

test('certificates are renewed without the settings file, and a bad pair keeps only its own place', async () => {
  const { authority, file, put, settings } = withCertificates(['a', 'b']);
  const { seen, reloading, count } = stage(settings);
  try {
    writeFileSync(file, 'half of a chan');
    assert.deepEqual(await reloading.renew(), done);
    assert.deepEqual([seen.applied.length, seen.lines.length], [0, 0], 'nothing has changed, nothing is told');

    put('a', authority.issue('a2.example'));
    assert.deepEqual(await reloading.renew(), done);
    assert.deepEqual(subjectsOf(seen.inForce), ['CN=a2.example', 'CN=b.example']);
    assert.deepEqual(seen.lines.splice(0), [
      'info {"event":"certificates-renewed"} "certificates renewed; they hold for new sessions"',
    ]);

    put('a', { ...authority.issue('a3.example'), key: authority.issue('x.example').key });
    assert.equal((await reloading.renew()).ok, false);
    assert.deepEqual(subjectsOf(seen.inForce), ['CN=a2.example', 'CN=b.example']);
    const [told] = seen.lines.splice(0);
    assert.match(told!, /^error .*settings\.yaml:7:63: listeners\[0\]\.tls\.client\.key: .*"certificates not renewed/);

    put('b', authority.issue('b2.example'));
    assert.deepEqual(await reloading.renew(), done);
    assert.deepEqual(subjectsOf(seen.inForce), ['CN=a2.example', 'CN=b2.example']);
    assert.match(seen.lines.join('\n'), /^error .*"some certificates not renewed.*\ninfo .*"certificates renewed/);
    assert.ok(!seen.lines.join().includes('PRIVATE KEY'));
    assert.deepEqual([count('applied'), count('refused')], [2, 2]);
  } finally {
    authority.remove();
  }
});

test('a reload that is asked for while a renewal waits reads the settings file', async () => {
  const { seen, reloading } = stage();
  let started: () => void = () => undefined;
  reloading.after(new Promise<void>((resolve) => (started = resolve)));
  let reads = 0;
  const read: ReadSettings = () => {
    reads += 1;
    return { ok: true, value: { ...base } };
  };
  const asked = [reloading.renew(), reloading.ask(read), reloading.renew()];
  started();
  await Promise.all(asked);
  assert.equal(reads, 1);
  assert.deepEqual(seen.lines, ['info {"event":"settings-reloaded"} "settings reloaded; they hold for new sessions"']);
});
