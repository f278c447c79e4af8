/** What a handler says about its key: done, or look again later even if nothing changes. */
export type QueueOutcome = void | { afterMs: number };

export interface QueueOptions {
  /** For logs and meters: the controller's name. */
  name: string;
  /** Keys handled at the same time; one key never twice at once. Default 1. */
  concurrency?: number;
  /** Does the work of one key. A rejection is logged, and the key comes again after a growing delay (5 ms doubling to 1000 s, as upstream). */
  handle(key: string, signal: AbortSignal): Promise<QueueOutcome>;
  /** Changes the growing delay. */
  backoff?: { firstMs: number; maxMs: number };
}

/** Keys waiting to be worked on. A key added while it is being handled is handled once more afterwards. */
export interface KeyedQueue extends AsyncDisposable {
  add(key: string): void;
  /** Adds after a delay; the earliest of several wins. */
  addAfter(key: string, delayMs: number): void;
  /** Keys waiting now (not counting delayed ones). */
  readonly length: number;
}
