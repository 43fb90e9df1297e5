// What does SIGHUP change? New sessions get the new settings, live ones keep theirs to their end; settings that cannot come into
// force leave the old ones as they were, and the log says why.
//
//   client 127.0.0.1 ──── gateway 127.g:2121 (and more addresses, as settings say) ──── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DataPort } from '../support/data-ends.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { listenerYaml, type OperatedGateway, operateGateway } from '../support/operated-gateway.ts';
import { RawControl } from '../support/raw-control.ts';
import { changedRules } from '../support/rules-file.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

for (const engines of [1, 2]) {
  describe(`SIGHUP, engines: ${engines}`, () => {
    let lab: Lab;
    let server: ScriptedServer;
    let gateway: OperatedGateway;
    let first: LabEndpoint;
    let second: LabEndpoint;
    /** Logged in before any reload. */
    let veteran: RawControl;

    before(async () => {
      lab = await openLab();
      server = await startScriptedServer(lab, { verbs: { PORT: '200 PORT command successful.' } });
      [first, second] = [await lab.endpoint(), await lab.endpoint()];
      gateway = await operateGateway(lab, settings([listenerYaml('first', first, server)]));
      veteran = await RawControl.login(first, server);
    });
    after(async () => {
      veteran.close();
      await lab.close();
    });

    function settings(listeners: readonly string[], more = ''): string {
      return `listeners:\n${listeners.join('')}engines: ${engines}\n${more}`;
    }

    async function greets(listen: LabEndpoint): Promise<void> {
      const control = await RawControl.open(listen);
      assert.match(await control.reply(), /^220/);
      control.close();
    }

    async function isClosed(listen: LabEndpoint): Promise<void> {
      await assert.rejects(
        RawControl.open(listen).then((control) => control.close()),
        { code: 'ECONNREFUSED' },
      );
    }

    test('a new listener is opened, and the session that was there is not touched', async () => {
      const both = [listenerYaml('first', first, server), listenerYaml('second', second, server)];
      assert.equal(await gateway.reload(settings(both)), 'applied');
      await greets(second);
      await greets(first);
      assert.match(await veteran.ask('NOOP'), /^200/);
      assert.equal(await gateway.metric('portcullis_settings_reload_total{result="applied"}'), 1);
    });

    test('new rules and limits hold for new sessions only', async () => {
      const rules = await changedRules(lab, 'stricter', {
        'unspecifiedAddress: replace': 'unspecifiedAddress: refuse',
      });
      const more = `rules: ${rules}\nlimits:\n  loginTimeout: 10s\nsessions:\n  perClient: 2\n`;
      assert.equal(await gateway.reload(settings([listenerYaml('first', first, server)], more)), 'applied');
      const recruit = await RawControl.login(first, server);
      assert.match(await recruit.ask('PORT 0,0,0,0,31,144'), /^501/);
      assert.match(await veteran.ask('PORT 0,0,0,0,31,144'), /^200/);
      const third = await RawControl.open(first);
      assert.match(await third.reply(), /^421 Too many connections from your address/);
      await third.ended;
      for (const control of [recruit, third]) control.close();
      await becomes(() => gateway.metric('portcullis_sessions_active'), 1);
    });

    test('a removed listener is closed', async () => {
      await isClosed(second);
      await greets(first);
    });

    test('a listener may get another name where it is', async () => {
      assert.equal(await gateway.reload(settings([listenerYaml('renamed', first, server)])), 'applied');
      const recruit = await RawControl.login(first, server);
      assert.match(await recruit.ask('LPSV'), /^502/);
      await loggedLine(gateway.program, { msg: 'refused', listener: 'renamed' });
      assert.match(await veteran.ask('NOOP'), /^200/);
      recruit.close();
      await becomes(() => gateway.metric('portcullis_sessions_active'), 1);
    });

    test('a file with a mistake leaves the old settings in force and says where it is', async () => {
      assert.equal(await gateway.reload('listeners:\n  - name: first\n    mode: revers\n'), 'refused');
      const problem = new RegExp(`"[^\\n]*${gateway.file}:3:11: [^\\n]*"`);
      await loggedLine(gateway.program, { msg: 'settings not reloaded; the old ones stay in force', problem });
      await greets(first);
      assert.match(await veteran.ask('NOOP'), /^200/);
      assert.equal(await gateway.metric('portcullis_settings_reload_total{result="refused"}'), 1);
    });

    test('a new listener whose port is taken: nothing changes, not even the listener beside it', async () => {
      const taken = await DataPort.open(lab, (await lab.endpoint()).host, 2121);
      const beside = await lab.endpoint();
      const listeners = [
        ...[listenerYaml('beside', beside, server), listenerYaml('first', first, server)],
        listenerYaml('taken', taken, server),
      ];
      assert.equal(await gateway.reload(settings(listeners)), 'refused');
      const problem = new RegExp(`"listener taken: ${taken.host}:2121 is in use by another program[^\\n]*"`);
      await loggedLine(gateway.program, { problem });
      await isClosed(beside);
      await greets(first);
      assert.match(await veteran.ask('NOOP'), /^200/);
    });
  });
}
