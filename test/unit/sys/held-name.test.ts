import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { HeldName } from '../../../src/sys/held-name.ts';

const module = new URL('../../../src/sys/held-name.ts', import.meta.url).href;

/** As this process would have it. */
function held(name: string): HeldName {
  const holding = HeldName.hold(name);
  assert.ok(holding.ok, holding.ok ? '' : holding.code);
  return holding.name;
}

describe('a name', () => {
  const name = `portcullis test ${process.pid}`;

  test('has one holder at a time', () => {
    const holder = held(name);
    assert.deepEqual(HeldName.hold(name), { ok: false, code: 'EADDRINUSE' });
    const other = held(`${name}, another`);
    holder.release();
    holder.release();
    held(name).release();
    other.release();
  });

  test('goes with its process, also when that is killed', async () => {
    const code = `
      import { HeldName } from '${module}';
      console.log(HeldName.hold(${JSON.stringify(name)}).ok);
      setInterval(() => {}, 1000);`;
    const argv = ['--import', 'tsx', '--input-type=module', '-e', code];
    const holder = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(holder.stdout, 'data');
    assert.equal(String(said), 'true\n');
    assert.deepEqual(HeldName.hold(name), { ok: false, code: 'EADDRINUSE' });
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    held(name).release();
  });

  test('has a bound', () => {
    assert.deepEqual(HeldName.hold('x'.repeat(107)), { ok: false, code: 'EINVAL' });
    held('x'.repeat(106)).release();
  });
});
