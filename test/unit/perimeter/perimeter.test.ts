// Does the perimeter tell each packet that its table dropped once, whatever becomes of the table? With the real kernel,
// in a network namespace of this file; its packets go out by `lo` into chains that the test adds to the table.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { type DropCounts, noDrops } from '../../../src/nftables/drop-counters.ts';
import { printRuleset } from '../../../src/nftables/ruleset.ts';
import { Perimeter } from '../../../src/perimeter/perimeter.ts';
import { tablePlanOf } from '../../../src/perimeter/table-plan-of.ts';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import type { Settings } from '../../../src/settings/settings.ts';
import { runNft } from '../../../src/sys/libnftables.ts';
import { whyNoOwnNetwork } from '../../support/own-network.ts';

const skip = whyNoOwnNetwork();

function settingsWith(more = ''): Settings {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-perimeter-'));
  try {
    const file = join(folder, 'settings.yaml');
    const listener =
      '{ name: inside, mode: transparent, listen: "0.0.0.0:2121", servers: [10.77.0.0/24], dataPorts: 40000-40099 }';
    writeFileSync(file, `listeners:\n  - ${listener}\n${more}`);
    const loaded = loadSettings(file);
    assert.ok(loaded.ok);
    return loaded.value;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function nft(script: string): void {
  const result = runNft(script);
  assert.ok(result.ok, result.ok ? '' : `${script}\n${result.reason}`);
}

/** What is told of these, and nothing else. */
function dropped(unexpected: number, unread: number): DropCounts {
  return { ...noDrops, unexpected, unread };
}

/** So many packets meet each counter. */
function drops(unexpected: number, unread: number): void {
  nft(`table inet portcullis {
    chain probe {
      type filter hook output priority filter;
      udp dport 9001 counter name "unexpected" drop
      udp dport 9002 counter name "unread" drop
    }
  }
  flush chain inet portcullis probe
  add rule inet portcullis probe udp dport 9001 counter name "unexpected" drop
  add rule inet portcullis probe udp dport 9002 counter name "unread" drop`);
  const code = `
import socket
def send(port):
    try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
    except PermissionError: pass
for _ in range(${unexpected}): send(9001)
for _ in range(${unread}): send(9002)`;
  const { status, stderr } = spawnSync('python3', ['-c', code], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

afterEach(() => {
  if (skip === false) nft('flush ruleset');
});

describe('what the table drops', { skip }, () => {
  it('is told once', () => {
    const perimeter = new Perimeter('installed');
    assert.deepEqual(perimeter.newDrops(), dropped(0, 0));
    assert.equal(perimeter.apply(settingsWith()), undefined);
    assert.deepEqual(perimeter.newDrops(), dropped(0, 0));
    drops(3, 1);
    assert.deepEqual(perimeter.newDrops(), dropped(3, 1));
    assert.deepEqual(perimeter.newDrops(), dropped(0, 0));
    drops(0, 2);
    assert.deepEqual(perimeter.newDrops(), dropped(0, 2));
    perimeter.remove();
    assert.deepEqual(perimeter.newDrops(), dropped(0, 0));
  });

  it('is not lost when other settings replace the table, nor told twice', () => {
    const perimeter = new Perimeter('installed');
    perimeter.apply(settingsWith());
    drops(2, 0);
    perimeter.newDrops();
    drops(3, 4);
    assert.equal(perimeter.apply(settingsWith('kernel: { endFlows: true }\n')), undefined);
    drops(6, 1);
    assert.deepEqual(perimeter.newDrops(), dropped(9, 5));
    perimeter.remove();
  });

  it('goes on from 0 after an operator has flushed everything', () => {
    const perimeter = new Perimeter('installed');
    perimeter.apply(settingsWith());
    drops(5, 5);
    perimeter.newDrops();
    nft('flush ruleset');
    assert.deepEqual(perimeter.newDrops(), dropped(0, 0));
    assert.equal(perimeter.mend(), 'restored');
    drops(6, 1);
    assert.deepEqual(perimeter.newDrops(), dropped(6, 1));
    perimeter.remove();
  });

  it("in an operator's table counts from the start of this process, and from 0 after a reload", () => {
    const settings = settingsWith();
    const load = () => nft(printRuleset(tablePlanOf(settings)!));
    load();
    drops(7, 7);
    const perimeter = new Perimeter('loaded-by-operator');
    assert.equal(perimeter.apply(settings), undefined);
    drops(1, 2);
    assert.deepEqual(perimeter.newDrops(), dropped(1, 2));
    load();
    drops(2, 1);
    assert.deepEqual(perimeter.newDrops(), dropped(2, 1));
  });
});
