import { Cron } from 'croner';

/** When a CronJob runs, as a function of time. Milliseconds since 1970. */
export interface Schedule {
  /** The first time after `afterMs`; undefined when there will be none. */
  next(afterMs: number): number | undefined;
}

/** Multipliers of Go's durations, which `@every` uses. */
const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Reads cron's five fields, `@hourly` and its like, and `@every 1h30m`. Throws with the reason when it cannot. Without a zone: this machine's. */
export function parseSchedule(text: string, timeZone: string | undefined): Schedule {
  const every = /^@every\s+(\S+)$/.exec(text.trim());
  if (every) return parseEvery(every[1]!);
  const fields = text.trim().replaceAll('?', '*');
  const options = { paused: true, ...(fields.startsWith('@') ? {} : { mode: '5-part' as const }) };
  const cron = new Cron(fields, timeZone ? { ...options, timezone: timeZone } : options);
  return { next: afterMs => cron.nextRun(new Date(afterMs))?.getTime() };
}

function parseEvery(text: string): Schedule {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (!parts.length || parts.map(([all]) => all).join('') !== text)
    throw new Error(`failed to parse duration @every ${text}`);
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit!]!, 0);
  const stepMs = Math.max(1000, Math.floor(total / 1000) * 1000);
  return { next: afterMs => Math.floor((afterMs + stepMs) / 1000) * 1000 };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name.toLowerCase() !== 'local';
  } catch {
    // The only way to ask: an unknown zone throws.
    return false;
  }
}

/** The newest time in (fromMs, nowMs], and about how many there are; undefined when there is none. Takes few steps, however long ago `fromMs` is. */
export function mostRecent(
  schedule: Schedule,
  fromMs: number,
  nowMs: number,
): { timeMs: number; missed: number } | undefined {
  const first = schedule.next(fromMs);
  if (first === undefined || first > nowMs) return undefined;
  const second = schedule.next(first);
  if (second === undefined || second > nowMs) return { timeMs: first, missed: 1 };
  const stepMs = second - first;
  const missed = Math.floor((nowMs - first) / stepMs) + 1;
  let timeMs = first;
  for (let windowMs = stepMs; nowMs - windowMs > first; windowMs *= 2) {
    const found = schedule.next(nowMs - windowMs);
    if (found === undefined || found > nowMs) continue;
    timeMs = found;
    break;
  }
  for (let next = schedule.next(timeMs); next !== undefined && next <= nowMs; next = schedule.next(next)) timeMs = next;
  return { timeMs, missed };
}
