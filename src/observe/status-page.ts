// What does an operator see who opens the admin address in a browser? The state in one line, the numbers that tell
// whether all is well, and where the rest is.
// Only numbers and texts of this program stand on it; they are escaped all the same.

import type { CounterName, GaugeName } from './metric-table.ts';
import type { Metrics } from './metrics.ts';
import { escaped, page } from './page.ts';

// Quick enough to watch a login happen, slow enough to cost nothing.
const refreshSeconds = 5;

interface Row {
  readonly name: string;
  readonly value: number;
}

/** The page as a whole document in UTF-8. `state` is one sentence about the gateway as a whole. */
export function statusPage(metrics: Metrics, state: string): string {
  const tables = [
    table('Now', nowRows(metrics)),
    table('Sessions ended', rowsOf(metrics, 'sessions_total')),
    table('Ways for data connections', rowsOf(metrics, 'ways_total')),
    table('Refused', [
      ...rowsOf(metrics, 'refusals_total'),
      { name: 'connections of strangers', value: metrics.total('strangers_total') },
    ]),
    table('Bounce attempts', rowsOf(metrics, 'bounce_attempts_total')),
    table('Octets of data', rowsOf(metrics, 'data_octets_total')),
  ];
  const body = `<h1>Portcullis</h1>
<p class="state">${escaped(state)}</p>
${tables.join('\n')}
<p><a href="/pinholes">/pinholes</a> for the data connections one by one,
<a href="/metrics">/metrics</a> for Prometheus,
<a href="/healthz">/healthz</a> and <a href="/readyz">/readyz</a> for supervisors and load balancers.</p>`;
  return page({ title: 'Portcullis', width: 'column', refreshSeconds, body });
}

function nowRows(metrics: Metrics): readonly Row[] {
  return [
    { name: 'sessions', value: metrics.total('sessions_active') },
    { name: 'sessions, at most', value: metrics.total('sessions_limit') },
    ...rowsOf(metrics, 'ways_active').map(({ name, value }) => ({ name: `ways, ${name}`, value })),
    { name: 'data ports in use', value: metrics.total('data_ports_in_use') },
    { name: 'data ports, at most', value: metrics.total('data_ports_limit') },
    { name: 'engines', value: metrics.total('engines') },
    { name: 'internal errors', value: metrics.total('internal_errors_total') },
  ];
}

function rowsOf(metrics: Metrics, metric: CounterName | GaugeName): readonly Row[] {
  return metrics.totals(metric).map(({ labels, value }) => ({ name: Object.values(labels).join(', '), value }));
}

function table(caption: string, rows: readonly Row[]): string {
  const body = rows.map(
    ({ name, value }) => `<tr><th scope="row">${escaped(name)}</th><td>${grouped(value)}</td></tr>`,
  );
  return `<table>\n<caption>${escaped(caption)}</caption>\n${body.join('\n')}\n</table>`;
}

function grouped(value: number): string {
  return value.toLocaleString('en-GB', { maximumFractionDigits: 0 });
}
