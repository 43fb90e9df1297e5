// What does SIGHUP change? New sessions get the new settings, live ones keep theirs to their end, but for the rules,
// which hold from their next command on; settings that cannot come into force leave the old ones as they were, and the
// log says why.
//
//   client 127.0.0.1 ──── gateway 127.g:2121 (and more addresses, as settings say) ──── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { DataPort } from '../support/data-ends.ts';
import { greets, isClosed } from '../support/front-door.ts';
import { type Lab, type LabEndpoint, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { listenerYaml, type OperatedGateway, operateGateway } from '../support/operated-gateway.ts';
import { RawControl } from '../support/raw-control.ts';
import { changedRules } from '../support/rules-file.ts';
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

/** The status of the list of data connections for whoever asks by this name, as a browser does whose DNS leads here. */
async function statusUnder(host: string, { file }: OperatedGateway): Promise<number | undefined> {
  const [, at] = /^admin:\n {2}listen: "(.*)"$/m.exec(await readFile(file, 'utf8')) ?? [];
  return new Promise((resolve, reject) => {
    request(`http://${at}/pinholes`, { headers: { Host: host } }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    })
      .once('error', reject)
      .end();
  });
}

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

    test('a new listener is opened, and the session that was there is not touched', async () => {
      const both = [listenerYaml('first', first, server), listenerYaml('second', second, server)];
      assert.equal(await gateway.reload(settings(both)), 'applied');
      await greets(second);
      await greets(first);
      assert.match(await veteran.ask('NOOP'), /^200/);
      assert.equal(await gateway.metric('portcullis_settings_reload_total{result="applied"}'), 1);
    });

    test('new rules hold for everybody from the next command on, new limits for new sessions only', async () => {
      assert.match(await veteran.ask('PORT 0,0,0,0,157,16'), /^200/);
      await loggedLine(gateway.program, { msg: 'address replaced', cause: 'unspecified-address' });
      const rules = await changedRules(lab, 'stricter', {
        'unspecifiedAddress: replace': 'unspecifiedAddress: refuse',
      });
      const more = `rules: ${rules}\nlimits:\n  loginTimeout: 10s\nsessions:\n  perClient: 2\n`;
      assert.equal(await gateway.reload(settings([listenerYaml('first', first, server)], more)), 'applied');
      const recruit = await RawControl.login(first, server);
      assert.match(await recruit.ask('PORT 0,0,0,0,157,16'), /^501/);
      assert.match(await veteran.ask('PORT 0,0,0,0,157,16'), /^501/);
      const replaced = 'portcullis_address_replacements_total{cause="unspecified-address"}';
      assert.equal(await gateway.metric(replaced), 1);
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

    test('new names for the admin pages hold at once', async () => {
      const status = () => statusUnder('ftp-gw.example.org', gateway);
      assert.equal(await status(), 421);
      await loggedLine(gateway.program, { msg: 'admin request refused', host: 'ftp-gw.example.org' });
      assert.equal(await gateway.metric('portcullis_admin_requests_refused_total{cause="foreign-host"}'), 1);
      assert.equal(await gateway.reload(settings([listenerYaml('first', first, server)])), 'applied');
      await appendFile(gateway.file, '  hosts: [FTP-GW.example.org]\n');
      gateway.program.signal('SIGHUP');
      await becomes(status, 200);
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

test('a quieter log level holds in the whole program', async (t) => {
  const lab = await openLab();
  t.after(() => lab.close());
  const server = await startScriptedServer(lab);
  const listeners = `listeners:\n${listenerYaml('front', await lab.endpoint(), server)}`;
  const gateway = await operateGateway(lab, listeners);
  await gateway.reload(listeners);
  const file = await readFile(gateway.file, 'utf8');
  await writeFile(gateway.file, `${file}log:\n  level: error\n`);
  gateway.program.signal('SIGHUP');
  await becomes(() => gateway.metric('portcullis_settings_reload_total{result="applied"}'), 2);
  gateway.program.signal('SIGTERM');
  const { exitCode, output } = await gateway.program.finished;
  assert.equal(exitCode, 0);
  assert.doesNotMatch(output, /"msg":"(draining|stopped)"/);
});
