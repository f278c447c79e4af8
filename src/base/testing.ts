import type { Clock } from './clock.ts';
import { sleepOn } from './clock.ts';
import type { Log, LogRecord } from './log.ts';
import { createLog } from './log.ts';
import type { Random } from './random.ts';

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Moves time forward, firing due timers in order and letting promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Timers not yet fired nor disposed. */
  readonly pending: number;
}

export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs;
  let order = 0;
  const timers = new Set<{ atMs: number; order: number; run: () => void }>();
  const timer: Clock['timer'] = (delayMs, run) => {
    const entry = { atMs: nowMs + Math.max(0, delayMs), order: order++, run };
    timers.add(entry);
    return { [Symbol.dispose]: () => void timers.delete(entry) };
  };
  const settle = () => new Promise<void>(resolve => setImmediate(resolve));
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    timer,
    sleep: (delayMs, signal) => sleepOn(timer, delayMs, signal),
    get pending() {
      return timers.size;
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (;;) {
        const due = [...timers].filter(t => t.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
        if (!due) break;
        timers.delete(due);
        nowMs = Math.max(nowMs, due.atMs);
        due.run();
        await settle();
      }
      nowMs = untilMs;
      await settle();
    },
  };
}

/** Counts up: the same run gives the same names. */
export function createFakeRandom(): Random {
  let count = 0;
  const next = () => ++count;
  return {
    uuid: () => `00000000-0000-4000-8000-${next().toString(16).padStart(12, '0')}`,
    suffix: length => next().toString(36).padStart(length, 'x').slice(-length),
    next: () => (next() % 100) / 100,
    bytes: length => new Uint8Array(length).fill(next() % 256),
  };
}

/** A log that keeps its records, for tests that assert on them; prints nothing. */
export function createRecordingLog(): Log & { records: LogRecord[] } {
  const records: LogRecord[] = [];
  const log = createLog({ level: 'debug', now: () => 0, write: record => records.push(record) });
  return Object.assign(log, { records });
}
