import type { Item } from '../storage/item.ts';
import { CacheEvent } from './event.ts';
import { EventRing } from './ring.ts';
import { Snapshot } from './snapshot.ts';
import { SortedItems } from './sorted-items.ts';

/** Takes the changes of one resource as they come. Must not throw and must not block. */
export interface CacheListener {
  onEvent(event: CacheEvent): void;
  /** History was lost (the store forgot it): the cache was filled anew, without these objects. Watchers must start over. */
  onRefilled(gone: readonly Item[]): void;
}

/** Namespaces whose lists are remembered until the next change. */
const maxSnapshots = 64;

/** The current objects of one stored resource, and its newest changes. */
export class ResourceCache {
  readonly storagePrefix: string;
  /** Changes taken since the start. */
  received = 0;
  #items = new SortedItems();
  #ring: EventRing;
  /** Revision of the newest change. */
  #newest = 0;
  readonly #listeners = new Set<CacheListener>();
  /** By prefix; empty after every change. */
  readonly #snapshots = new Map<string, Snapshot>();

  constructor(storagePrefix: string, floor: number) {
    this.storagePrefix = storagePrefix;
    this.#ring = new EventRing(floor);
  }

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  /** Current objects; `prefix` is '' for all, or `namespace/`. */
  all(prefix: string): Item[] {
    return this.#items.all(prefix);
  }

  /** The same as what does not change any more; callers between two changes share it. */
  snapshot(prefix: string): Snapshot {
    let snapshot = this.#snapshots.get(prefix);
    if (!snapshot) {
      snapshot = new Snapshot(this.all(prefix));
      if (this.#snapshots.size >= maxSnapshots) this.#snapshots.clear();
      this.#snapshots.set(prefix, snapshot);
    }
    return snapshot;
  }

  get size(): number {
    return this.#items.size;
  }

  get watcherCount(): number {
    return this.#listeners.size;
  }

  range(prefix: string, from: string): Iterable<Item> {
    return this.#items.range(prefix, from);
  }

  count(prefix: string, from: string): number {
    return this.#items.count(prefix, from);
  }

  /** Objects as they were at `revision`, in order; undefined when that is forgotten. Synchronous: use it before the next await. */
  rangeAt(revision: number, prefix: string, from: string): Iterable<Item> | undefined {
    const before = this.#ring.undo(revision);
    if (!before) return undefined;
    if (before.size === 0) return this.range(prefix, from);
    return mergeBefore(this.#items.range(prefix, from), before, { prefix, from });
  }

  /** How many `rangeAt` would yield. Does not walk them: pages of a long list would each walk to its end. */
  countAt(revision: number, prefix: string, from: string): number | undefined {
    const before = this.#ring.undo(revision);
    if (!before) return undefined;
    let count = this.count(prefix, from);
    for (const [key, item] of before) {
      if (key.startsWith(prefix) && key >= from)
        count += Number(item !== undefined) - Number(this.get(key) !== undefined);
    }
    return count;
  }

  /** Changes after the revision, oldest first; undefined when some are forgotten. */
  eventsAfter(revision: number): readonly CacheEvent[] | undefined {
    return this.#ring.after(revision);
  }

  /** The oldest revision after which every change is known. */
  get floor(): number {
    return this.#ring.floor;
  }

  listen(listener: CacheListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  apply(change: { revision: number; key: string; item: Item | undefined; timeMs: number }): void {
    const previous = this.#items.get(change.key);
    if (!change.item && !previous) return;
    this.received++;
    this.#newest = change.revision;
    this.#snapshots.clear();
    if (change.item) this.#items.set(change.item);
    else this.#items.delete(change.key);
    const event = new CacheEvent({ ...change, previous });
    this.#ring.push(event);
    for (const listener of this.#listeners) listener.onEvent(event);
  }

  /** Lets go of the history of a resource that is served no more and has no objects. Who asks for it later must start over. */
  forget(): void {
    if (this.size === 0) this.#ring = new EventRing(Math.max(this.#ring.floor, this.#newest));
  }

  /** The first filling, or a new one after a gap in history: the objects that there are now, and no events before `floor`. */
  fill(items: readonly Item[], floor: number): void {
    const old = this.#items;
    this.#snapshots.clear();
    this.#items = new SortedItems();
    for (const item of items) this.#items.set(item);
    this.#ring = new EventRing(floor);
    const gone = old.all('').filter(({ key }) => !this.#items.get(key));
    for (const listener of [...this.#listeners]) listener.onRefilled(gone);
  }

  /** The server stops: listeners are told to let go, and nothing comes any more. */
  end(): void {
    for (const listener of [...this.#listeners]) listener.onRefilled([]);
    this.#listeners.clear();
  }
}

/** Walks the current objects with the changed ones replaced by what they were. */
function* mergeBefore(
  current: Iterable<Item>,
  before: ReadonlyMap<string, Item | undefined>,
  bounds: { prefix: string; from: string },
): Generator<Item> {
  const gone = [...before.values()]
    .filter(item => item !== undefined)
    .filter(({ key }) => key.startsWith(bounds.prefix) && key >= bounds.from)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  let next = 0;
  for (const item of current) {
    while (next < gone.length && gone[next]!.key < item.key) yield gone[next++]!;
    if (gone[next]?.key === item.key) yield gone[next++]!;
    else if (!before.has(item.key)) yield item;
  }
  yield* gone.slice(next);
}
