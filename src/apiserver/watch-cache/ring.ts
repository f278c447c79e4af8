import type { Item } from '../storage/item.ts';
import type { CacheEvent } from './event.ts';

/** Bounds of one resource's history. */
export interface RingLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Older events go, but for the newest `minEvents`: as upstream's compaction of etcd, after five minutes. */
  readonly maxAgeMs: number;
  readonly minEvents: number;
}

export const defaultRingLimits: RingLimits = {
  maxEvents: 10_000,
  maxBytes: 32 * 1024 * 1024,
  maxAgeMs: 5 * 60_000,
  minEvents: 100,
};

/** The newest events of one resource, oldest first. */
export class EventRing {
  #events: CacheEvent[] = [];
  /** Index of the oldest event: dropping from the front is rare and in bulk. */
  #start = 0;
  #bytes = 0;
  #floor: number;
  readonly #limits: RingLimits;

  /** @param floor events up to and with this revision are not here. */
  constructor(floor: number, limits: RingLimits = defaultRingLimits) {
    this.#floor = floor;
    this.#limits = limits;
  }

  /** Every event after this revision is here. */
  get floor(): number {
    return this.#floor;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#bytes += event.sizeBytes;
    const { maxEvents, maxBytes, maxAgeMs, minEvents } = this.#limits;
    for (;;) {
      const count = this.#events.length - this.#start;
      const oldest = this.#events[this.#start]!;
      const isOld = count > minEvents && event.timeMs - oldest.timeMs > maxAgeMs;
      if (count <= 1 || (count <= maxEvents && this.#bytes <= maxBytes && !isOld)) break;
      this.#floor = oldest.revision;
      this.#bytes -= oldest.sizeBytes;
      this.#start++;
    }
    if (this.#start > 1000 && this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Events after the revision, oldest first; undefined when some of them are gone. */
  after(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.#floor) return undefined;
    let [low, high] = [this.#start, this.#events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }

  /** How the objects that changed after `revision` were at it (undefined: not there); undefined when that is forgotten. */
  undo(revision: number): Map<string, Item | undefined> | undefined {
    const events = this.after(revision);
    if (!events) return undefined;
    const before = new Map<string, Item | undefined>();
    for (let index = events.length - 1; index >= 0; index--) {
      const event = events[index]!;
      before.set(event.key, event.previous);
    }
    return before;
  }
}
