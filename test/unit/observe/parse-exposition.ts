// Reads the text format of Prometheus strictly, as a scraper would: what it does not understand, it throws at.
// Grammar: https://prometheus.io/docs/instrumenting/exposition_formats/

export interface Family {
  readonly name: string;
  readonly type: string;
  /** By the series as it stands in the text, labels in braces included. */
  readonly samples: ReadonlyMap<string, number>;
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_]\w*="[^"\\]*"(?:,[a-zA-Z_]\w*="[^"\\]*")*\})? (\S+)$/;

export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no LF');
  const families = new Map<string, Family & { samples: Map<string, number> }>();
  let current: (Family & { samples: Map<string, number> }) | undefined;
  let helped: string | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const help = /^# HELP (\S+) \S/.exec(line);
    if (help !== null) {
      helped = help[1];
      continue;
    }
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (type !== null) {
      const [, name = '', kind = ''] = type;
      if (helped !== name || families.has(name)) throw new Error(`TYPE without its HELP, or twice: ${line}`);
      current = { name, type: kind, samples: new Map() };
      families.set(name, current);
      continue;
    }
    if (current === undefined) throw new Error(`a sample without its TYPE: ${line}`);
    readSample(line, current);
  }
  return families;
}

function readSample(line: string, { name: family, type, samples }: Family & { samples: Map<string, number> }): void {
  const sample = sampleLine.exec(line);
  if (sample === null) throw new Error(`no sample: ${line}`);
  const [, name = '', labels = '', value = ''] = sample;
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!name.startsWith(family) || !suffixes.includes(name.slice(family.length))) {
    throw new Error(`not of ${family}: ${line}`);
  }
  if (samples.has(name + labels)) throw new Error(`twice: ${line}`);
  samples.set(name + labels, numberOf(value));
}

/** As Go's ParseFloat, in any case of letters: prom-client writes `Nan` for an average of nothing. */
function numberOf(value: string): number {
  if (/^[+-]?inf$/i.test(value)) return value.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const number = Number(value);
  if (Number.isNaN(number) && value.toLowerCase() !== 'nan') throw new Error(`no number: ${value}`);
  return number;
}
