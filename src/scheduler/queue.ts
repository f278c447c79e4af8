import type { Pod } from '#api';
import { backoffMs, type Clock } from '#base';
import { priorityOf } from './preemption.ts';

/** Upstream's delays between tries of a pod that found no place: 1 s doubling to 10 s. */
const backoff = { firstMs: 1000, maxMs: 10_000 };
/** A pod that found no place is tried again after this long even if nothing happened that seemed to matter. */
const flushMs = 5 * 60 * 1000;

interface Waiting {
  pod: Pod;
  attempts: number;
  addedMs: number;
  /** Not before this time. */
  notBeforeMs: number;
  /** False while nothing has changed since it was refused. */
  active: boolean;
}

/** Pods without a node, by priority and age. */
export interface SchedulingQueue extends Disposable {
  /** Adds or refreshes a pod; a changed pod is tried again at once. */
  put(pod: Pod): void;
  remove(uid: string): void;
  /** The next pod to try, taken out; undefined when none is due. */
  take(): { pod: Pod; attempts: number } | undefined;
  /** Puts a refused pod back: it waits for a change in the cluster and its backoff. */
  refused(pod: Pod, attempts: number): void;
  /** Something changed that may make room: refused pods become due after their backoff. */
  wake(): void;
  readonly length: number;
}

/** `onDue` is called whenever `take` may have something to give. */
export function createSchedulingQueue(clock: Clock, onDue: () => void): SchedulingQueue {
  const waiting = new Map<string, Waiting>();
  let timer: Disposable | undefined;
  const isDue = (entry: Waiting) => entry.active && entry.notBeforeMs <= clock.now();
  const arm = () => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    const times = [...waiting.values()].map(entry => (entry.active ? entry.notBeforeMs : entry.notBeforeMs + flushMs));
    if (times.length === 0) return;
    const delayMs = Math.max(0, Math.min(...times) - clock.now());
    timer = clock.timer(delayMs, flush, { unref: true });
  };
  const flush = () => {
    for (const entry of waiting.values()) {
      if (!entry.active && entry.notBeforeMs + flushMs <= clock.now()) entry.active = true;
    }
    if ([...waiting.values()].some(isDue)) onDue();
    else arm();
  };
  const compare = (a: Waiting, b: Waiting) => priorityOf(b.pod) - priorityOf(a.pod) || a.addedMs - b.addedMs;
  return {
    put(pod) {
      const uid = pod.metadata.uid!;
      const known = waiting.get(uid);
      waiting.set(uid, {
        pod,
        attempts: known?.attempts ?? 0,
        addedMs: known?.addedMs ?? clock.now(),
        notBeforeMs: clock.now(),
        active: true,
      });
      onDue();
    },
    remove(uid) {
      waiting.delete(uid);
    },
    take() {
      const next = [...waiting.values()].filter(isDue).sort(compare)[0];
      if (!next) {
        arm();
        return undefined;
      }
      waiting.delete(next.pod.metadata.uid!);
      return { pod: next.pod, attempts: next.attempts };
    },
    refused(pod, attempts) {
      const uid = pod.metadata.uid!;
      if (waiting.has(uid)) return; // it changed meanwhile and waits already, with the newer state
      const notBeforeMs = clock.now() + backoffMs(backoff, attempts);
      waiting.set(uid, { pod, attempts: attempts + 1, addedMs: clock.now(), notBeforeMs, active: false });
      arm();
    },
    wake() {
      for (const entry of waiting.values()) entry.active = true;
      flush();
    },
    get length() {
      return waiting.size;
    },
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]();
      waiting.clear();
    },
  };
}
