// Does a password ever stand in a log, at any level, in any spelling of the command, or on an admin page?
//
//   client 127.0.0.1 ──── gateway 127.g:2121, log level trace ──── ProFTPD 127.s:2121

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Lab, openLab } from '../support/lab.ts';
import { loggedLine } from '../support/log-line.ts';
import { listenerYaml, operateGateway } from '../support/operated-gateway.ts';
import { whyNoPeers } from '../support/peers.ts';
import { RawControl } from '../support/raw-control.ts';
import { startServer } from '../support/real-servers.ts';

let lab: Lab;
before(async () => {
  lab = await openLab();
});
after(() => lab.close());

test('no password is written anywhere', { skip: whyNoPeers() }, async () => {
  const server = await startServer(lab, 'ProFTPD');
  const listen = await lab.endpoint();
  const settings = `listeners:\n${listenerYaml('front', listen, server)}log:\n  level: trace\n`;
  const gateway = await operateGateway(lab, settings);
  const secret = 'sEcReT-0815';
  const spellings = [
    `PASS ${secret}`,
    `pass   ${secret}`,
    `PASS ${secret}\0`,
    `PASS ${secret}\rPASS ${secret}`,
    `\xff\xf4\xff\xf2PASS ${secret}`,
    `PASS ${secret}${'x'.repeat(5000)}`,
    `PASS\t${secret}`,
    `ACCT ${secret}`,
    `acct ${secret}\0`,
  ];
  for (const spelling of spellings) {
    // A session of its own for each: the server ends one after three wrong passwords.
    const guess = await RawControl.open(listen);
    assert.match(await guess.reply(), /^220/);
    assert.match(await guess.ask('USER somebody'), /^331/);
    assert.match(await guess.ask(spelling), /^5/, spelling);
    guess.close();
  }
  const control = await RawControl.open(listen);
  assert.match(await control.reply(), /^220/);
  assert.match(await control.ask(`USER ${server.user}`), /^331/);
  assert.match(await control.ask(`PASS ${server.password}`), /^230/);
  assert.match(await control.ask('QUIT'), /^221/);
  await control.ended;
  await loggedLine(gateway.program, { msg: 'login', user: server.user });
  await loggedLine(gateway.program, { msg: 'session ended' });
  const pages = await Promise.all(['/', '/metrics', '/healthz', '/readyz'].map((path) => gateway.page(path)));
  control.close();
  await gateway.program.end();
  const written = [gateway.program.output, ...pages].join('\n');
  assert.ok(gateway.program.output.includes('"msg":"refused"'));
  for (const password of [secret, server.password]) assert.equal(written.includes(password), false);
});
