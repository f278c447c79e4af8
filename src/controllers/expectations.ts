import type { Clock } from '#base';

/** Upstream's ExpectationsTimeout: a lost event must not stop a controller for ever. */
const timeoutMs = 300_000;

interface Expected {
  creations: number;
  deletions: Set<string>;
  setMs: number;
}

/**
 * Remembers what a controller has just done and its informer has not shown yet. As long as something is expected under a key, the controller leaves
 * the key's children alone, or it would count wrong and make or delete too many.
 */
export interface Expectations {
  expectCreations(key: string, count: number): void;
  expectDeletions(key: string, uids: readonly string[]): void;
  creationObserved(key: string): void;
  deletionObserved(key: string, uid: string): void;
  /** True when nothing is expected (any more), or when it has been for 5 minutes. */
  satisfied(key: string): boolean;
  forget(key: string): void;
}

export function createExpectations(clock: Clock): Expectations {
  const entries = new Map<string, Expected>();
  const entry = (key: string): Expected => {
    const old = entries.get(key);
    const fresh =
      old && (old.creations > 0 || old.deletions.size > 0) ? old : { creations: 0, deletions: new Set<string>() };
    const next = Object.assign(fresh, { setMs: clock.monotonicMs() });
    entries.set(key, next);
    return next;
  };
  return {
    expectCreations(key, count) {
      entry(key).creations += count;
    },
    expectDeletions(key, uids) {
      const { deletions } = entry(key);
      for (const uid of uids) deletions.add(uid);
    },
    creationObserved(key) {
      const known = entries.get(key);
      if (known && known.creations > 0) known.creations--;
    },
    deletionObserved: (key, uid) => void entries.get(key)?.deletions.delete(uid),
    satisfied(key) {
      const known = entries.get(key);
      if (!known) return true;
      return (known.creations <= 0 && !known.deletions.size) || clock.monotonicMs() - known.setMs > timeoutMs;
    },
    forget: key => void entries.delete(key),
  };
}
