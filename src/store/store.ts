/** One key as it now is. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the write that made the key (since it was last deleted). */
  readonly createRevision: number;
  /** Revision of the newest write. */
  readonly revision: number;
}

/** One committed change, in revision order. No two changes that a store makes have the same revision. */
export interface Change {
  readonly revision: number;
  readonly key: string;
  /** undefined: the key was deleted. */
  readonly value: Uint8Array | undefined;
  /** Revision that made the key; equal to `revision` when this change created it. For a delete: of the key that went. */
  readonly createRevision: number;
  /** What the key held before; undefined for a creation. */
  readonly previous: Uint8Array | undefined;
}

export interface Write {
  readonly key: string;
  /** undefined deletes. */
  readonly value: Uint8Array | undefined;
  /** The revision that the key must now have; 0: it must not exist. */
  readonly expect: number;
  /**
   * Kept in memory only: gone after a restart, never a write to disk. Default false. A volatile key stays volatile. A store that several servers share has no
   * memory of its own and keeps such keys like any other.
   */
  readonly volatile?: boolean;
}

export interface ListOptions {
  /** Keys that start with this. */
  readonly prefix: string;
  /** Only keys that sort after this one (bytewise). */
  readonly after?: string;
  /** At most this many; 0 or absent: all. */
  readonly limit?: number;
}

export interface Listing {
  /** The store's revision that this listing shows. */
  readonly revision: number;
  readonly entries: Entry[];
  /** True when `limit` cut it. */
  readonly more: boolean;
}

export interface WatchOptions {
  readonly prefix: string;
  /** Changes after this revision; the store's own revision for "from now". */
  readonly after: number;
  readonly signal: AbortSignal;
  /** Called with changes in revision order, never empty, never overlapping. Must not throw and must not block. */
  onChanges(changes: readonly Change[]): void;
  /** Everything up to this revision has been delivered; called at least once a second while idle changes elsewhere move the store's revision. */
  onProgress?(revision: number): void;
  /** The watch cannot go on: StoreError `compacted` (start again from a listing) or `unavailable`. Called at most once; nothing follows. */
  onError(error: StoreError): void;
}

export type StoreErrorCode =
  /** The key's revision is not the expected one; `entry` is what is there (undefined: nothing). */
  | 'conflict'
  /** The revision asked for has been compacted away. */
  | 'compacted'
  /** The backend cannot be reached or cannot write (disk full, I/O error); nothing was changed, or it is not known (`cause`). */
  | 'unavailable'
  /** The store has been closed. */
  | 'closed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly entry: Entry | undefined;
  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown; entry?: Entry | undefined }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.entry = options?.entry;
  }
}

/**
 * A revisioned key-value log. Keys are strings without NUL, values are bytes that the store never looks into. Revisions are positive
 * integers that grow by one with each change and never go back, also over a restart; where others use the same backend, their changes take revisions too.
 * describeStore in testing.ts is the full contract.
 */
export interface Store extends AsyncDisposable {
  /** The newest revision that is committed and durable, as far as this process has heard. 1 for an empty store. */
  revision(): number;
  /** The same as the backend now says, other processes' changes included. Absent: nobody else writes, and `revision` is it. Rejects with `unavailable`. */
  current?(): Promise<number>;
  /** Why the backend cannot be used just now, for health checks; undefined: it can. Absent: whatever is wrong shows in the calls. */
  problem?(): string | undefined;
  /** The key as it now is; undefined when absent. */
  get(key: string): Promise<Entry | undefined>;
  /** Keys in bytewise order, at the newest revision. */
  list(options: ListOptions): Promise<Listing>;
  /**
   * One conditional change. Resolves with its revision after it is durable (or in memory, when volatile). Rejects with StoreError `conflict`
   * and changes nothing when `expect` does not hold. Calls for one key take effect in their order.
   */
  write(write: Write): Promise<{ revision: number }>;
  /** Delivers changes until the signal aborts. Throws StoreError `compacted` at once when `after` is no longer retained. */
  watch(options: WatchOptions): void;
  /** Forgets changes up to and including `revision`, in small steps between which others run. Current values stay. */
  compact(revision: number): Promise<void>;
  /** Oldest revision from which a watch can still start (`after` at or above it), and bytes on disk (0 for memory or remote). */
  stats(): { compacted: number; sizeBytes: number; bytesWritten: number };
}
