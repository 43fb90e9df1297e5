import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { definitionOf, exposedName, metricNames } from '../../../src/observe/metric-table.ts';
import { createMetrics, type Metrics, type ShownCertificate } from '../../../src/observe/metrics.ts';
import { Tally } from '../../../src/observe/tally.ts';
import { parseExposition } from './parse-exposition.ts';

const verbs = ['USER', 'RETR'];

function threeTallies(certificates: readonly ShownCertificate[] = []): {
  own: Tally;
  engines: [Tally, Tally];
  metrics: Metrics;
} {
  const own = Tally.create(verbs);
  const engines: [Tally, Tally] = [Tally.create(verbs), Tally.create(verbs)];
  return {
    own,
    engines,
    metrics: createMetrics({ own, engines: () => engines, certificates: () => certificates, version: '1.2.3' }),
  };
}

async function scrape(metrics: Metrics) {
  const families = parseExposition(await metrics.text());
  return (family: string, series = family) => families.get(family)?.samples.get(series);
}

test('a scrape shows the sum of all threads', async () => {
  const { own, engines, metrics } = threeTallies();
  engines[0].count('commands_total', 'RETR');
  engines[1].count('commands_total', 'RETR');
  engines[1].count('commands_total', 'XYZZY');
  engines[0].raise('sessions_active', 5);
  engines[1].raise('sessions_active', -1);
  own.set('sessions_limit', 100);
  const value = await scrape(metrics);
  assert.equal(value('portcullis_commands_total', 'portcullis_commands_total{verb="RETR"}'), 2);
  assert.equal(value('portcullis_commands_total', 'portcullis_commands_total{verb="other"}'), 1);
  assert.equal(value('portcullis_sessions_active'), 4);
  assert.equal(value('portcullis_sessions_limit'), 100);
  assert.equal(metrics.total('commands_total', 'RETR'), 2);
});

test('a second scrape shows the present, not what was added to the first', async () => {
  const { engines, metrics } = threeTallies();
  engines[0].count('strangers_total');
  await metrics.text();
  engines[0].count('strangers_total');
  const value = await scrape(metrics);
  assert.equal(value('portcullis_strangers_total'), 2);
});

test('every series of every closed list is there before anything happened, at zero', async () => {
  const { own, metrics } = threeTallies();
  const families = parseExposition(await metrics.text());
  for (const metric of metricNames) {
    const { type, perEngine } = definitionOf(metric);
    const family = families.get(exposedName(metric));
    assert.equal(family?.type, type, metric);
    const series = perEngine === true ? 2 : own.layout.seriesOf(metric).length;
    const lines = type === 'histogram' ? own.layout.bucketsOf(metric).length + 3 : 1;
    assert.equal(family.samples.size, series * lines, metric);
    for (const [name, value] of family.samples) assert.equal(value, 0, name);
  }
  const refusals = families.get('portcullis_refusals_total')?.samples;
  assert.equal(refusals?.get('portcullis_refusals_total{cause="third-party"}'), 0);
});

test('certificates count down to their end, by listener and subject, and go with the settings', async () => {
  const certificates: ShownCertificate[] = [];
  const { metrics } = threeTallies(certificates);
  const family = 'portcullis_tls_certificate_expiry_seconds';
  assert.equal(parseExposition(await metrics.text()).get(family)?.samples.size, 0);
  const subject = 'CN=ftp.example.org, O=Example';
  const inSeconds = (seconds: number) => Date.now() + 1000 * seconds;
  certificates.push(
    { listener: 'front', subject, notAfterMs: inSeconds(1000) },
    { listener: 'front', subject, notAfterMs: inSeconds(9000) },
    { listener: 'back', subject: 'CN=b', notAfterMs: inSeconds(-500) },
  );
  const samples = parseExposition(await metrics.text()).get(family)?.samples;
  const values = [...(samples?.values() ?? [])].map(Math.round).sort((a, b) => a - b);
  assert.deepEqual(values, [-500, 1000]);
  certificates.length = 0;
  assert.equal(parseExposition(await metrics.text()).get(family)?.samples.size, 0);
});

test('buckets are cumulative and +Inf is the count', async () => {
  const { engines, metrics } = threeTallies();
  engines[0].observe('transfer_duration_seconds', 0.015625, 'download');
  engines[1].observe('transfer_duration_seconds', 0.015625, 'download');
  engines[1].observe('transfer_duration_seconds', 45, 'download');
  engines[1].observe('transfer_duration_seconds', 7200, 'download');
  const value = await scrape(metrics);
  const family = 'portcullis_transfer_duration_seconds';
  const bucket = (le: string) => value(family, `${family}_bucket{direction="download",le="${le}"}`);
  assert.equal(bucket('0.01'), 0);
  assert.equal(bucket('0.03'), 2);
  assert.equal(bucket('30'), 2);
  assert.equal(bucket('60'), 3);
  assert.equal(bucket('3600'), 3);
  assert.equal(bucket('+Inf'), 4);
  assert.equal(value(family, `${family}_count{direction="download"}`), 4);
  assert.equal(value(family, `${family}_sum{direction="download"}`), 7245.03125);
  assert.equal(value(family, `${family}_count{direction="upload"}`), 0);
});

test('what belongs to one engine is shown by engine', async () => {
  const { engines, metrics } = threeTallies();
  engines[0].increase('engine_busy_seconds_total', 1.5);
  engines[1].increase('engine_busy_seconds_total', 2.5);
  const value = await scrape(metrics);
  const family = 'portcullis_engine_busy_seconds_total';
  assert.equal(value(family, `${family}{engine="0"}`), 1.5);
  assert.equal(value(family, `${family}{engine="1"}`), 2.5);
  assert.equal(value(family), undefined, 'and not as a sum');
});

test('the version, the process and the event loop are there', async () => {
  const { metrics } = threeTallies();
  const value = await scrape(metrics);
  const info = `portcullis_build_info{version="1.2.3",node="${process.version}"}`;
  assert.equal(value('portcullis_build_info', info), 1);
  assert.ok(Number(value('process_resident_memory_bytes')) > 1_000_000);
  assert.notEqual(value('nodejs_eventloop_lag_seconds'), undefined);
});

test('a thread that never turns its event loop is read all the same', async () => {
  const { engines, metrics } = threeTallies();
  const halt = new Int32Array(new SharedArrayBuffer(4));
  const module = JSON.stringify(new URL('../../../src/observe/tally.ts', import.meta.url).href);
  // It counts, says so, and blocks as an engine does in epoll, until it is told to end.
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const tally = import('tsx/esm/api').then(({ tsImport }) => tsImport(${module}, ${module}));
    tally.then(({ Tally }) => {
      Tally.over(workerData.buffer, workerData.verbs).count('internal_errors_total');
      parentPort.postMessage('counted');
      Atomics.wait(workerData.halt, 0, 0);
    });`;
  const worker = new Worker(source, { eval: true, workerData: { buffer: engines[1].buffer, verbs, halt } });
  await once(worker, 'message');
  const ended = once(worker, 'exit');
  try {
    const value = await scrape(metrics);
    assert.equal(value('portcullis_internal_errors_total'), 1);
  } finally {
    Atomics.store(halt, 0, 1);
    Atomics.notify(halt, 0);
  }
  await ended;
});
