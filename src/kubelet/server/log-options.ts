import { isTrue } from '#wire';

/** What part of a log is wanted, read from a query as kubectl and the API server write it. */
export interface LogOptions {
  follow: boolean;
  previous: boolean;
  timestamps: boolean;
  /** Milliseconds since 1970; undefined: from the start. */
  sinceMs: number | undefined;
  /** Last lines; undefined: all. */
  tailLines: number | undefined;
  limitBytes: number | undefined;
  stream: 'stdout' | 'stderr' | undefined;
}

/** Throws RangeError with upstream's words for values that make no sense. */
export function parseLogOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const whole = (name: string, lowest: number) => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < lowest)
      throw new RangeError(`${name} must be a whole number of at least ${lowest}, not ${JSON.stringify(text)}`);
    return value;
  };
  const is = (name: string) => isTrue(query.get(name));
  const seconds = whole('sinceSeconds', 1);
  const time = query.get('sinceTime');
  const timeMs = time ? Date.parse(time) : undefined;
  if (timeMs !== undefined && Number.isNaN(timeMs))
    throw new RangeError(`sinceTime: ${JSON.stringify(time)} is not a time like 2026-01-02T03:04:05Z`);
  const stream = query.get('stream')?.toLowerCase();
  return {
    follow: is('follow'),
    previous: is('previous'),
    timestamps: is('timestamps'),
    sinceMs: seconds === undefined ? timeMs : nowMs - seconds * 1000,
    tailLines: whole('tailLines', 0),
    limitBytes: whole('limitBytes', 1),
    stream: stream === 'stdout' || stream === 'stderr' ? stream : undefined,
  };
}
