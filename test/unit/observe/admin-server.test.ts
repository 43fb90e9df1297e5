import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type AdminServerParts, type AdminServerStart, startAdminServer } from '../../../src/observe/admin-server.ts';
import { createMetrics } from '../../../src/observe/metrics.ts';
import { Tally } from '../../../src/observe/tally.ts';
import { done } from '../../../src/result.ts';
import { parseExposition } from './parse-exposition.ts';
import { wayEntry } from './way-entries.ts';

const loopback = (port: number) => ({ address: { family: 4, text: '127.0.0.1' }, port }) as const;
const yes = () => done;
const no = (reason: string) => () => ({ ok: false, reason }) as const;

function parts(changes: Partial<AdminServerParts> = {}): AdminServerParts & { own: Tally; engine: Tally } {
  const own = Tally.create(['USER']);
  const engine = Tally.create(['USER']);
  const metrics = createMetrics({ own, engines: () => [engine], certificates: () => [], version: '1.2.3' });
  const onError = (error: unknown) => {
    throw error;
  };
  const listWays = () => Promise.resolve({ ways: [], missingEngines: 0 });
  const [hosts, onRefused] = [() => [], () => undefined];
  const told = { health: yes, readiness: yes, listWays, hosts, onRefused, onError };
  return { own, engine, listen: loopback(0), metrics, ...told, ...changes };
}

async function started(t: TestContext, given: AdminServerParts) {
  const start = await startAdminServer(given);
  assert.ok(start.ok);
  t.after(() => start.value.close());
  const { port } = start.value.endpoint;
  return { server: start.value, port, url: `http://127.0.0.1:${port}` };
}

function problemOf(start: AdminServerStart) {
  assert.ok(!start.ok);
  return start.reason;
}

test('/metrics over HTTP is what a scraper reads, and shows what engines counted since', async (t) => {
  const given = parts();
  const { url } = await started(t, given);
  given.engine.count('refusals_total', 'third-party');
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const families = parseExposition(await response.text());
  const refusals = families.get('portcullis_refusals_total');
  assert.equal(refusals?.type, 'counter');
  assert.equal(refusals.samples.get('portcullis_refusals_total{cause="third-party"}'), 1);
  assert.equal(refusals.samples.get('portcullis_refusals_total{cause="low-port"}'), 0);
});

test('probes say 200, or 503 with the reason', async (t) => {
  const { url } = await started(t, parts({ readiness: no('draining') }));
  const health = await fetch(`${url}/healthz`);
  assert.equal(health.status, 200);
  assert.equal(await health.text(), 'ok\n');
  const ready = await fetch(`${url}/readyz?verbose`);
  assert.equal(ready.status, 503);
  assert.equal(await ready.text(), 'draining\n');
});

test('the page shows the state and live numbers, escapes, and loads nothing', async (t) => {
  const given = parts({ readiness: no('draining <b>') });
  const { url } = await started(t, given);
  given.engine.raise('sessions_active', 1234);
  given.engine.count('refusals_total', 'low-port');
  const response = await fetch(`${url}/`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/html/);
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  const page = await response.text();
  assert.ok(page.includes('Not ready: draining &#60;b&#62;'));
  assert.ok(page.includes('<th scope="row">sessions</th><td>1,234</td>'));
  assert.ok(page.includes('<th scope="row">low-port</th><td>1</td>'));
  assert.ok(page.includes('<th scope="row">relay, opened</th><td>0</td>'));
  for (const link of ['/pinholes', '/metrics', '/healthz', '/readyz']) assert.ok(page.includes(`href="${link}"`));
  assert.ok(!/<script|src=|https?:/.test(page));
});

test('an unhealthy gateway says so first', async (t) => {
  const { url } = await started(t, parts({ health: no('engine 1 does not answer') }));
  assert.equal((await fetch(`${url}/healthz`)).status, 503);
  assert.match(await (await fetch(url)).text(), /Unhealthy: engine 1 does not answer/);
});

