// What is measured? Each row is one kind of load, and the figures that its sample yields.
// The rule: a row says only what a user of a gateway would notice, and what the gateway's machine pays for it.

import type { Load, Sample } from './generator.ts';

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
}

export interface Row {
  /** What --rows matches. */
  readonly id: string;
  readonly title: string;
}

/** A row that loads a gateway for a window of time. */
export interface WindowRow extends Row {
  readonly load: Load;
  /** gatewaySeconds is the gateway's processor time in the window, 0 when the kernel is the gateway. */
  readonly figures: (sample: Sample, gatewaySeconds: number) => readonly Figure[];
  /** Whether a gateway that counts is also asked how long its ways took to open; see way-setups.ts. */
  readonly waySetUps?: boolean;
}

// So large that setting up and slow start vanish, so small that several end in each window and are checked whole.
const largeOctets = 256 * 1024 * 1024;
const smallOctets = 1024;

function perSecond(unit: string, sample: Sample): Figure {
  return { name: 'rate', unit: `${unit}/s`, value: sample.operations / sample.seconds };
}

function latencies(sample: Sample): readonly Figure[] {
  return [
    { name: 'p50', unit: 'µs', value: sample.p50Us },
    { name: 'p99', unit: 'µs', value: sample.p99Us },
  ];
}

function largeFigures(sample: Sample, gatewaySeconds: number): readonly Figure[] {
  return [
    { name: 'rate', unit: 'MB/s', value: sample.octets / sample.seconds / 1e6 },
    { name: 'gateway CPU', unit: 's/GB', value: gatewaySeconds / (sample.octets / 1e9) },
  ];
}

function perThousand(unit: string) {
  return (sample: Sample, gatewaySeconds: number): readonly Figure[] => [
    perSecond(unit, sample),
    ...latencies(sample),
    { name: 'gateway CPU', unit: `s/1,000 ${unit}`, value: gatewaySeconds / (sample.operations / 1_000) },
  ];
}

function large(work: 'retr' | 'stor', sessions: number): WindowRow {
  const title = `large ${work.toUpperCase()}, ${sessions} ${sessions === 1 ? 'stream' : 'streams'}`;
  return { id: `${work}_${sessions}`, title, load: { work, sessions, size: largeOctets }, figures: largeFigures };
}

function small(sessions: number): WindowRow {
  const title = `1 KiB RETR, ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
  const load = { work: 'retr', sessions, size: smallOctets } as const;
  return { id: `small_${sessions}`, title, load, figures: perThousand('transfers'), waySetUps: true };
}

function noop(sessions: number): WindowRow {
  const title = `NOOP, ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
  const figures = (sample: Sample): readonly Figure[] => [...latencies(sample), perSecond('NOOP', sample)];
  return { id: `noop_${sessions}`, title, load: { work: 'noop', sessions }, figures };
}

const login: WindowRow = {
  id: 'login_16',
  title: 'logins, 16 at a time',
  load: { work: 'login', sessions: 16 },
  figures: perThousand('logins'),
};

// 20 s at some 10,000 transfers/s leave ten times more TIME_WAITs than there are ways to open: bind and connect must
// still find their ports.
const sustained: WindowRow = {
  ...small(16),
  id: 'small_16_sustained',
  title: '1 KiB RETR, 16 sessions, after 20 s of the same',
  load: { ...small(16).load, warmUpSeconds: 20 },
};

export const windowRows: readonly WindowRow[] = [
  large('retr', 1),
  large('retr', 4),
  large('stor', 1),
  large('stor', 4),
  small(1),
  small(16),
  small(64),
  sustained,
  login,
  noop(1),
  noop(64),
];

/** Sessions that are logged in and do nothing; see idle.ts. */
export const idleRow: Row = { id: 'idle', title: 'idle logged-in sessions' };

/**
 * One engine against two; see engines.ts. 64 sessions, so that the kernel's spreading of connections comes out even.
 */
export const enginesRow: WindowRow = {
  ...small(64),
  id: 'engines',
  title: '1 KiB RETR, 1 engine and 2 engines',
  waySetUps: false,
};
