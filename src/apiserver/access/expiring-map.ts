import type { Clock } from '#base';
import { createBoundedMap } from './bounded-map.ts';

/** Answers that are good for a while; the oldest go first when there are too many. */
export interface ExpiringMap<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, lifeMs: number): void;
}

export function createExpiringMap<V>(limit: number, clock: Clock): ExpiringMap<V> {
  const entries = createBoundedMap<{ value: V; untilMs: number }>(limit);
  return {
    get(key) {
      const entry = entries.get(key);
      return entry && entry.untilMs > clock.monotonicMs() ? entry.value : undefined;
    },
    set(key, value, lifeMs) {
      if (lifeMs > 0) entries.set(key, { value, untilMs: clock.monotonicMs() + lifeMs });
    },
  };
}
