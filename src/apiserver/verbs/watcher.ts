import { createTurn } from '#base';
import type { Sink } from '#wire';
import { type Frame, type Framer, writeFrame, writeFrames } from '../content/frames.ts';
import { statusOf } from '../errors.ts';
import type { Item } from '../storage/item.ts';
import type { CacheEvent, EventType } from '../watch-cache/event.ts';
import type { ResourceCache } from '../watch-cache/resource-cache.ts';
import type { ListOptions } from './list-options.ts';
import type { Selection } from './selection.ts';
import type { Target } from './target.ts';

/** A client that lets more than this pile up is closed: it lists again when it comes back. Events are shared buffers, so this costs little memory. */
const maxPendingBytes = 8 * 1024 * 1024;
/** Events that may wait while the initial state is still being sent. */
const maxQueuedEvents = 10_000;
/** Upstream's interval of bookmarks. */
const bookmarkMs = 60_000;
/** One comes this long before the end, so that the next watch can start where this one stops. */
const beforeEndMs = 2000;

export interface WatcherOptions {
  readonly target: Target;
  readonly sink: Sink;
  readonly selection: Selection | undefined;
  readonly framer: Framer;
  readonly options: ListOptions;
  readonly timeoutMs: number;
}

export interface WatchStart {
  readonly cache: ResourceCache;
  /** Objects to be shown as ADDED. */
  readonly initial: readonly Item[];
  /** Changes to be shown first. */
  readonly past: readonly CacheEvent[];
  /** Changes up to this revision are not asked for, even when they are still to come. */
  readonly after: number;
  /** The state that both lead to. */
  readonly revision: number;
}

/** One open watch: picks the events that its client asked for and writes them, until the client leaves, time is over, or it is too slow. */
export class Watcher {
  readonly target: Target;
  readonly options: ListOptions;
  /** '' or `namespace/`. */
  readonly prefix: string;
  readonly #sink: Sink;
  readonly #selection: Selection | undefined;
  readonly #framer: Framer;
  readonly #timeoutMs: number;
  readonly #end = Promise.withResolvers<void>();
  #ended = false;
  #after = 0;
  /** Events that came while the initial state is being sent; undefined afterwards. */
  #queue: Frame[] | undefined = [];
  /** Events of this turn of the event loop. */
  #unsent: Frame[] = [];
  #unsentBytes = 0;
  /** Events that wait for their conversion, and when the last of them is shown. */
  #converting = 0;
  #earlier: Promise<void> | undefined;
  #sent: { add(by: number): void } | undefined;

  constructor(options: WatcherOptions) {
    this.target = options.target;
    this.options = options.options;
    this.prefix = this.target.namespace ? `${this.target.namespace}/` : '';
    this.#sink = options.sink;
    this.#selection = options.selection;
    this.#framer = options.framer;
    this.#timeoutMs = options.timeoutMs;
  }

