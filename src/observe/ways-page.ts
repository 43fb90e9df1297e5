// /pinholes for a browser: the data connections of the gateway as one table, newest first.

import { escaped, page } from './page.ts';
import type { WayListing } from './way-entry.ts';
import { wayColumns } from './way-table.ts';

// A data connection that nobody uses lives for half a minute.
const refreshSeconds = 5;

export function waysPage({ ways, missingEngines }: WayListing, nowMs: number): string {
  const headings = wayColumns.map(({ heading }) => `<th scope="col">${escaped(heading)}</th>`);
  const rows = ways.map((entry) => {
    const cells = wayColumns.map(
      ({ align, cell }) => `<td class="${align === 'left' ? 'text' : 'number'}">${escaped(cell(entry, nowMs))}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  const missing =
    missingEngines === 0 ? '' : `<p class="state">Engines that did not answer, so not listed: ${missingEngines}</p>\n`;
  const body = `<h1>Data connections</h1>
${missing}<table>
<caption>Those that are expected or flow, and the last that ended: ${ways.length}</caption>
<thead><tr>${headings.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
<p>Only <a href="/pinholes?state=open">those expected</a>, <a href="/pinholes?state=used">those that flow</a>,
<a href="/pinholes">all</a>; of one client: <code>/pinholes?client=ADDRESS</code>. <a href="/">The gateway</a></p>`;
  return page({ title: 'Portcullis: data connections', width: 'wide', refreshSeconds, body });
}
