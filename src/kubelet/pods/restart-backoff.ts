/** Upstream's: 10 s doubling to 5 minutes; forgotten when a container ran for ten minutes. */
const [firstMs, maxMs, forgetMs] = [10_000, 300_000, 600_000];

/** Growing delays between restarts by key. */
export interface RestartBackoff {
  /** Milliseconds that a container that ended at `endedAtMs` must still wait; 0: it may start. */
  leftMs(key: string, endedAtMs: number, nowMs: number): number;
  /** The delay that holds, for the message. */
  delayMs(key: string): number;
  /** To be called when a container that had ended is started again. */
  next(key: string, endedAtMs: number, nowMs: number): void;
  forget(prefix: string): void;
}

export function createRestartBackoff(
  options: { firstMs?: number; maxMs?: number; forgetMs?: number } = {},
): RestartBackoff {
  const limits = { firstMs, maxMs, forgetMs, ...options };
  const entries = new Map<string, { delayMs: number; updatedAtMs: number }>();
  const expired = (entry: { updatedAtMs: number }, atMs: number) => atMs - entry.updatedAtMs > limits.forgetMs;
  return {
    leftMs(key, endedAtMs, nowMs) {
      const entry = entries.get(key);
      if (!entry || expired(entry, endedAtMs)) return 0;
      return Math.max(0, endedAtMs + entry.delayMs - nowMs);
    },
    delayMs: key => entries.get(key)?.delayMs ?? 0,
    next(key, endedAtMs, nowMs) {
      const entry = entries.get(key);
      const delayMs = !entry || expired(entry, endedAtMs) ? limits.firstMs : Math.min(limits.maxMs, entry.delayMs * 2);
      entries.set(key, { delayMs, updatedAtMs: nowMs });
    },
    forget(prefix) {
      for (const key of [...entries.keys()]) if (key.startsWith(prefix)) entries.delete(key);
    },
  };
}

/** As Go prints a duration of whole seconds: `10s`, `1m20s`, `5m0s`. */
export function formatSeconds(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
