import type { Event } from '#api';
import type { Clock } from '#base';

/** Upstream's EventCorrelator defaults. */
const [similarLimit, similarWindowMs] = [10, 600_000];
const [burst, refillMs] = [25, 300_000];
/** Subjects remembered; the least recently used goes first. */
const maxRemembered = 4096;

export type Correlated =
  /** The object has used up its share: nothing is written. */
  | { action: 'drop' }
  | { action: 'create'; event: Event }
  /** Seen before: the stored event of this name gets a new count. */
  | { action: 'count'; event: Event };

/**
 * Decides what becomes of a new event, as upstream: the same event again is counted; more than 10 of one reason within 10 minutes are combined
 * into one; an object gets 25 at once and then one every 5 minutes.
 */
export function createEventCorrelator(clock: Clock): (event: Event) => Correlated {
  const written = createLru<{ name: string; firstTimestamp: string | undefined; count: number }>();
  const similar = createLru<{ messages: Set<string>; lastMs: number }>();
  const budgets = createLru<{ tokens: number; lastMs: number }>();

  /** Key of the event after combining, with its message. */
  const combine = (event: Event): { key: string; message: string } => {
    const group = keyOf(event, event.type, event.reason);
    const message = event.message ?? '';
    const known = similar.get(group);
    const fresh = known && clock.monotonicMs() - known.lastMs <= similarWindowMs;
    const messages = fresh ? known.messages : new Set<string>();
    if (messages.size < similarLimit || messages.has(message)) messages.add(message);
    const combined = messages.size >= similarLimit && !written.get(`${group}|${message}`);
    similar.set(group, { messages, lastMs: clock.monotonicMs() });
    if (!combined) return { key: `${group}|${message}`, message };
    return { key: group, message: `(combined from similar events): ${message}` };
  };
  const allow = (event: Event): boolean => {
    const key = keyOf(event);
    const nowMs = clock.monotonicMs();
    const { tokens, lastMs } = budgets.get(key) ?? { tokens: burst, lastMs: nowMs };
    const left = Math.min(burst, tokens + (nowMs - lastMs) / refillMs);
    budgets.set(key, { tokens: left >= 1 ? left - 1 : left, lastMs: nowMs });
    return left >= 1;
  };
  return event => {
    const { key, message } = combine(event);
    const before = written.get(key);
    const count = (before?.count ?? 0) + 1;
    const name = before?.name ?? event.metadata.name;
    const firstTimestamp = before?.firstTimestamp ?? event.firstTimestamp;
    written.set(key, { name, firstTimestamp, count });
    if (!allow(event)) return { action: 'drop' };
    const metadata = { ...event.metadata, name };
    return { action: before ? 'count' : 'create', event: { ...event, metadata, message, count, firstTimestamp } };
  };
}

function keyOf(event: Event, ...more: (string | undefined)[]): string {
  const { apiVersion, kind, namespace, name, uid, fieldPath } = event.involvedObject;
  const { component, host } = event.source ?? {};
  return [component, host, apiVersion, kind, namespace, name, uid, ...(more.length ? [fieldPath, ...more] : [])].join(
    '|',
  );
}

/** A map that forgets its least recently used entries. */
function createLru<V>() {
  const entries = new Map<string, V>();
  return {
    get(key: string): V | undefined {
      const value = entries.get(key);
      if (value !== undefined) {
        entries.delete(key);
        entries.set(key, value);
      }
      return value;
    },
    set(key: string, value: V): void {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size > maxRemembered) entries.delete(entries.keys().next().value!);
    },
  };
}
