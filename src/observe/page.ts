// What have the pages of the admin address in common? Plain HTML in one answer: no script, nothing loaded from
// elsewhere, so that it works from a jump host and its Content-Security-Policy can forbid everything but its own style.
// Must not break: whatever is put into a page goes through `escaped`.

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body.wide { max-width: none }
table { border-collapse: collapse; margin: 0 0 1.5rem; min-width: 24rem }
caption { text-align: left; font-weight: 600; padding: .25rem 0 }
th { text-align: left; font-weight: normal; padding-right: 2rem }
thead th { font-weight: 600 }
td { text-align: right; font-variant-numeric: tabular-nums }
td.text { text-align: left; padding-right: 2rem; white-space: nowrap }
td.number { padding-right: 2rem }
tr { border-top: 1px solid #8885 }
.state { font-size: 1.25rem }`;

interface PageParts {
  readonly title: string;
  readonly width: 'column' | 'wide';
  /** How often a browser asks again. */
  readonly refreshSeconds: number;
  /** HTML, its texts escaped. */
  readonly body: string;
}

/** A whole document in UTF-8. */
export function page({ title, width, refreshSeconds, body }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="${refreshSeconds}">
<title>${escaped(title)}</title>
<style>${style}
</style>
</head>
<body${width === 'wide' ? ' class="wide"' : ''}>
${body}
</body>
</html>
`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
