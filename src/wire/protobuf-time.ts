/** A point in time as the wire has it. */
export interface WireTime {
  seconds: number;
  nanos: number;
}

/** Go's zero time; it travels as an empty message. */
const zeroTime = '0001-01-01T00:00:00Z';
const pattern = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** RFC 3339 to whole seconds, as upstream's Time drops the rest; undefined for other texts. */
export function encodeTime(text: string): WireTime | 'zero' | undefined {
  const time = encodeMicroTime(text);
  return typeof time === 'object' ? { seconds: time.seconds, nanos: 0 } : time;
}

/** RFC 3339 to microseconds. */
export function encodeMicroTime(text: string): WireTime | 'zero' | undefined {
  const parts = pattern.exec(text);
  const ms = parts ? Date.parse(`${parts[1]}${parts[3]}`) : Number.NaN;
  if (!parts || Number.isNaN(ms)) return undefined;
  if (text === zeroTime) return 'zero';
  return { seconds: ms / 1000, nanos: Number((parts[2] ?? '').slice(0, 6).padEnd(6, '0')) * 1000 };
}

/** `2026-01-02T03:04:05Z`; undefined beyond the years that RFC 3339 can write. */
export function decodeTime({ seconds }: WireTime): string | undefined {
  const base = wholeSeconds(seconds);
  return base && `${base}Z`;
}

/** `2026-01-02T03:04:05.000006Z`: always six digits. */
export function decodeMicroTime({ seconds, nanos }: WireTime): string | undefined {
  const base = wholeSeconds(seconds);
  if (!base || nanos < 0 || nanos > 999_999_999) return undefined;
  return `${base}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`;
}

const firstSecond = Date.parse('0000-01-01T00:00:00Z') / 1000;
const lastSecond = Date.parse('9999-12-31T23:59:59Z') / 1000;

function wholeSeconds(seconds: number): string | undefined {
  if (!(seconds >= firstSecond && seconds <= lastSecond)) return undefined;
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}
