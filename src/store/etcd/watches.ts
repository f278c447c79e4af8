import type { Clock, Log } from '#base';
import type { EtcdEvent } from '#wire';
import type { Change, WatchOptions } from '../store.ts';
import { StoreError } from '../store.ts';
import type { EtcdCluster } from './cluster.ts';
import { Feed } from './feed.ts';
import type { KeyNames } from './key-names.ts';

export interface WatchesDeps {
  readonly cluster: EtcdCluster;
  readonly names: KeyNames;
  /** All watches lie below this prefix; '' is everything in etcd. */
  readonly scope: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The newest revision that etcd has spoken of. */
  newest(): number;
  /** Oldest revision to watch from, as far as known. */
  floor(): number;
  /** Makes the feed's position move on over revisions of keys that are not in the scope. */
  probe(feed: Feed): void;
  /** The bytes with which this process wrote what comes back, so that nobody need parse them again. */
  ownBytes(key: string, value: Buffer): Uint8Array;
}

interface Watcher {
  readonly options: WatchOptions;
  readonly stop: () => void;
  /** Everything up to here has been handed over. */
  position: number;
  /** What the watcher itself can know to be the position. */
  told: number;
  /** Reads the past; undefined for one that follows the common feed, and for one that has not begun. */
  replay: Feed | undefined;
  isLive: boolean;
}

/** Twice the rate that the contract promises. */
const progressMs = 500;
/** The position lags behind what is known: usually the events are on their way, and after this they are asked for. */
const probeMs = 100;
/** After so many such looks without a step the stream is taken for dead: a member that is paused, or cut off. */
const deadLooks = 15;

/**
 * Hands etcd's events to watchers. One feed over the whole scope serves all of them, so a position is a position for every watcher; one that starts in the past
 * reads it from a feed of its own, until it has come as far as the common one.
 */
export class Watches {
  readonly #deps: WatchesDeps;
  readonly #watchers = new Set<Watcher>();
  #feed: Feed | undefined;
  /** The newest event of the common feed, or where it began. */
  #newestEvent = 0;
  #position = 0;
  #progress: Disposable | undefined;
  #look: Disposable | undefined;

  constructor(deps: WatchesDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#watchers.size;
  }

