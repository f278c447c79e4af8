import type { Clock, Log } from '#base';
import type { EtcdEvent, EtcdKeys, EtcdMember, EtcdWatch, EtcdWatchMessage } from '#wire';
import { isGrpcError } from '#wire';
import { StoreError } from '../store.ts';
import type { EtcdCluster } from './cluster.ts';
import { judge, toStoreError } from './error.ts';

export interface FeedOptions {
  readonly cluster: EtcdCluster;
  readonly clock: Clock;
  readonly log: Log;
  readonly keys: EtcdKeys;
  /** Events after this revision. */
  readonly after: number;
  /** All events of some whole revisions, in order. */
  onEvents(events: readonly EtcdEvent[]): void;
  /** Everything up to there has been handed over. */
  onProgress(revision: number): void;
  /** It cannot go on. Called at most once; nothing follows. */
  onError(error: StoreError): void;
}

/** Before a broken stream is opened anew: the first at once, then with growing pauses. */
const backoffs = [0, 50, 100, 200, 400, 800];

/** One watch of etcd that goes on over broken streams, silent members and changes of leader. Starts at once. */
export class Feed implements Disposable {
  readonly #options: FeedOptions;
  #position: number;
  #watch: EtcdWatch | undefined;
  #member = 0;
  #failures = 0;
  #refusals = 0;
  #fragments: EtcdEvent[] = [];
  #retry: Disposable | undefined;
  #isOpen = false;
  #isOver = false;
  /** Counts streams, so that what an old one still says is not heard. */
  #generation = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#position = options.after;
    void this.#open();
  }

  /** Whether etcd has answered that it watches. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get position(): number {
    return this.#position;
  }

  /** Asks etcd to tell how far it is; only for versions whose answer can be believed. */
  requestProgress(): void {
    this.#watch?.requestProgress();
  }

  /** The stream seems to stand still: another member. */
  reopen(): void {
    this.#options.cluster.avoid(this.#member);
    this.#again(new Error('the watch stood still'));
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#retry?.[Symbol.dispose]();
    this.#watch?.close();
  }

  async #open(): Promise<void> {
    const { cluster, keys } = this.#options;
    const generation = ++this.#generation;
    this.#fragments = [];
    this.#member = cluster.current;
    const isCurrent = () => !this.#isOver && generation === this.#generation;
    let member: EtcdMember;
    try {
      await cluster.authenticated(this.#member);
      member = await cluster.member(this.#member);
    } catch (error) {
      if (isCurrent()) this.#broken(error);
      return;
    }
    if (!isCurrent()) return;
    this.#watch = member.watch({
      keys,
      start: this.#position + 1,
      onMessage: message => isCurrent() && this.#take(message),
      onEnd: error => isCurrent() && this.#broken(error ?? new Error('the stream ended')),
    });
  }

  #take(message: EtcdWatchMessage): void {
    if (message.isCanceled) {
      this.#canceled(message);
      return;
    }
    this.#isOpen = true;
    this.#failures = 0;
    this.#refusals = 0;
    if (message.events.length > 0) {
      this.#fragments.push(...message.events);
      if (message.isFragment) return;
      const events = this.#fragments;
      this.#fragments = [];
      const last = events.at(-1)!.entry.modRevision;
      if (last <= this.#position) return;
      this.#position = last;
      this.#options.onEvents(events);
      return;
    }
    // What etcd sends of itself while nothing happens comes in the order of the events; so does the answer to a question (see requestProgress).
    if (message.isCreated || message.revision <= this.#position) return;
    this.#position = message.revision;
    this.#options.onProgress(message.revision);
  }

  #canceled({ compacted, reason }: EtcdWatchMessage): void {
    const { cluster } = this.#options;
    if (compacted > 0) {
      const text = `revision ${this.#position} has been compacted; the oldest to watch from is ${compacted}`;
      this.#fail(new StoreError('compacted', text));
      return;
    }
    // 3.4 says so, too, of a token that has run out.
    if (/permission denied/.test(reason) && this.#refusals++ > 0) {
      const text = `etcd at ${cluster.where}: ${reason}: the user must be allowed to read what is watched`;
      this.#fail(new StoreError('unavailable', text));
      return;
    }
    if (this.#refusals > 0) cluster.forgetToken();
    // No leader, or a member that stops: another one knows more.
    cluster.avoid(this.#member);
    this.#again(new Error(reason || 'the watch was cancelled'));
  }

  #broken(error: unknown): void {
    const { cluster } = this.#options;
    const verdict = isGrpcError(error) ? judge(error) : 'retry';
    if (verdict === 'fail') {
      this.#fail(toStoreError(error, cluster.where));
      return;
    }
    if (verdict === 'authenticate') cluster.forgetToken();
    cluster.avoid(this.#member);
    this.#again(error);
  }

  #again(error: unknown): void {
    const { clock, log } = this.#options;
    this.#watch?.close();
    this.#watch = undefined;
    this.#isOpen = false;
    this.#generation++;
    log.debug('the etcd watch broke; opening it again', { error, revision: this.#position });
    const delayMs = backoffs[Math.min(this.#failures++, backoffs.length - 1)]!;
    this.#retry?.[Symbol.dispose]();
    this.#retry = clock.timer(delayMs, () => void this.#open(), { unref: true });
  }

  #fail(error: StoreError): void {
    this[Symbol.dispose]();
    this.#options.onError(error);
  }
}
