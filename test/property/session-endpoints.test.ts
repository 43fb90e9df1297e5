// Laws of lines that name an endpoint: it is the gateway's own, its way is open, and nothing of the private realm is in
// it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Action } from '../../src/session/action.ts';
import type { DataLeg } from '../../src/session/expectation.ts';
import { readReplyLine } from '../../src/wire/reply.ts';
import { textOf } from '../support/escaped-text.ts';
import { fuzz } from '../support/fuzz.ts';
import { beginnings, moves, scenes } from '../support/session-arbitraries.ts';
import { beginLife, live } from '../support/session-life.ts';
import type { SessionStage } from '../support/session-stage.ts';
import { serverLocal } from '../support/session-terms.ts';

/** The client's view of the replies that it is sent: only what stands outside multi-line text counts. */
class ClientEar {
  private openCode: number | undefined;

  /** The line, where it begins a reply of its own. */
  hear(octets: Uint8Array): { code: number; text: string } | undefined {
    const read = readReplyLine(octets.subarray(0, -2), this.openCode);
    if (read.kind === 'first') this.openCode = read.code;
    if (read.kind === 'last') this.openCode = undefined;
    if (read.kind !== 'first' && read.kind !== 'single') return undefined;
    return { code: read.code, text: textOf(octets) };
  }
}

function openPorts(stage: SessionStage, side: 'client' | 'server'): number[] {
  return [...stage.ways.values()].flatMap(({ ports }) => ports[side] ?? []);
}

function hostPort(address: string, ports: readonly number[]): string[] {
  return ports.map((port) => `${address.replaceAll('.', ',')},${port >> 8},${port & 255}`);
}

describe('laws of lines that name an endpoint', () => {
  it('a 227 or 229 names a port on which the gateway listens for this client, and its own address', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const ear = new ClientEar();
        const onAction = (action: Action, stage: SessionStage) => {
          if (action.kind !== 'send' || action.to !== 'client' || action.octets[0] === 0xff) return;
          const heard = ear.hear(action.octets);
          if (heard === undefined || heard.code < 227 || heard.code > 229) return;
          const ports = openPorts(stage, 'client');
          const allowed = [
            ...hostPort(scene.gateway, ports).map((text) => `227 Entering Passive Mode (${text})\\r\\n`),
            ...ports.map((port) => `229 Entering Extended Passive Mode (|||${port}|)\\r\\n`),
          ];
          assert.ok(allowed.includes(heard.text), heard.text);
        };
        live(beginLife(scene, beginning, { onAction }), scene, list);
      }),
    );
  });

  it('a PORT or EPRT names a port on which the gateway listens for this server, and its own address', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const local = serverLocal(scene).address;
        const onAction = (action: Action, stage: SessionStage) => {
          if (action.kind !== 'send' || action.to !== 'server') return;
          const line = textOf(action.octets);
          if (!/^(?:PORT|EPRT)\b/i.test(line)) return;
          const ports = openPorts(stage, 'server');
          const allowed = [
            ...hostPort(local.text, ports).map((text) => `PORT ${text}\\r\\n`),
            ...ports.map((port) => `EPRT |${local.family === 4 ? 1 : 2}|${local.text}|${port}|\\r\\n`),
          ];
          assert.ok(allowed.includes(line), line);
        };
        live(beginLife(scene, beginning, { onAction }), scene, list);
      }),
    );
  });

  it('no verb that sets up data connections in another way reaches the server', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const onAction = (action: Action) => {
          if (action.kind !== 'send' || action.to !== 'server') return;
          const text = textOf(action.octets);
          assert.doesNotMatch(text, /^(?:LPRT|LPSV|P@SW|CPSV|SPSV|SSCN|SPDT|ESTA|ESTP|ALGS)\b/i);
          if (scene.clientTls !== 'pass-through') assert.doesNotMatch(text, /^AUTH\b/i);
        };
        live(beginLife(scene, beginning, { onAction }), scene, list);
      }),
    );
  });

  it('the gateway dials only the control peers, at ports above 1023, and admits only them', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const onAction = (action: Action) => {
          if (action.kind !== 'open-data-path') return;
          for (const side of ['client', 'server'] as const) {
            const leg: DataLeg = action.expectation[side];
            if (leg.mode === 'listen') assert.deepEqual([leg.admits.text, leg.admitsToo], [scene[side], []]);
            else {
              assert.equal(leg.remote.address.text, scene[side]);
              assert.ok(leg.remote.port >= 1024);
            }
          }
        };
        live(beginLife(scene, beginning, { onAction }), scene, list);
      }),
    );
  });

  it('no address of the server or of the gateway towards it stands in a reply of the gateway', (t) => {
    fuzz(
      t,
      fc.property(scenes, moves, (scene, list) => {
        const inside = serverLocal(scene).address.text;
        const hidden = [scene.server, inside].flatMap((text) => [text, text.replaceAll('.', ',')]);
        let own = false;
        const onAction = (action: Action) => {
          if (action.kind === 'send' && action.to === 'client' && own) {
            const text = textOf(action.octets);
            assert.ok(!hidden.some((address) => text.includes(address)), text);
          }
          // The record of a reply of the gateway stands right before the reply.
          own = action.kind === 'record' && action.record.kind === 'reply' && action.record.origin === 'gateway';
        };
        live(beginLife(scene, 'logged-in', { onAction }), scene, list);
      }),
    );
  });
});