  add(options: WatchOptions): void {
    if (options.signal.aborted) return;
    if (!options.prefix.startsWith(this.#deps.scope)) throw new RangeError(`watches lie below ${this.#deps.scope}`);
    const floor = this.#deps.floor();
    if (options.after < floor) {
      const text = `revision ${options.after} has been compacted; the oldest to watch from is ${floor}`;
      throw new StoreError('compacted', text);
    }
    const watcher: Watcher = {
      options,
      stop: () => this.#remove(watcher),
      position: options.after,
      told: options.after,
      replay: undefined,
      isLive: false,
    };
    options.signal.addEventListener('abort', watcher.stop, { once: true });
    this.#watchers.add(watcher);
    setImmediate(() => this.#start(watcher));
  }

  /** What is known of etcd has moved: soon the feed must, too. */
  noticed(): void {
    if (!this.#feed || this.#look || this.#deps.newest() <= this.#position) return;
    this.#armLook(this.#position, 1);
  }

  /** Ends every watch. */
  fail(error: StoreError): void {
    this.#stopFeed();
    for (const watcher of [...this.#watchers]) this.#end(watcher, error);
  }

  #start(watcher: Watcher): void {
    if (!this.#watchers.has(watcher)) return;
    if (!this.#feed) this.#startFeed(watcher.position);
    if (watcher.position >= this.#position) this.#goLive(watcher);
    else watcher.replay = this.#replay(watcher);
    this.noticed();
  }

  #startFeed(after: number): void {
    this.#position = after;
    this.#newestEvent = after;
    const { cluster, clock, log, names, scope } = this.#deps;
    this.#feed = new Feed({
      ...{ cluster, clock, log, keys: names.range(scope), after },
      onEvents: events => this.#deliver(events),
      onProgress: revision => this.#advance(revision),
      onError: error => this.fail(error),
    });
  }

  #stopFeed(): void {
    this.#feed?.[Symbol.dispose]();
    this.#feed = undefined;
    this.#progress?.[Symbol.dispose]();
    this.#progress = undefined;
    this.#look?.[Symbol.dispose]();
    this.#look = undefined;
  }

  #replay(watcher: Watcher): Feed {
    const { cluster, clock, log, names, scope } = this.#deps;
    const passed = (revision: number) => {
      watcher.position = Math.max(watcher.position, revision);
      if (watcher.position >= this.#newestEvent) this.#goLive(watcher);
    };
    return new Feed({
      ...{ cluster, clock, log, keys: names.range(scope), after: watcher.position },
      onEvents: events => {
        const changes = this.#toChanges(events);
        if (!changes) return this.#end(watcher, lostHistory(watcher.position));
        this.#hand(watcher, changes);
        passed(changes.at(-1)!.revision);
      },
      onProgress: passed,
      onError: error => this.#end(watcher, error),
    });
  }

  #goLive(watcher: Watcher): void {
    watcher.replay?.[Symbol.dispose]();
    watcher.replay = undefined;
    if (!this.#watchers.has(watcher)) return;
    watcher.isLive = true;
    watcher.position = Math.max(watcher.position, this.#position);
    this.#armProgress();
  }

  #deliver(events: readonly EtcdEvent[]): void {
    const changes = this.#toChanges(events);
    if (!changes) {
      this.fail(lostHistory(this.#position));
      return;
    }
    const { revision } = changes.at(-1)!;
    this.#newestEvent = revision;
    this.#position = revision;
    for (const watcher of [...this.#watchers]) {
      if (!watcher.isLive) continue;
      this.#hand(watcher, changes);
      watcher.position = Math.max(watcher.position, revision);
    }
    this.#armProgress();
  }

  #advance(revision: number): void {
    this.#position = Math.max(this.#position, revision);
    for (const watcher of this.#watchers) {
      if (watcher.isLive) watcher.position = Math.max(watcher.position, this.#position);
      // Told at once: somebody may be waiting for just this.
      if (watcher.isLive) this.#tell(watcher);
    }
  }

  /** Undefined when a value before is gone: it was compacted away while the event was on its way. */
  #toChanges(events: readonly EtcdEvent[]): Change[] | undefined {
    const { names, ownBytes } = this.#deps;
    const changes: Change[] = [];
    for (const { type, entry, previous } of events) {
      const key = names.fromEtcd(entry.key);
      const revision = entry.modRevision;
      if (!previous && (type === 'delete' || entry.createRevision !== revision)) return undefined;
      const createRevision = type === 'put' ? entry.createRevision : previous!.createRevision;
      const value = type === 'put' ? ownBytes(key, entry.value) : undefined;
      changes.push({ revision, key, value, createRevision, previous: previous?.value });
    }
    return changes;
  }

  #hand(watcher: Watcher, changes: readonly Change[]): void {
    const { position, options } = watcher;
    const seen = changes.filter(change => change.revision > position && change.key.startsWith(options.prefix));
    const last = seen.at(-1);
    if (!last) return;
    watcher.told = last.revision;
    this.#guard(() => options.onChanges(seen));
  }

  #tell(watcher: Watcher): void {
    if (!this.#watchers.has(watcher) || !watcher.options.onProgress || watcher.told >= watcher.position) return;
    watcher.told = watcher.position;
    this.#guard(() => watcher.options.onProgress?.(watcher.position));
  }

  #armProgress(): void {
    if (this.#progress || this.#watchers.size === 0) return;
    const tick = () => {
      this.#progress = undefined;
      for (const watcher of this.#watchers) if (watcher.isLive) this.#tell(watcher);
    };
    this.#progress = this.#deps.clock.timer(progressMs, tick, { unref: true });
  }

  /** Looks, after a moment, whether the feed has come on since it was at `since`. */
  #armLook(since: number, looks: number): void {
    const look = () => {
      this.#look = undefined;
      const feed = this.#feed;
      if (!feed || this.#deps.newest() <= this.#position) return;
      if (this.#position > since) return this.#armLook(this.#position, 1);
      if (looks % deadLooks === 0) feed.reopen();
      else if (this.#deps.scope !== '' && feed.isOpen) this.#deps.probe(feed);
      this.#armLook(since, looks + 1);
    };
    this.#look = this.#deps.clock.timer(probeMs, look, { unref: true });
  }

  #end(watcher: Watcher, error: StoreError): void {
    this.#remove(watcher);
    this.#guard(() => watcher.options.onError(error));
  }

  #remove(watcher: Watcher): void {
    watcher.replay?.[Symbol.dispose]();
    this.#watchers.delete(watcher);
    watcher.options.signal.removeEventListener('abort', watcher.stop);
    if (this.#watchers.size === 0) this.#stopFeed();
  }

  /** A watcher that throws breaks its contract; it must not take the others with it. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#deps.log.error('a watch callback threw', { error });
    }
  }
}

function lostHistory(position: number): StoreError {
  return new StoreError('compacted', `changes after revision ${position} have been compacted while they were read`);
}
