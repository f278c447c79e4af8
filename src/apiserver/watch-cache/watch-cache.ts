import type { Kind, UnknownObject } from '#api';
import type { Clock, Log } from '#base';
import { isAbort } from '#base';
import type { Change, Store, StoreError } from '#store';
import { withRevision } from '../storage/encode.ts';
import { Item } from '../storage/item.ts';
import type { KeyParser } from '../storage/keys.ts';
import { registryPrefix } from '../storage/keys.ts';
import { createItemPacker } from '../storage/packed-items.ts';
import { ResourceCache } from './resource-cache.ts';

export interface WatchCacheDeps {
  readonly store: Store;
  readonly parseKey: KeyParser;
  readonly clock: Clock;
  readonly log: Log;
}

/** Objects that this server has just encoded, by their bytes: what comes back from the store need not be parsed again. */
export type WrittenObjects = WeakMap<Uint8Array, { readonly object: UnknownObject; readonly kind: Kind }>;

const listPage = 500;
/** A store that cannot be watched is asked again after this. */
const restartMs = 500;

/**
 * All API objects in memory, kept current by one watch on the store. Reads are synchronous; `waitFor` makes them as fresh as they must be. Starts
 * empty: `start` resolves when it is filled.
 */
export class WatchCache implements AsyncDisposable {
  readonly written: WrittenObjects = new WeakMap();
  readonly #deps: WatchCacheDeps;
  readonly #resources = new Map<string, ResourceCache>();
  readonly #stop = new AbortController();
  #watch: AbortController | undefined;
  #revision = 0;
  #floor = 0;
  #waiting: { revision: number; resolve: () => void }[] = [];

  constructor(deps: WatchCacheDeps) {
    this.#deps = deps;
  }

  /** Everything up to this revision is here. */
  get revision(): number {
    return this.#revision;
  }

  /** The cache of one resource; made when asked for first. */
  of(storagePrefix: string): ResourceCache {
    let cache = this.#resources.get(storagePrefix);
    if (!cache) {
      cache = new ResourceCache(storagePrefix, this.#floor);
      this.#resources.set(storagePrefix, cache);
    }
    return cache;
  }

  resources(): Iterable<ResourceCache> {
    return this.#resources.values();
  }

  async start(): Promise<void> {
    const newest = await this.#fill();
    this.#follow();
    await this.waitFor(newest, this.#stop.signal);
  }

  /** True when a read now shows every write acknowledged so far. */
  isFresh(): boolean {
    return this.#revision >= this.#deps.store.revision();
  }

  /** Resolves when everything up to `revision` is here; rejects when the signal aborts. */
  waitFor(revision: number, signal?: AbortSignal): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter = {
        revision,
        resolve() {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      const abort = () => {
        this.#waiting = this.#waiting.filter(other => other !== waiter);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(waiter);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the watch cache is closed'));
    this.#watch?.abort();
    for (const cache of this.#resources.values()) cache.end();
  }

  /**
   * Reads everything, page by page. Later pages may show newer objects than the first: the watch starts at the first page's revision, so nothing is
   * missed, and what it brings again is dropped. Returns the revision at which the cache will be whole.
   */
  async #fill(): Promise<number> {
    const { store, parseKey } = this.#deps;
    const found = new Map<string, Item[]>();
    let first: number | undefined;
    let after = '';
    const toItem = createItemPacker();
    for (;;) {
      const listing = await store.list({ prefix: registryPrefix, limit: listPage, ...(after ? { after } : {}) });
      first ??= listing.revision;
      for (const { key, revision, value } of listing.entries) {
        const place = parseKey(key);
        if (!place) continue;
        const items = found.get(place.storagePrefix) ?? [];
        if (items.length === 0) found.set(place.storagePrefix, items);
        items.push(toItem(place.objectKey, revision, value));
      }
      after = listing.entries.at(-1)?.key ?? after;
      if (listing.more) continue;
      this.#floor = listing.revision;
      for (const prefix of found.keys()) this.of(prefix);
      for (const [prefix, cache] of this.#resources) cache.fill(found.get(prefix) ?? [], this.#floor);
      this.#advance(first);
      return this.#floor;
    }
  }

  #follow(): void {
    const watch = new AbortController();
    this.#watch = watch;
    try {
      this.#deps.store.watch({
        prefix: registryPrefix,
        after: this.#revision,
        signal: watch.signal,
        onChanges: changes => this.#apply(changes),
        onProgress: revision => this.#advance(revision),
        onError: error => void this.#recover(error),
      });
    } catch (error) {
      void this.#recover(error as StoreError);
    }
  }

  #apply(changes: readonly Change[]): void {
    const timeMs = this.#deps.clock.now();
    for (const change of changes) {
      const place = this.#deps.parseKey(change.key);
      if (!place) continue;
      const cache = this.of(place.storagePrefix);
      const { revision, value } = change;
      // A page of the first listing may have been newer than the watch's start.
      if ((cache.get(place.objectKey)?.revision ?? 0) >= revision) continue;
      const item = value && this.#toItem(place.objectKey, revision, value);
      cache.apply({ revision, key: place.objectKey, item, timeMs });
    }
    this.#advance(changes.at(-1)!.revision);
  }

  #toItem(key: string, revision: number, value: Uint8Array): Item {
    const item = new Item(key, revision, withRevision(value, revision));
    const written = this.written.get(value);
    if (written) {
      const { object, kind } = written;
      object.metadata.resourceVersion = String(revision);
      item.remember(object);
      item.settledBy = kind;
    }
    return item;
  }

  #advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(waiter => waiter.revision <= revision);
    this.#waiting = this.#waiting.filter(waiter => waiter.revision > revision);
    for (const waiter of due) waiter.resolve();
  }

  /** The thread of changes is cut: lists anew as soon as the store lets it. Watchers are told to start over. */
  async #recover(error: StoreError): Promise<void> {
    const { log, clock } = this.#deps;
    if (this.#stop.signal.aborted || error.code === 'closed') return;
    log.warn('the store watch ended; listing again', { error });
    try {
      await clock.sleep(restartMs, this.#stop.signal);
      await this.#fill();
    } catch (cause) {
      if (isAbort(cause) || this.#stop.signal.aborted) return;
      return this.#recover(cause as StoreError);
    }
    this.#follow();
  }
}
