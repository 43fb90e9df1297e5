import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { TablePlan } from '../../../src/nftables/table-plan.ts';
import { tablePlanOf } from '../../../src/perimeter/table-plan-of.ts';
import { loadSettings } from '../../../src/settings/load-settings.ts';
import { printProblem } from '../../../src/yaml/problem.ts';

function planOf(yaml: string): TablePlan | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-plan-'));
  try {
    const file = join(folder, 'settings.yaml');
    writeFileSync(file, yaml);
    const loaded = loadSettings(file);
    assert.ok(loaded.ok, loaded.ok ? '' : loaded.reason.map(printProblem).join('\n'));
    return tablePlanOf(loaded.value);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const reverse = '- { name: front, mode: reverse, listen: "192.0.2.1:2100", upstream: "10.0.0.5:21" }';

function transparent(name: string, listen: string, dataPorts: string, intercept: string): string {
  const servers = [
    ...(listen.startsWith('[::1') ? [] : ['10.77.0.0/24']),
    ...(listen.startsWith('[') ? ['"2001:db8:77::/64"'] : []),
  ];
  const where = `listen: "${listen}", dataPorts: ${dataPorts}, servers: [${servers}], intercept: ${intercept}`;
  return `- { name: ${name}, mode: transparent, ${where} }`;
}

describe('the plan of our table', () => {
  it('is none where no listener is transparent', () => {
    assert.equal(planOf(`listeners:\n  ${reverse}\n`), undefined);
  });

  it('has an interception for each transparent listener', () => {
    const plan = planOf(`listeners:
  ${reverse}
  ${transparent('both', '[::]:2121', '40000-40099', '{ ports: [21, 990], interface: wan0 }')}
  ${transparent('four', '0.0.0.0:2122', '40100-40199', '{ ports: [2021] }')}
  ${transparent('one', '127.0.0.1:2123', '40200-40299', '{ ports: [2022] }')}
  ${transparent('six', '[::1]:2124', '40300-40399', '{ ports: [2023] }')}
`);
    assert.deepEqual(
      plan?.intercepts.map(({ listener, interface: name, ports, families, listenAddress, listenPort }) =>
        [listener, name, ports.join(), families.join(), listenAddress?.text, listenPort].join(' '),
      ),
      ['both wan0 21,990 4,6  2121', 'four  2021 4  2122', 'one  2022 4 127.0.0.1 2123', 'six  2023 6 ::1 2124'],
    );
  });

  it('knows where the servers listen: at the dialled port, or behind a published one', () => {
    const interceptAndPublish = '{ ports: [21, 990] }, publish: [{ address: 198.51.100.1, to: "10.77.0.2:2021" }]';
    const plan = planOf(`listeners:\n  ${transparent('one', '0.0.0.0:2121', '40000-40099', interceptAndPublish)}\n`);
    assert.deepEqual(plan?.intercepts[0]?.serverPorts, [21, 990, 2021]);
  });

  it('knows the passive ranges of listeners that pass TLS through, each once', () => {
    const passed = (range: string) =>
      `{ ports: [21] }, tls: { client: { mode: pass-through, passivePorts: ${range} } }`;
    const plan = planOf(`listeners:
  ${transparent('one', '127.0.0.1:2121', '50000-50099', passed('40000-40099'))}
  ${transparent('two', '127.0.0.2:2122', '50100-50199', passed('40000-40099').replace('21', '22'))}
  ${transparent('three', '127.0.0.3:2123', '50200-50299', passed('"41000"').replace('21', '23'))}
  ${transparent('none', '127.0.0.4:2124', '50300-50399', '{ ports: [24] }')}
`);
    assert.deepEqual(plan?.passiveRanges, [
      { from: 40_000, to: 40_099 },
      { from: 41_000, to: 41_000 },
    ]);
  });

  it('takes over what the kernel section says', () => {
    const plan = planOf(`listeners:
  ${transparent('inside', '0.0.0.0:2121', '40000-40099', '{}')}
kernel:
  table: ftp
  divertMark: 7
  dataMark: 0x99
  serverMark: 0x9a
  guard: [10.0.0.0/8]
  dscp: { data: af11 }
limits:
  expectationTimeout: 5s
engines: 3
`);
    const { intercepts, guard, ...rest } = plan!;
    assert.deepEqual(
      guard.map(({ text }) => text),
      ['10.0.0.0/8'],
    );
    assert.deepEqual(rest, {
      table: 'ftp',
      divertMark: 7,
      dataMark: 0x99,
      serverMark: 0x9a,
      passiveRanges: [],
      engines: 3,
      expectationTimeoutMs: 5_000,
      endFlows: false,
      pinholesMax: 65_536,
      dscp: { control: undefined, data: 10 },
    });
  });
});
