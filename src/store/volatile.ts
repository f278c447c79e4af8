import { compareKeys, folderOf } from './key.ts';
import type { Change, Entry } from './store.ts';

/** History kept for watches that start late: this many changes or bytes, whichever is reached first. Older ones count as compacted. */
const maxChanges = 20_000;
const maxBytes = 16 * 1024 * 1024;

/**
 * The keys that live in memory only, with their own short history. Revisions come from outside. Remembers by folder up to which
 * revision changes are lost (by a restart or by a full history), so that a watch that would miss them is refused.
 */
export class VolatileKeys {
  readonly #entries = new Map<string, Entry>();
  /** Keys in bytewise order. */
  readonly #sorted: string[] = [];
  readonly #lost: Map<string, number>;
  /** Folders that hold or have held volatile keys in this run. */
  readonly #used = new Set<string>();
  #history: Change[] = [];
  #bytes = 0;

  /** @param lost folder -> newest revision at which a change in it may have been lost. */
  constructor(lost: Map<string, number>) {
    this.#lost = lost;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  isUsed(folder: string): boolean {
    return this.#used.has(folder);
  }

  /** From now on the folder may hold volatile keys. */
  use(folder: string): void {
    this.#used.add(folder);
  }

  apply(given: Change): void {
    const change = withOwnMemory(given);
    const at = this.#position(change.key);
    const known = this.#sorted[at] === change.key;
    if (change.value === undefined) {
      if (known) this.#sorted.splice(at, 1);
      this.#entries.delete(change.key);
    } else {
      if (!known) this.#sorted.splice(at, 0, change.key);
      const { key, value, createRevision, revision } = change;
      this.#entries.set(key, { key, value, createRevision, revision });
    }
    this.#history.push(change);
    this.#bytes += size(change);
    if (this.#history.length > maxChanges || this.#bytes > maxBytes) this.#trim();
  }

  /** Entries with the prefix and after the given key, in order, at most `limit` (0: all). */
  range(prefix: string, after: string, limit: number): Entry[] {
    const found: Entry[] = [];
    for (let at = this.#position(prefix); at < this.#sorted.length; at++) {
      const key = this.#sorted[at]!;
      if (!key.startsWith(prefix) || (limit > 0 && found.length >= limit)) break;
      if (compareKeys(key, after) > 0) found.push(this.#entries.get(key)!);
    }
    return found;
  }

  /** Changes with `after < revision <= upTo` and the prefix, in order. */
  changes(prefix: string, after: number, upTo: number): Change[] {
    const found: Change[] = [];
    for (let at = this.#history.length - 1; at >= 0; at--) {
      const change = this.#history[at]!;
      if (change.revision <= after) break;
      if (change.revision <= upTo && change.key.startsWith(prefix)) found.push(change);
    }
    return found.reverse();
  }

  /** A watch with this prefix can only start at this revision or later, as far as volatile keys are concerned. */
  floor(prefix: string): number {
    let floor = 0;
    for (const [folder, lost] of this.#lost) {
      if (lost > floor && (folder.startsWith(prefix) || prefix.startsWith(folder))) floor = lost;
    }
    return floor;
  }

  /** Forgets history up to and including `revision`; the caller refuses watches from before it. */
  compact(revision: number): void {
    const keep = this.#history.findIndex(change => change.revision > revision);
    this.#drop(keep < 0 ? this.#history.length : keep);
  }

  /** Drops the older half, so that trimming is rare. */
  #trim(): void {
    const dropped = this.#drop(this.#history.length >> 1);
    for (const change of dropped) this.#lost.set(folderOf(change.key), change.revision);
  }

  #drop(count: number): Change[] {
    const dropped = this.#history.slice(0, count);
    this.#history = this.#history.slice(count);
    this.#bytes = this.#history.reduce((sum, change) => sum + size(change), 0);
    return dropped;
  }

  #position(key: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareKeys(this.#sorted[middle]!, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function size(change: Change): number {
  return change.key.length + (change.value?.length ?? 0) + (change.previous?.length ?? 0);
}

/** What is kept here is copied out of the buffer that it shares with others (Node's pool, a chunk from the network), which it would keep alive as a whole. */
function withOwnMemory(change: Change): Change {
  const { value } = change;
  if (value === undefined || value.buffer.byteLength <= value.byteLength + 64) return change;
  return { ...change, value: new Uint8Array(value) };
}