test('/pinholes is JSON for programs, filtered as asked, and says how many engines are missing', async (t) => {
  const ways = [wayEntry({ way: 2, state: 'open' }), wayEntry({ way: 1, state: 'completed' })];
  const { url } = await started(t, parts({ listWays: () => Promise.resolve({ ways, missingEngines: 1 }) }));
  const all = await fetch(`${url}/pinholes`);
  assert.equal(all.headers.get('content-type'), 'application/json');
  assert.deepEqual(await all.json(), { ways, missingEngines: 1 });
  const open = await fetch(`${url}/pinholes?state=open&client=192.0.2.7`);
  assert.deepEqual(await open.json(), { ways: ways.slice(0, 1), missingEngines: 1 });
  assert.deepEqual(await (await fetch(`${url}/pinholes?client=192.0.2.8`)).json(), { ways: [], missingEngines: 1 });
  const wrong = await fetch(`${url}/pinholes?state=live`);
  assert.equal(wrong.status, 400);
  assert.match(await wrong.text(), /^state is one of /);
});

test('/pinholes is a table for browsers, escaped, in the same order', async (t) => {
  const ways = [
    wayEntry({ way: 2, openedAt: new Date().toISOString(), reason: '<b>' }),
    wayEntry({ way: 1, state: 'completed', octetsToClient: 1234 }),
  ];
  const { url } = await started(t, parts({ listWays: () => Promise.resolve({ ways, missingEngines: 1 }) }));
  const headers = { Accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' };
  const response = await fetch(`${url}/pinholes`, { headers });
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(response.headers.get('vary'), 'Accept');
  const page = await response.text();
  assert.match(page, /Engines that did not answer, so not listed: 1/);
  assert.match(page, /<td class="text">\d s ago<\/td><td class="text">open<\/td>.*&#60;b&#62;.*>completed<.*>1,234</s);
  assert.ok(!/<b>|<script|src=|https?:/.test(page));
});

test('nothing else is there, and nothing can be sent', async (t) => {
  const { url } = await started(t, parts());
  assert.equal((await fetch(`${url}/admin`)).status, 404);
  assert.equal((await fetch(`${url}//`)).status, 404);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await fetch(`${url}/metrics`, { method });
    assert.equal(response.status, 405, method);
    assert.equal(response.headers.get('allow'), 'GET, HEAD');
  }
});

test('HEAD is GET without the body', async (t) => {
  const { url } = await started(t, parts());
  const response = await fetch(`${url}/healthz`, { method: 'HEAD' });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-length'), '3');
  assert.equal(await response.text(), '');
});

test('a fault while answering is 500 and told, and the next answer comes', async (t) => {
  const errors: unknown[] = [];
  const fault = new Error('a fault');
  const health = () => {
    throw fault;
  };
  const { url } = await started(t, parts({ health, onError: (error) => errors.push(error) }));
  const response = await fetch(`${url}/healthz`);
  assert.equal(response.status, 500);
  assert.equal(await response.text(), 'internal error\n');
  assert.deepEqual(errors, [fault]);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
});

async function raw(port: number, octets: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(octets);
  return text(socket);
}

test('a name that leads here gets no page, and is told, until an operator lists it', async (t) => {
  const told: unknown[] = [];
  let hosts: readonly string[] = [];
  const onRefused: AdminServerParts['onRefused'] = ({ cause, host }, client) => told.push([cause, host, client]);
  const { port } = await started(t, parts({ hosts: () => hosts, onRefused }));
  const ask = (path: string) => raw(port, `GET ${path} HTTP/1.1\r\nHost: gw.example.org\r\nConnection: close\r\n\r\n`);
  for (const path of ['/', '/pinholes', '/metrics', '/healthz', '/readyz', '/other']) {
    const answer = await ask(path);
    assert.match(answer, /^HTTP\/1\.1 421 /, path);
    assert.match(answer, /list the name under admin\.hosts\.\n$/, path);
  }
  assert.deepEqual(told[0], ['foreign-host', 'gw.example.org', '127.0.0.1']);
  assert.equal(told.length, 6);
  hosts = ['gw.example.org'];
  assert.match(await ask('/pinholes'), /^HTTP\/1\.1 200 /);
});

test('a request with two hosts, without one, or for another place gets no list', async (t) => {
  const { port } = await started(t, parts());
  const close = 'Connection: close\r\n\r\n';
  const two = `GET /pinholes HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n${close}`;
  assert.match(await raw(port, two), /^HTTP\/1\.1 400 /);
  const absolute = `GET http://evil.example/pinholes HTTP/1.1\r\nHost: localhost\r\n${close}`;
  assert.match(await raw(port, absolute), /^HTTP\/1\.1 421 /);
  assert.match(await raw(port, 'GET /pinholes HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 /);
  assert.match(await raw(port, 'GET /readyz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

test('pages of other sites are refused, and what is given may not be shown in them', async (t) => {
  const { url } = await started(t, parts());
  const response = await fetch(`${url}/pinholes`, { headers: { 'Sec-Fetch-Site': 'cross-site' } });
  assert.equal(response.status, 403);
  const { headers } = await fetch(`${url}/metrics`);
  assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin');
  assert.equal(headers.get('access-control-allow-origin'), null);
});

test('a header without end is refused at 8 KiB', async (t) => {
  const { port } = await started(t, parts());
  assert.match(await raw(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(10_000)}`), /^HTTP\/1.1 431 /);
});

test('a client that never finishes its header is cut off within seconds', async (t) => {
  const { port } = await started(t, parts());
  const fromMs = performance.now();
  assert.match(await raw(port, 'GET /metrics HTTP/1.1\r\nHost: h\r\nX-Slow: '), /^HTTP\/1.1 408 /);
  assert.ok(performance.now() - fromMs < 55_000, 'Node left to itself takes a minute');
});

test('what is no HTTP is refused', async (t) => {
  const { port } = await started(t, parts());
  assert.match(await raw(port, 'USER anonymous\r\n'), /^HTTP\/1.1 400 /);
});

test('a port in use is one sentence', async (t) => {
  const { server } = await started(t, parts());
  const { port } = server.endpoint;
  assert.deepEqual(problemOf(await startAdminServer(parts({ listen: server.endpoint }))), {
    code: 'port-in-use',
    sentence: `The admin server cannot listen on 127.0.0.1:${port}: something else listens on that port.`,
  });
});

test('an address of another host is one sentence', async () => {
  const elsewhere = { address: { family: 4, text: '192.0.2.1' }, port: 9121 } as const;
  assert.deepEqual(problemOf(await startAdminServer(parts({ listen: elsewhere }))), {
    code: 'address-not-available',
    sentence: 'The admin server cannot listen on 192.0.2.1:9121: this host does not have that address.',
  });
});

test('closing ends idle connections and frees the port', async () => {
  const start = await startAdminServer(parts());
  assert.ok(start.ok);
  const { endpoint } = start.value;
  const idle = connect(endpoint.port, '127.0.0.1');
  await once(idle, 'connect');
  idle.write('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n');
  await once(idle, 'data');
  const gone = once(idle, 'close');
  idle.resume();
  await start.value.close();
  await gone;
  const again = await startAdminServer(parts({ listen: endpoint }));
  assert.ok(again.ok);
  await again.value.close();
});

test('closing does not wait for a request that never becomes whole', async () => {
  const start = await startAdminServer(parts());
  assert.ok(start.ok);
  const half = connect(start.value.endpoint.port, '127.0.0.1');
  // One whole request shows that the server has this connection; a half one follows.
  half.write('GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nGET /metrics HTTP/1.1\r\n');
  await once(half, 'data');
  let heard = '';
  half
    .on('error', () => undefined)
    .on('data', (octets) => {
      heard += octets;
    });
  const gone = once(half, 'close');
  await start.value.close();
  await gone;
  assert.equal(heard, '', 'not even the 408 of its time-out');
});
