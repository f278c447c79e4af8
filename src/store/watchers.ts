import type { Clock, Log } from '#base';
import type { Change, WatchOptions } from './store.ts';
import { StoreError } from './store.ts';

/** Twice the rate that the contract promises. */
const progressMs = 500;

/** Where a watch that starts in the past reads from. */
export interface ChangeSource {
  /** The newest revision that may be shown. */
  revision(): number;
  /** The oldest revision after which every change with this prefix is still there. */
  floor(prefix: string): number;
  /** Some changes with `after < revision <= upTo`, in order; everything up to and including `upTo` has been looked at. A bounded amount. */
  read(prefix: string, after: number): { changes: Change[]; upTo: number };
}

interface Watcher {
  readonly options: WatchOptions;
  readonly stop: () => void;
  /** Everything up to here has been handed over. */
  position: number;
  /** What the watcher itself can know to be the position. */
  told: number;
  live: boolean;
}

/**
 * Hands changes to watchers: first what lies in the past, in bounded steps with the event loop between, then each committed batch.
 * The step that reaches the newest revision makes the watcher live in the same turn, so nothing falls between.
 */
export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #source: ChangeSource;
  readonly #clock: Clock;
  readonly #log: Log;
  #progress: Disposable | undefined;

  constructor(deps: { source: ChangeSource; clock: Clock; log: Log }) {
    this.#source = deps.source;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  get size(): number {
    return this.#watchers.size;
  }

  add(options: WatchOptions): void {
    if (options.signal.aborted) return;
    const lost = this.#compacted(options.prefix, options.after);
    if (lost) throw lost;
    const stop = () => this.#remove(watcher);
    const watcher: Watcher = { options, stop, position: options.after, told: options.after, live: false };
    options.signal.addEventListener('abort', stop, { once: true });
    this.#watchers.add(watcher);
    setImmediate(() => this.#replay(watcher));
  }

  /** Gives live watchers a committed batch, in revision order. */
  deliver(changes: readonly Change[], revision: number): void {
    for (const watcher of this.#watchers) {
      if (!watcher.live) continue;
      const { position, options } = watcher;
      const seen = changes.filter(change => change.revision > position && change.key.startsWith(options.prefix));
      watcher.position = Math.max(position, revision);
      this.#hand(watcher, seen);
    }
    this.#armProgress();
  }

  /** Ends every watch. */
  fail(error: StoreError): void {
    this.#progress?.[Symbol.dispose]();
    this.#progress = undefined;
    for (const watcher of this.#watchers) this.#end(watcher, error);
  }

  #replay(watcher: Watcher): void {
    if (!this.#watchers.has(watcher)) return;
    if (watcher.position < this.#source.revision()) {
      const step = this.#attempt(watcher);
      if (!step) return;
      watcher.position = step.upTo;
      this.#hand(watcher, step.changes);
    }
    if (watcher.position < this.#source.revision()) {
      setImmediate(() => this.#replay(watcher));
      return;
    }
    watcher.live = true;
    this.#tell(watcher);
  }

  /** The next stretch of the past; undefined when that ended the watch. */
  #attempt(watcher: Watcher): { changes: Change[]; upTo: number } | undefined {
    const { position, options } = watcher;
    try {
      const lost = this.#compacted(options.prefix, position);
      if (lost) throw lost;
      return this.#source.read(options.prefix, position);
    } catch (error) {
      const cause =
        error instanceof StoreError ? error : new StoreError('unavailable', String(error), { cause: error });
      this.#end(watcher, cause);
      return undefined;
    }
  }

  #hand(watcher: Watcher, changes: readonly Change[]): void {
    const last = changes.at(-1);
    if (!last) return;
    watcher.told = last.revision;
    this.#guard(() => watcher.options.onChanges(changes));
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
      for (const watcher of this.#watchers) if (watcher.live) this.#tell(watcher);
    };
    this.#progress = this.#clock.timer(progressMs, tick, { unref: true });
  }

  #end(watcher: Watcher, error: StoreError): void {
    this.#remove(watcher);
    this.#guard(() => watcher.options.onError(error));
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    watcher.options.signal.removeEventListener('abort', watcher.stop);
  }

  /** A watcher that throws breaks its contract; it must not take the others, or the writer, with it. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error('a watch callback threw', { error });
    }
  }

  #compacted(prefix: string, after: number): StoreError | undefined {
    const floor = this.#source.floor(prefix);
    if (after >= floor) return undefined;
    return new StoreError('compacted', `revision ${after} has been compacted; the oldest to watch from is ${floor}`);
  }
}
