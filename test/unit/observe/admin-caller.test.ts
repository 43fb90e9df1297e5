// Who gets an admin page? Every way in which a web page of a stranger, a probe, a scraper and an operator ask.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCaller } from '../../../src/observe/admin-caller.ts';

interface Asked {
  readonly target?: string;
  readonly local?: string;
  readonly hosts?: readonly string[];
  /** Besides Host. */
  readonly headers?: readonly string[];
}

function judged(host: string | readonly string[], { target, local, hosts, headers = [] }: Asked = {}) {
  const named = [host].flat().flatMap((value) => ['Host', value]);
  const caller = {
    target: target ?? '/pinholes',
    rawHeaders: [...named, ...headers],
    localAddress: local ?? '10.0.0.1',
  };
  const judgement = judgeCaller(caller, hosts ?? ['gw.example.org', '198.51.100.7', '2001:db8::7']);
  return judgement.ok ? 'page' : `${judgement.reason.status} ${judgement.reason.cause}`;
}

const foreign = '421 foreign-host';
const malformed = '400 malformed-host';
const cross = '403 cross-site';

test('known hosts: the own address, loopback, localhost and what is listed, with any port', () => {
  for (const host of [
    ...['10.0.0.1', '10.0.0.1:9121', '10.0.0.1:1', '127.0.0.1:9121', '127.9.9.9', '[::1]:9121', '[::1]', 'localhost'],
    ...['LocalHost:80', 'localhost.', 'gw.example.org', 'GW.Example.Org.:9121', '198.51.100.7:80', '[2001:db8::7]'],
    ...['[2001:DB8:0:0::7]:9121', '[::ffff:10.0.0.1]', '127.0.0.1.'],
  ]) {
    assert.equal(judged(host), 'page', host);
  }
  assert.equal(judged('[fe80::1%25eth0]:9121', { local: 'fe80::1%eth0' }), 'page');
  assert.equal(judged('[fe80::1%eth0]', { local: 'fe80::1%eth0' }), 'page');
  assert.equal(judged('10.0.0.1', { local: '::ffff:10.0.0.1' }), 'page');
});

test('a name or an address that is nobody of ours is 421', () => {
  for (const host of [
    ...['evil.example', 'evil.example:9121', 'gw.example.org.evil.example', 'xgw.example.org', 'example.org'],
    ...[
      'localhost.evil.example',
      'evil.localhost',
      '127.0.0.1.nip.io',
      '10.0.0.2',
      '0.0.0.0:9121',
      '[::]:9121',
      '[::2]',
    ],
    ...['2130706433', '0x7f000001', '127.1', '[2001:db8::8]', '[fe80::2%eth0]', 'gw.example.org..'],
  ]) {
    assert.equal(judged(host), foreign, host);
  }
  assert.equal(judged('10.0.0.1', { local: '10.0.0.9' }), foreign);
});

test('a host that cannot be read, or two of them, is 400', () => {
  for (const host of [
    ...[
      '10.0.0.1:x',
      '10.0.0.1:123456',
      '::1',
      '[::1',
      '[::1]x',
      '[10.0.0.1]x',
      'a b',
      'user@10.0.0.1',
      'http://10.0.0.1',
    ],
    ...['10.0.0.1/x', 'localhost, evil.example', 'b\u00fccher.example', 'localhost:9121:9121', '[localhost]', ':9121'],
  ]) {
    assert.equal(judged(host), malformed, host);
  }
  assert.equal(judged(['10.0.0.1', '10.0.0.1']), malformed);
  assert.equal(judged(['localhost', 'evil.example']), malformed);
});

test('of a target with a host of its own both count', () => {
  assert.equal(judged('10.0.0.1', { target: 'http://10.0.0.1:9121/pinholes' }), 'page');
  assert.equal(judged('10.0.0.1', { target: 'HTTP://LOCALHOST' }), 'page');
  assert.equal(judged([], { target: 'http://10.0.0.1/metrics' }), 'page');
  assert.equal(judged('10.0.0.1', { target: 'http://evil.example/pinholes' }), foreign);
  assert.equal(judged('evil.example', { target: 'http://10.0.0.1/pinholes' }), foreign);
  for (const target of [
    'http://@/',
    'http://a@10.0.0.1/',
    'ftp://10.0.0.1/',
    'https://10.0.0.1/',
    '10.0.0.1:9121',
    'x',
    '',
  ]) {
    assert.equal(judged('10.0.0.1', { target }), malformed, target);
  }
});

test('the path and the query are those of the target, whatever its form', () => {
  const caller = { rawHeaders: ['host', 'localhost'], localAddress: '127.0.0.1' };
  for (const target of ['/pinholes?state=open', 'http://localhost/pinholes?state=open']) {
    assert.deepEqual(judgeCaller({ ...caller, target }, []), {
      ok: true,
      value: { path: '/pinholes', query: 'state=open' },
    });
  }
  assert.deepEqual(judgeCaller({ ...caller, target: 'http://localhost?x' }, []), {
    ok: true,
    value: { path: '/', query: 'x' },
  });
});

test('without a host there are the pages for probes and scrapers alone', () => {
  for (const target of ['/healthz', '/readyz', '/metrics', '/readyz?verbose'])
    assert.equal(judged([], { target }), 'page');
  for (const target of ['/', '/pinholes', '/other']) {
    assert.equal(judged([], { target }), foreign, target);
    assert.equal(judged('', { target }), foreign, target);
  }
});

test('pages of other sites get nothing, also under a host that is known', () => {
  const fetched = (...headers: string[]) => judged('localhost:9121', { headers });
  assert.equal(fetched('Sec-Fetch-Site', 'cross-site', 'Sec-Fetch-Mode', 'no-cors', 'Sec-Fetch-Dest', 'script'), cross);
  assert.equal(fetched('Sec-Fetch-Site', 'same-site', 'Sec-Fetch-Mode', 'cors'), cross);
  assert.equal(
    fetched('sec-fetch-site', 'cross-site', 'sec-fetch-mode', 'navigate', 'sec-fetch-dest', 'iframe'),
    cross,
  );
  assert.equal(fetched('Sec-Fetch-Site', 'new-word'), cross);
  assert.equal(fetched('Origin', 'http://evil.example'), cross);
  assert.equal(fetched('Origin', 'null'), cross);
  assert.equal(fetched('Origin', 'http://localhost:8080'), cross);
});

test('an operator gets every page: typed, followed from elsewhere, and reloaded by itself', () => {
  const fetched = (...headers: string[]) => judged('localhost:9121', { headers });
  assert.equal(fetched('Sec-Fetch-Site', 'none', 'Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document'), 'page');
  assert.equal(
    fetched('Sec-Fetch-Site', 'cross-site', 'Sec-Fetch-Mode', 'navigate', 'Sec-Fetch-Dest', 'document'),
    'page',
  );
  assert.equal(fetched('Sec-Fetch-Site', 'same-origin', 'Origin', 'http://LOCALHOST:9121'), 'page');
});

test('what is told of a refusal has a bound, and names the setting', () => {
  const rawHeaders = ['Host', `${'a'.repeat(5000)}.example`];
  const judgement = judgeCaller({ target: '/', rawHeaders, localAddress: '10.0.0.1' }, []);
  assert.ok(!judgement.ok);
  assert.equal(judgement.reason.host.length, 255);
  assert.match(judgement.reason.sentence, /admin\.hosts/);
});
