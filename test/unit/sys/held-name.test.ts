import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { HeldName } from '../../../src/sys/held-name.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';

const module = new URL('../../../src/sys/held-name.ts', import.meta.url).href;

/** As this process would have it. */
function held(name: string): HeldName {
  const holding = HeldName.hold(name);
  assert.ok(holding.ok, holding.ok ? '' : holding.reason);
  return holding.value;
}

describe('a name', { skip: whyNoOwnNetwork() }, () => {
  const name = `portcullis test ${process.pid}`;

  test('has one holder at a time', () => {
    const holder = held(name);
    assert.deepEqual(HeldName.hold(name), { ok: false, reason: 'EADDRINUSE' });
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
    assert.deepEqual(HeldName.hold(name), { ok: false, reason: 'EADDRINUSE' });
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    held(name).release();
  });

  test('cannot be had, nor kept from anybody, without CAP_NET_ADMIN', async () => {
    const held = HeldName.hold(name);
    assert.ok(held.ok);
    // Everything about the holder that a stranger can imitate: the number of its socket.
    const [line] = readFileSync('/proc/self/net/netlink', 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, protocol, , groups]) => protocol === '12' && /^[89a-f]/.test(groups ?? ''));
    const number = Number(line?.[2]);
    held.value.release();
    const code = `
      import { HeldName } from '${module}';
      import * as libc from '${new URL('../../../src/sys/libc.ts', import.meta.url).href}';
      const fd = libc.socket(libc.AF_NETLINK, libc.SOCK_RAW, libc.NETLINK_NETFILTER);
      const bound = libc.bindSocket(fd, new Uint8Array(Uint32Array.of(libc.AF_NETLINK, ${number}, 0).buffer), 12);
      console.log(JSON.stringify([bound, HeldName.hold(${JSON.stringify(name)})]));
      setInterval(() => {}, 1000);`;
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', code];
    const stranger = spawn('setpriv', ['--bounding-set=-net_admin', ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(stranger.stdout, 'data');
    assert.deepEqual(JSON.parse(String(said)), [0, { ok: false, reason: 'EPERM' }]);
    const holder = HeldName.hold(name);
    assert.ok(holder.ok, 'the number is taken by somebody who is no member');
    assert.deepEqual(HeldName.hold(name), { ok: false, reason: 'EADDRINUSE' });
    holder.value.release();
    const ended = once(stranger, 'exit');
    stranger.kill('SIGKILL');
    await ended;
  });
});
