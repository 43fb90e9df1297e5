// Laws of lines that pass: one that names no endpoint leaves as it came, octet for octet, but for a blank where clients
// would end a reply at different lines; and nothing leaves that is neither a peer's line nor the gateway's own.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Action } from '../../src/session/action.ts';
import type { Session } from '../../src/session/session.ts';
import { textOf } from '../support/escaped-text.ts';
import { fuzz } from '../support/fuzz.ts';
import { beginnings, moves, scenes } from '../support/session-arbitraries.ts';
import { beginLife, live } from '../support/session-life.ts';
import type { StagedStep } from '../support/session-stage.ts';

// Written down here again, so that a change to the table of verbs does not change the law with it.
const plainCommand = /^(?:NOOP|TYPE|STAT|REIN|MODE|FEAT|ABOR|SITE|USER|PASS|RETR|STOR|LIST|APPE|MLSD|CWD)(?: |$)/;
const transfer = /^(?:RETR|STOR|LIST|APPE|MLSD)/;
const plainReply = /^(?!22[789])[1-5]\d\d(?: |$)/;
const greeting = /^(?:120|220|230|[45])/;

/** Is it a reply to pass as it is? */
function isPlain({ phase, openReply, awaited }: Session, reply: string): boolean {
  if (openReply !== undefined || !plainReply.test(reply)) return false;
  if (awaited.some((entry) => entry.kind === 'server' && entry.setUp !== undefined)) return false;
  if (phase.kind === 'expect-greeting') return greeting.test(reply);
  return phase.kind === 'expect-command' || phase.kind === 'expect-turn';
}

function sent(actions: readonly Action[], to: 'client' | 'server'): string[] {
  return actions.flatMap((action) => (action.kind === 'send' && action.to === to ? [textOf(action.octets)] : []));
}

function lineOf(step: StagedStep, from: 'client' | 'server') {
  const { event } = step;
  return event.kind === 'line' && event.from === from && event.line.fault === undefined ? event.line : undefined;
}

describe('laws of lines that pass', () => {
  it("a client's command without an endpoint goes to the server once, as it came", (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const stage = beginLife(scene, beginning, {
          onStep: (step) => {
            const line = lineOf(step, 'client');
            if (line === undefined || !plainCommand.test(textOf(line.octets))) return;
            // Who is not in may not ask for a transfer.
            if (step.before.login.kind !== 'in' && transfer.test(textOf(line.octets))) return;
            // Who has said goodbye is not heard any more.
            if (step.before.service === 'leaving') return;
            assert.equal(step.before.phase.kind, 'expect-command');
            assert.deepEqual(sent(step.actions, 'server'), [textOf(line.wire)]);
          },
        });
        live(stage, scene, list);
      }),
    );
  });

  it("a server's reply without an endpoint goes to the client once, as it came", (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const stage = beginLife(scene, beginning, {
          onStep: (step) => {
            const line = lineOf(step, 'server');
            if (line === undefined || !isPlain(step.before, textOf(line.octets))) return;
            // A reply of the gateway may go out with it, before or behind.
            const wanted = textOf(line.octets).length === 3 ? `${textOf(line.octets)} \\r\\n` : textOf(line.wire);
            const copies = sent(step.actions, 'client').filter((text) => text === wanted);
            assert.equal(copies.length, 1);
          },
        });
        live(stage, scene, list);
      }),
    );
  });

  it('lines inside a reply that passes go to the client, set off where one could end there, whatever they say', (t) => {
    const text = fc.constantFrom('227 (10,0,0,5,78,52)', ' 229 (|||9|)', 'text', '500 no', '214-more', '');
    const asSent = (line: string): string => line.replace(/^(?!214-)(?=\d)/, ' ');
    fuzz(
      t,
      fc.property(scenes, beginnings, fc.array(text), (scene, beginning, texts) => {
        const passed: string[] = [];
        const stage = beginLife({ ...scene, limits: {} }, beginning, {
          onAction: (action) => {
            if (action.kind === 'send') passed.push(`${action.to}: ${textOf(action.octets)}`);
          },
        });
        fc.pre(stage.session.phase.kind === 'expect-command');
        stage.octets('client', Buffer.from('HELP\r\nPASV\r\n'));
        const lines = ['214-help', ...texts];
        for (const line of lines) stage.octets('server', Buffer.from(`${line}\r\n`));
        assert.deepEqual(passed, ['server: HELP\\r\\n', ...lines.map((line) => `client: ${asSent(line)}\\r\\n`)]);
      }),
    );
  });

  it('what the server is sent is a line of the client, or one of the four set-up commands', (t) => {
    fuzz(
      t,
      fc.property(scenes, beginnings, moves, (scene, beginning, list) => {
        const setUp = /^(?:PASV|EPSV|PORT \d+(?:,\d+){5}|EPRT \|[12]\|[0-9a-f.:]+\|\d+\|)\\r\\n$/;
        // One may be held until its turn comes.
        let received = '';
        const stage = beginLife(scene, beginning, {
          onStep: (step) => {
            const line = lineOf(step, 'client');
            if (step.event.kind === 'octets') return;
            if (line !== undefined) received = textOf(line.wire);
            for (const text of sent(step.actions, 'server')) {
              if (setUp.test(text)) continue;
              // Without the Telnet commands in front of it; towards a server they are only ever refusals of options.
              assert.ok(received.endsWith(text) || /^(?:\\xff\\xf[ce]\\x..)+$/.test(text), text);
            }
          },
        });
        live(stage, scene, list);
      }),
    );
  });
});
