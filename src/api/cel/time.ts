import { fault } from './errors.ts';
import { CelDuration, CelTimestamp, isInt64 } from './values.ts';

const nanosPerSecond = 1_000_000_000n;
/** 0001-01-01T00:00:00Z and the second after 9999-12-31T23:59:59Z. */
const minNanos = -62_135_596_800n * nanosPerSecond;
const maxNanos = 253_402_300_800n * nanosPerSecond - 1n;

/** A timestamp within the years 1 to 9999, or a fault. */
export function timestampOf(nanos: bigint): CelTimestamp {
  return nanos < minNanos || nanos > maxNanos ? fault('timestamp overflow') : new CelTimestamp(nanos);
}

/** A duration of at most 2^63 nanoseconds, or a fault. */
export function durationOf(nanos: bigint): CelDuration {
  return isInt64(nanos) ? new CelDuration(nanos) : fault('duration overflow');
}

/** Longer texts are no times: reading them would cost more than a call is charged. */
const maxTextLength = 500;

const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Reads RFC 3339; undefined when it is not. */
export function parseTimestamp(text: string): CelTimestamp | undefined {
  const match = text.length > maxTextLength ? null : rfc3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const numbers = [month, day, hour, minute, second].map(Number) as [number, number, number, number, number];
  const ms = utcMs(Number(year), numbers);
  const offset = zoneMinutes(zone!);
  if (ms === undefined || offset === undefined) return undefined;
  const nanos = BigInt((fraction ?? '').slice(0, 9).padEnd(9, '0'));
  return timestampOf(BigInt(ms - offset * 60_000) * 1_000_000n + nanos);
}

/** Reads a date (`2024-02-29`) as midnight UTC. */
export function parseDate(text: string): CelTimestamp | undefined {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? parseTimestamp(`${text}T00:00:00Z`) : undefined;
}

function utcMs(year: number, parts: [number, number, number, number, number]): number | undefined {
  const [month, day, hour, minute, second] = parts;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}

function zoneMinutes(zone: string): number | undefined {
  if (zone === 'Z' || zone === 'z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4));
  if (hours > 24 || minutes > 59) return undefined;
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes);
}

const unitNanos: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: nanosPerSecond,
  m: 60n * nanosPerSecond,
  h: 3600n * nanosPerSecond,
};

const durationPart = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;

/** Reads a Go duration (`1h30m`, `-1.5s`, `0`); undefined when it is none or too long. */
export function parseDuration(text: string): CelDuration | undefined {
  const sign = text[0] === '-' ? -1n : 1n;
  const body = text[0] === '-' || text[0] === '+' ? text.slice(1) : text;
  if (body === '0') return new CelDuration(0n);
  if (body === '' || body.length > maxTextLength) return undefined;
  let nanos = 0n;
  for (let at = 0; at < body.length; at = durationPart.lastIndex) {
    durationPart.lastIndex = at;
    const match = durationPart.exec(body);
    if (match === null) return undefined;
    const [, whole = '', fraction = '', unit = ''] = match;
    if (whole === '' && fraction === '') return undefined;
    const scale = unitNanos[unit]!;
    const digits = fraction.slice(0, 18);
    nanos += BigInt(whole || '0') * scale + (BigInt(digits || '0') * scale) / 10n ** BigInt(digits.length);
  }
  return isInt64(sign * nanos) ? new CelDuration(sign * nanos) : undefined;
}

/** RFC 3339 in UTC, fraction without trailing zeros. */
export function formatTimestamp({ nanos }: CelTimestamp): string {
  const { ms, rest } = split(nanos);
  const text = new Date(ms - (((ms % 1000) + 1000) % 1000)).toISOString().slice(0, 19);
  const year = text.startsWith('+') || text.startsWith('-') ? text.slice(3) : text;
  const fraction = rest.toString().padStart(9, '0').replace(/0+$/, '');
  return `${year}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** Whole milliseconds, rounded down, and the nanoseconds of the second. */
function split(nanos: bigint): { ms: number; rest: bigint } {
  const rest = ((nanos % nanosPerSecond) + nanosPerSecond) % nanosPerSecond;
  const seconds = (nanos - rest) / nanosPerSecond;
  return { ms: Number(seconds) * 1000 + Number(rest / 1_000_000n), rest };
}

/** Seconds with an `s`, as `string(duration)` has it: `3600s`, `1.5s`. */
export function formatDuration({ nanos }: CelDuration): string {
  const absolute = nanos < 0n ? -nanos : nanos;
  const fraction = (absolute % nanosPerSecond).toString().padStart(9, '0').replace(/0+$/, '');
  const whole = absolute / nanosPerSecond;
  return `${nanos < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}s`;
}

export type DatePart =
  | 'year'
  | 'month'
  | 'dayOfYear'
  | 'dayOfMonth'
  | 'date'
  | 'dayOfWeek'
  | 'hours'
  | 'minutes'
  | 'seconds'
  | 'ms';

/** One part of a timestamp in a zone: `offsetOf` of its name is in `zoneOffset`. */
export function datePart({ nanos }: CelTimestamp, part: DatePart, offsetMinutes: number): bigint {
  const date = new Date(split(nanos).ms + offsetMinutes * 60_000);
  const value = {
    year: () => date.getUTCFullYear(),
    month: () => date.getUTCMonth(),
    dayOfYear: () => Math.floor((date.getTime() - yearStart(date.getUTCFullYear())) / 86_400_000),
    dayOfMonth: () => date.getUTCDate() - 1,
    date: () => date.getUTCDate(),
    dayOfWeek: () => date.getUTCDay(),
    hours: () => date.getUTCHours(),
    minutes: () => date.getUTCMinutes(),
    seconds: () => date.getUTCSeconds(),
    ms: () => date.getUTCMilliseconds(),
  }[part]();
  return BigInt(value);
}

function yearStart(year: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, 0, 1);
  return date.getTime();
}

/** A reader of a zone's offset in minutes at a time: a name (`Europe/Paris`) or `+hh:mm`; faults when it is none. */
export function zoneOffset(zone: string): (at: CelTimestamp) => number {
  if (zone === '' || zone === 'UTC') return () => 0;
  const colon = zone.indexOf(':');
  if (colon >= 0) return fixedOffset(zone, colon);
  const format = namedZone(zone);
  return at => {
    const { ms } = split(at.nanos);
    const parts = new Map(format.formatToParts(new Date(ms)).map(part => [part.type, Number(part.value)]));
    const local = new Date(0);
    local.setUTCFullYear(parts.get('year')!, parts.get('month')! - 1, parts.get('day')!);
    local.setUTCHours(parts.get('hour')!, parts.get('minute')!, parts.get('second')!);
    return (local.getTime() - (ms - (((ms % 1000) + 1000) % 1000))) / 60_000;
  };
}

function namedZone(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-u-ca-iso8601', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    // Intl knows no such zone: Go's message for it.
    return fault(`unknown time zone ${zone}`);
  }
}

function fixedOffset(zone: string, colon: number): () => number {
  const hours = zone.slice(0, colon);
  const minutes = zone.slice(colon + 1);
  for (const part of [hours, minutes]) {
    if (!/^[+-]?\d{1,4}$/.test(part)) fault(`strconv.Atoi: parsing ${JSON.stringify(part)}: invalid syntax`);
  }
  if (Number(minutes) < 0 || Number(minutes) > 59) fault(`timezone offset minutes out of range [0, 59]: ${zone}`);
  const offset = Number(hours) * 60 + (zone[0] === '-' ? -Number(minutes) : Number(minutes));
  return () => offset;
}