  /** Ends the watch with an ERROR event. */
  async fail(status: unknown): Promise<void> {
    writeFrame(this.#sink, this.#framer.error(status));
  }

  /** Resolves when the watch is over. Registers before its first await. */
  async run(start: WatchStart): Promise<void> {
    const { core, exchange } = this.target;
    const { signal } = exchange.request;
    const stop = () => this.#stop();
    this.#after = start.after;
    const listening = start.cache.listen({ onEvent: event => this.#onEvent(event), onRefilled: stop });
    const timer = core.clock.timer(this.#timeoutMs, stop, { unref: true });
    const bookmarks = this.options.allowBookmarks ? this.#scheduleBookmarks() : undefined;
    const ended = core.versions.endOf(this.target.kind);
    signal.addEventListener('abort', stop, { once: true });
    ended?.addEventListener('abort', stop, { once: true });
    core.stopping.addEventListener('abort', stop, { once: true });
    if (signal.aborted || core.stopping.aborted || ended?.aborted) stop();
    try {
      try {
        await this.#sendStart(start);
      } catch (error) {
        this.#failWith(error);
      }
      await this.#end.promise;
    } finally {
      this.#ended = true;
      listening[Symbol.dispose]();
      timer[Symbol.dispose]();
      bookmarks?.[Symbol.dispose]();
      signal.removeEventListener('abort', stop);
      ended?.removeEventListener('abort', stop);
      core.stopping.removeEventListener('abort', stop);
    }
  }

  #stop(): void {
    this.#flush();
    this.#ended = true;
    this.#queue = undefined;
    this.#end.resolve();
  }

  /** Rejecting cuts the connection's stream off, so that what waits for the client is let go at once. */
  #cutOff(): void {
    this.#ended = true;
    this.#queue = undefined;
    this.#unsent = [];
    this.#end.reject(new Error('the watcher is too slow'));
  }

  async #sendStart({ initial, past, revision }: WatchStart): Promise<void> {
    const { core, kind } = this.target;
    core.watchCounts.initial(kind).add(initial.length);
    const turn = createTurn(core.clock);
    for (const item of await core.versions.serve(kind, initial)) {
      if (turn.isOver()) await turn.next();
      if (this.#ended) return;
      if (this.#selection && !this.#selection(item)) continue;
      const ready = this.#framer.ready(item);
      const held = ready && (await ready);
      if (this.#ended) return;
      if (!writeFrame(this.#sink, this.#framer.initial(item))) await this.#sink.drained();
      void held;
    }
    if (this.options.sendInitialEvents && this.options.allowBookmarks) {
      writeFrame(this.#sink, this.#framer.bookmark(revision, true));
    }
    for (const event of past) {
      if (turn.isOver()) await turn.next();
      const served = await core.versions.serveEvent(kind, event);
      await this.#framer.readyFor(served);
      const frame = this.#frameOf(served);
      if (this.#ended) return;
      if (frame && !writeFrame(this.#sink, frame)) await this.#sink.drained();
    }
    const queued = this.#queue ?? [];
    this.#queue = undefined;
    for (const frame of queued) this.#send(frame);
  }

  #onEvent(event: CacheEvent): void {
    if (this.#ended || event.revision <= this.#after) return;
    if (this.prefix && !event.key.startsWith(this.prefix)) return;
    const served = this.target.core.versions.serveEvent(this.target.kind, event);
    const ready = served instanceof Promise ? served.then(one => this.#ready(one)) : this.#ready(served);
    if (this.#converting === 0 && !(ready instanceof Promise)) this.#show(ready);
    else this.#showInTurn(ready);
  }

  /** Large events are encoded elsewhere. */
  #ready(event: CacheEvent): CacheEvent | Promise<CacheEvent> {
    return this.#framer.readyFor(event)?.then(() => event) ?? event;
  }

  /** Conversions are waited for one after the other: events keep their order. */
  #showInTurn(served: CacheEvent | Promise<CacheEvent>): void {
    this.#converting++;
    this.#earlier = Promise.all([served, this.#earlier]).then(
      ([event]) => {
        this.#converting--;
        if (!this.#ended) this.#show(event);
      },
      error => this.#failWith(error),
    );
    if (this.#converting > maxQueuedEvents) this.#cutOff();
  }

  /** An event that cannot be shown is told, and ends the watch. */
  #failWith(error: unknown): void {
    if (this.#ended) return;
    const status = statusOf(error);
    if (status) {
      this.#flush();
      writeFrame(this.#sink, this.#framer.error(status));
      this.#stop();
    } else this.#end.reject(error);
  }

  #show(event: CacheEvent): void {
    const frame = this.#frameOf(event);
    if (!frame) return;
    if (!this.#queue) {
      this.#send(frame);
      return;
    }
    this.#queue.push(frame);
    if (this.#queue.length > maxQueuedEvents) this.#cutOff();
  }

  /**
   * Events go out when the turn is over: those of one commit in one piece, and after the answer to the write that made them, so that its client goes on while many
   * watchers are being written to.
   */
  #send(frame: Frame): void {
    if (this.#ended) return;
    this.#unsent.push(frame);
    this.#unsentBytes += frame.length;
    if (this.#unsent.length === 1) setImmediate(() => this.#flush());
    if (this.#sink.bufferedBytes + this.#unsentBytes > maxPendingBytes) this.#cutOff();
  }

  #flush(): void {
    const frames = this.#unsent;
    this.#sent ??= this.target.core.watchCounts.sent(this.target.kind);
    this.#sent.add(frames.length);
    this.#unsent = [];
    this.#unsentBytes = 0;
    writeFrames(this.#sink, frames);
  }

  /** What the client sees of a change: an object that begins or ceases to match its selectors is added or deleted. */
  #frameOf(event: CacheEvent): Frame | undefined {
    if (this.prefix && !event.key.startsWith(this.prefix)) return undefined;
    const { item, previous } = event;
    const isSelected = item !== undefined && (!this.#selection || this.#selection(item));
    const wasSelected = previous !== undefined && (!this.#selection || this.#selection(previous));
    if (!isSelected && !wasSelected) return undefined;
    const type: EventType = !isSelected ? 'DELETED' : wasSelected ? 'MODIFIED' : 'ADDED';
    return this.#framer.change(event, type);
  }

  #scheduleBookmarks(): Disposable {
    const { clock, cache } = this.target.core;
    const deadline = clock.now() + this.#timeoutMs;
    let timer: Disposable;
    const arm = () => {
      const untilEnd = deadline - beforeEndMs - clock.now();
      timer = clock.timer(untilEnd > 0 ? Math.min(bookmarkMs, untilEnd) : bookmarkMs, tick, { unref: true });
    };
    const tick = () => {
      // While older events wait, a bookmark would promise too much.
      if (!this.#queue && !this.#ended && this.#converting === 0) {
        this.#send(this.#framer.bookmark(Math.max(this.#after, cache.revision), false));
      }
      arm();
    };
    arm();
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }
}
