// Does this moment lie in that window of the week? Windows are an operator's: days and hours in a time zone.
// The moment is an argument. Zones with daylight saving are read by Intl, which needs no clock and no environment where
// it is told the zone.

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export type Weekday = (typeof weekdays)[number];

/** Plain data: it crosses threads. */
export interface TimeWindow {
  readonly days: readonly Weekday[];
  /** Minutes since midnight; where `from` is not before `to`, the window ends on the next day. */
  readonly from: number;
  readonly to: number;
  /** As IANA names it: `Europe/Berlin`, `UTC`. */
  readonly zone: string;
}

const minuteMs = 60_000;
const dayMinutes = 1440;

/** @param epochMs Milliseconds since 1970. */
export function liesIn({ days, from, to, zone }: TimeWindow, epochMs: number): boolean {
  const { day, minute } = localTime(zone, epochMs);
  const isDay = (index: number): boolean => days.includes(weekdays[(index + 7) % 7]!);
  if (from < to) return isDay(day) && minute >= from && minute < to;
  // Behind midnight it is still the window of the day before.
  return (isDay(day) && minute >= from) || (isDay(day - 1) && minute < to);
}

/** Whether Intl knows the zone. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

interface LocalTime {
  /** From Monday, 0. */
  readonly day: number;
  readonly minute: number;
}

// To ask Intl takes as long as to judge a hundred rules, and the answer holds for a minute.
const formats = new Map<string, Intl.DateTimeFormat>();
const latest = new Map<string, LocalTime & { readonly atMinute: number }>();

function localTime(zone: string, epochMs: number): LocalTime {
  const atMinute = Math.floor(epochMs / minuteMs);
  const known = latest.get(zone);
  if (known?.atMinute === atMinute) return known;
  const parts = new Map(
    formatOf(zone)
      .formatToParts(atMinute * minuteMs)
      .map(({ type, value }) => [type, value]),
  );
  const day = weekdays.indexOf(parts.get('weekday')!.toLowerCase() as Weekday);
  const minute = (Number(parts.get('hour')) * 60 + Number(parts.get('minute'))) % dayMinutes;
  const time = { day, minute, atMinute };
  latest.set(zone, time);
  return time;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    const options = { timeZone: zone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    format = new Intl.DateTimeFormat('en-GB', options);
    formats.set(zone, format);
  }
  return format;
}
