// The parts of src/ import what the table of layers allows, and what it does not allow is found, of each kind.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { layerFaults, upwardRows } from './layer-faults.ts';
import { layers } from './layers.ts';
import { namedModules } from './named-modules.ts';
import { sourceFiles } from './source-files.ts';

describe('the layers', () => {
  const files = new Map([...sourceFiles()].map(([file, text]) => [file, namedModules(file, text)]));

  it('are kept by every file, and the table allows nothing that no file needs', () => {
    assert.deepEqual(layerFaults(layers, files), []);
  });

  it('point one way', () => {
    assert.deepEqual(upwardRows(layers), []);
  });

  const nodeInPure = ['address', 'wire', 'policy', 'session'].map(
    (part) => [`${part}/new.ts`, `import 'node:fs';`, `${part}/new.ts:1: ${part} may not import node:fs`] as const,
  );
  for (const [file, text, fault] of [
    ...nodeInPure,
    ['sys/new.ts', `import '../engine/engine.ts';`, 'sys/new.ts:1: sys may not import engine/engine.ts'],
    [
      'wire/new.ts',
      `\nimport type { Session } from '../session/session.ts';`,
      'wire/new.ts:2: wire may not import session/session.ts',
    ],
    [
      'wire/new.ts',
      `export type { Session } from '../session/session.ts';`,
      'wire/new.ts:1: wire may not import session/session.ts',
    ],
    ['wire/new.ts', `export * from '../session/session.ts';`, 'wire/new.ts:1: wire may not import session/session.ts'],
    [
      'wire/new.ts',
      `type Session = import('../session/session.ts').Session;`,
      'wire/new.ts:1: wire may not import session/session.ts',
    ],
    ['policy/new.ts', `await import('../wire/verbs.ts');`, 'policy/new.ts:1: policy may not import wire/verbs.ts'],
    ['policy/new.ts', `await import('../wire/' + name);`, 'policy/new.ts:1: which module this loads cannot be read'],
    ['policy/new.ts', `import fs = require('fs');`, 'policy/new.ts:1: policy may not import fs'],
    ['policy/new.ts', `process.getBuiltinModule('fs');`, 'policy/new.ts:1: policy may not import fs'],
    [
      'settings/new.ts',
      `import '../session/advance.ts';`,
      'settings/new.ts:1: settings may not import session/advance.ts',
    ],
    ['observe/new.ts', `import koffi from 'koffi';`, 'observe/new.ts:1: observe may not import koffi'],
    ['wire/new.ts', `import 'ip-num/IPv6.js';`, 'wire/new.ts:1: wire may not import ip-num/IPv6.js'],
    ['engine/new.ts', `import 'fs';`, 'engine/new.ts:1: engine may not import fs'],
    ['main.ts', `import './gateway.ts';`, 'main.ts:1: main.ts may not import gateway.ts'],
    ['gateway.ts', `import './main.ts';`, 'gateway.ts:1: gateway.ts may not import main.ts'],
    ['command/new.ts', `import '../engine/engine.ts';`, 'command/new.ts:1: command may not import engine/engine.ts'],
    [
      'command/new.ts',
      `import '../../test/house/layers.ts';`,
      'command/new.ts:1: ../../test/house/layers.ts is no file of src/',
    ],
    ['telnet/new.ts', '', 'telnet/new.ts: telnet has no row in the table of layers'],
    ['sys/telnet/new.ts', '', 'sys/telnet/new.ts: sys/telnet has no row in the table of layers'],
    ['second-main.ts', '', 'second-main.ts: second-main.ts has no row in the table of layers'],
  ] as const) {
    it(`refuse ${JSON.stringify(text)} in ${file}`, () => {
      const tried = new Map(files).set(file, [...(files.get(file) ?? []), ...namedModules(file, text)]);
      assert.deepEqual(layerFaults(layers, tried), [fault]);
    });
  }

  it('refuse a file without its row, whichever it is', () => {
    for (const part of Object.keys(layers)) {
      const { [part]: _, ...others } = layers;
      assert.match(layerFaults(others, files).join('\n'), new RegExp(`: ${part} has no row in the table of layers`));
    }
  });

  it('refuse an entry that nothing uses, and a row that points up', () => {
    const wider = { ...layers, wire: { ...layers['wire']!, outside: ['zod'] } };
    assert.deepEqual(layerFaults(wider, files), ['the row of wire allows zod, which nothing in it imports']);
    assert.deepEqual(upwardRows({ wire: { parts: ['session'], outside: [] }, session: { parts: [], outside: [] } }), [
      'wire names session, which is not above it',
    ]);
  });
});
