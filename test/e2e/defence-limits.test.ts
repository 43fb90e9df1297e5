// Is a client that finds no room, no server or no time told so? Each bound is answered with 421 and a reason, never
// with silence.
//
//   clients 127.a, 127.b, 127.c ──── gateway 127.g:2121 ──── server 127.s:2121 (scripted)

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { RawControl } from '../support/raw-control.ts';
import { startScriptedServer } from '../support/scripted-server.ts';
import { becomes } from '../support/watch.ts';

describe('limits', () => {
  let lab: Lab;
  before(async () => {
    lab = await openLab();
  });
  after(() => lab.close());

  for (const engines of [1, 2]) {
    test(`sessions in all and per client address, engines: ${engines}`, async () => {
      const server = await startScriptedServer(lab);
      const top = ['sessions:', '  max: 3', '  perClient: 2', `engines: ${engines}`];
      const gateway = await startGateway(lab, server, { top });
      const [a, b, c] = [await lab.endpoint(), await lab.endpoint(), await lab.endpoint()].map(({ host }) => host);
      const first = await RawControl.login(gateway, server, a);
      const others = [await RawControl.login(gateway, server, a), await RawControl.login(gateway, server, b)];

      const tooMany = await RawControl.open(gateway, c);
      assert.equal(await tooMany.reply(), '421 Too many connections to this gateway; try again later.');
      await tooMany.ended;
      await loggedLine(gateway.program, { msg: 'session refused', client: printed(tooMany), cause: 'total' });
      assert.equal(await gateway.metric('portcullis_sessions_total{outcome="refused-limit"}'), 1);

      others.pop()?.close();
      await becomes(() => gateway.metric('portcullis_sessions_active'), 2);
      const third = await RawControl.open(gateway, a);
      assert.equal(await third.reply(), '421 Too many connections from your address; close one first.');
      await third.ended;
      await loggedLine(gateway.program, { msg: 'session refused', client: printed(third), cause: 'client' });
      assert.equal(await gateway.metric('portcullis_sessions_total{outcome="refused-client-limit"}'), 1);

      first.close();
      await becomes(() => gateway.metric('portcullis_sessions_active'), 1);
      others.push(await RawControl.login(gateway, server, a));
      for (const session of [...others, tooMany, third]) session.close();
      await becomes(() => gateway.metric('portcullis_sessions_active'), 0);
    });
  }

  test('no login in time', async () => {
    const server = await startScriptedServer(lab);
    const gateway = await startGateway(lab, server, { top: ['limits:', '  loginTimeout: 5s'] });
    const member = await RawControl.login(gateway, server);
    const loiterer = await RawControl.open(gateway);
    assert.match(await loiterer.reply(), /^220/);
    assert.match(await loiterer.ask('USER tester'), /^331/);
    assert.equal(await loiterer.reply(), '421 No login in time; closing the control connection.');
    assert.equal(await loiterer.ended, 'end');
    await loggedLine(gateway.program, { outcome: 'timeout-login', client: printed(loiterer) });
    assert.equal(await gateway.metric('portcullis_sessions_total{outcome="timeout-login"}'), 1);
    assert.match(await member.ask('NOOP'), /^200/);
    for (const session of [member, loiterer]) session.close();
  });

  test('a server that accepts and never greets', async () => {
    const server = await startScriptedServer(lab, { greeting: 'silent' });
    const gateway = await startGateway(lab, server, { top: ['limits:', '  greetingTimeout: 1s'] });
    const client = await RawControl.open(gateway);
    // What the client says meanwhile must not be taken by a server that has not spoken.
    client.send('USER tester\r\n');
    assert.equal(await client.reply(), '421 The FTP server sent no greeting in time; try again later.');
    assert.equal(await client.ended, 'end');
    await loggedLine(gateway.program, { outcome: 'timeout-greeting', server: `${server.host}:${server.port}` });
    assert.deepEqual(server.lines, []);
    client.close();
  });
});

function printed(control: RawControl): string {
  return `${control.local.host}:${control.local.port}`;
}
