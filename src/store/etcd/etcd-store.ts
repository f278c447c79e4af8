import type { EtcdEntry, EtcdKeys, EtcdRange } from '#wire';
import type { Entry, Listing, ListOptions, Store, WatchOptions, Write } from '../store.ts';
import { StoreError } from '../store.ts';
import type { EtcdCluster } from './cluster.ts';
import type { CompactionTurns } from './compaction-turns.ts';
import type { Feed } from './feed.ts';
import type { KeyNames } from './key-names.ts';
import { Watches, type WatchesDeps } from './watches.ts';

export interface EtcdStoreParts extends Pick<WatchesDeps, 'cluster' | 'names' | 'scope' | 'clock' | 'log'> {
  readonly turns: CompactionTurns;
  readonly start: { readonly revision: number; readonly compacted: number };
  /** Whether what etcd says about progress can be believed. */
  readonly hasProgress: boolean;
}

/** A leader's failure and the election of another take about two seconds; a write that takes longer than this has failed. */
const writeMs = 15_000;
const readMs = 5_000;
/** As many as etcd's own client reads in one go; values of 100 KB still fit into a message of ordinary size. */
const pageKeys = 1000;
const compactionMs = 60_000;
/** Bytes of own writes that are remembered until their events come. */
const maxOwn = 5000;

/** The store in etcd. Revisions are etcd's; a key's revision is its modification revision. */
export class EtcdStore implements Store {
  readonly #parts: EtcdStoreParts;
  readonly #cluster: EtcdCluster;
  readonly #names: KeyNames;
  readonly #watches: Watches;
  /** The last write of each key that is under way: writes of one key go one after the other, in the order in which they were asked for. */
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #own = new Map<string, Uint8Array>();
  #newest: number;
  #compacted: number;
  #asking: Promise<number> | undefined;
  #askingNext: Promise<number> | undefined;
  #isProbing = false;
  /** Revision of the newest probe. */
  #probed = 0;
  #closing: Promise<void> | undefined;

  constructor(parts: EtcdStoreParts) {
    this.#parts = parts;
    this.#cluster = parts.cluster;
    this.#names = parts.names;
    this.#newest = parts.start.revision;
    this.#compacted = parts.start.compacted;
    this.#watches = new Watches({
      ...parts,
      newest: () => this.#newest,
      floor: () => this.#compacted,
      probe: feed => this.#probe(feed),
      ownBytes: (key, value) => this.#ownBytes(key, value),
    });
  }

  revision(): number {
    return this.#newest;
  }

  /** Several ask with one question; whoever comes while it is under way waits for the next, which cannot be too old for him. */
  current(): Promise<number> {
    if (this.#closing) return Promise.reject(closed());
    if (!this.#asking) {
      this.#asking = this.#ask().finally(() => {
        this.#asking = undefined;
      });
      return this.#asking;
    }
    this.#askingNext ??= this.#asking
      .catch(() => undefined)
      .then(() => {
        this.#askingNext = undefined;
        return this.current();
      });
    return this.#askingNext;
  }

  problem(): string | undefined {
    return this.#cluster.problem?.message;
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#check();
    const from = this.#names.toEtcd(key);
    const { entries } = await this.#range({ from });
    return entries[0] && this.#toEntry(entries[0]);
  }

  async list(options: ListOptions): Promise<Listing> {
    this.#check();
    for (;;) {
      try {
        return await this.#pages(options);
      } catch (error) {
        // Compacted away between two pages: what there is now is as good.
        if (!(error instanceof StoreError && error.code === 'compacted')) throw error;
      }
    }
  }

  async #pages(options: ListOptions): Promise<Listing> {
    const { prefix, after = '', limit = 0 } = options;
    const entries: Entry[] = [];
    let revision = 0;
    for (let last = after; ; ) {
      const left = limit > 0 ? limit - entries.length : pageKeys;
      // Later pages show the revision of the first.
      const page = await this.#range({ ...this.#names.range(prefix, last), limit: Math.min(left, pageKeys), revision });
      revision ||= page.revision;
      for (const entry of page.entries) entries.push(this.#toEntry(entry));
      const isFull = limit > 0 && entries.length >= limit;
      if (!page.more || isFull) return { revision, entries, more: page.more };
      last = entries.at(-1)!.key;
    }
  }

  async write(write: Write): Promise<{ revision: number }> {
    const key = this.#names.toEtcd(write.key);
    this.#check();
    const before = this.#last.get(write.key);
    const done = before ? before.then(() => this.#writeNow(key, write)) : this.#writeNow(key, write);
    const settled = done.catch(() => undefined);
    this.#last.set(write.key, settled);
    try {
      return await done;
    } finally {
      if (this.#last.get(write.key) === settled) this.#last.delete(write.key);
    }
  }

  watch(options: WatchOptions): void {
    this.#check();
    this.#watches.add(options);
  }

  async compact(revision: number): Promise<void> {
    this.#check();
    const wanted = Math.min(revision, this.#newest);
    if (wanted <= this.#compacted) return;
    const turn = await this.#parts.turns.take(wanted);
    this.#note(turn.revision);
    if (turn.isMine) {
      await this.#cluster
        .call(member => member.compact({ revision: wanted, timeoutMs: compactionMs }), {
          totalMs: compactionMs,
        })
        .catch(error => {
          // Another client was faster: what was to go is gone.
          if (!(error instanceof StoreError && error.code === 'compacted')) throw error;
        });
    }
    this.#compacted = Math.max(this.#compacted, turn.isMine ? wanted : turn.compacted);
  }

  stats(): { compacted: number; sizeBytes: number; bytesWritten: number } {
    return { compacted: this.#compacted, sizeBytes: 0, bytesWritten: 0 };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#last.values());
    this.#watches.fail(closed());
    this.#cluster.close();
  }

  #check(): void {
    if (this.#closing) throw closed();
  }

  async #range(options: EtcdKeys & { limit?: number; revision?: number; countOnly?: boolean }): Promise<EtcdRange> {
    const answer = await this.#cluster.call((member, timeoutMs) => member.range({ ...options, timeoutMs }), {
      totalMs: readMs,
    });
    this.#note(answer.revision);
    return answer;
  }

  async #ask(): Promise<number> {
    const { from } = this.#names.range(this.#parts.scope);
    return (await this.#range({ from, countOnly: true })).revision;
  }

  async #writeNow(key: Buffer, write: Write): Promise<{ revision: number }> {
    const { value, expect } = write;
    const since = this.#newest;
    let isUncertain = false;
    if (value) this.#rememberOwn(write.key, value);
    const onUncertain = () => {
      isUncertain = true;
    };
    try {
      const answer = await this.#cluster.call((member, timeoutMs) => member.write({ key, value, expect, timeoutMs }), {
        totalMs: writeMs,
        onUncertain,
      });
      this.#note(answer.revision);
      if (answer.succeeded) return { revision: answer.revision };
      return this.#refused(write, { entry: answer.entry, isUncertain, since });
    } catch (error) {
      this.#own.delete(write.key);
      throw error;
    }
  }

  /**
   * The condition does not hold. After tries that were not answered that may be because one of them was carried out: as its value is there, it was. Only what
   * cannot be told is told as that.
   */
  #refused(
    { key, value, expect }: Write,
    found: { entry: EtcdEntry | undefined; isUncertain: boolean; since: number },
  ): { revision: number } {
    const entry = found.entry && this.#toEntry(found.entry);
    const conflict = new StoreError('conflict', `${key} is at revision ${entry?.revision ?? 0}, not ${expect}`, {
      entry,
    });
    if (!found.isUncertain) throw conflict;
    const isNewer = entry !== undefined && entry.revision > Math.max(expect, expect === 0 ? found.since : 0);
    if (isNewer && value && Buffer.compare(entry.value, value) === 0) return { revision: entry.revision };
    // Nobody has written since before the first try, so no try was carried out.
    if (entry && !isNewer) throw conflict;
    const text = `${key}: etcd did not answer, and the key has changed since: whether it was this write that changed it is not known`;
    throw new StoreError('unavailable', text, { cause: conflict });
  }

  /** Without believable progress, a write in the scope: its event comes behind all that was before it. */
  #probe(feed: Feed): void {
    if (this.#parts.hasProgress) feed.requestProgress();
    // The event of the last one is still to come: it will do.
    if (this.#parts.hasProgress || this.#isProbing || this.#newest <= this.#probed) return;
    this.#isProbing = true;
    const key = this.#names.toEtcd(`${this.#parts.scope}progress`);
    this.#cluster
      .call((member, timeoutMs) => member.put({ key, value: Buffer.from('{}'), timeoutMs }), { totalMs: readMs })
      .then(
        ({ revision }) => {
          this.#probed = revision;
          this.#note(revision);
        },
        error => this.#parts.log.debug('cannot ask for progress', { error }),
      )
      .finally(() => {
        this.#isProbing = false;
      });
  }

  #note(revision: number): void {
    if (revision <= this.#newest) return;
    this.#newest = revision;
    this.#watches.noticed();
  }

  #rememberOwn(key: string, value: Uint8Array): void {
    if (this.#watches.size === 0) return;
    if (this.#own.size >= maxOwn) this.#own.clear();
    this.#own.set(key, value);
  }

  #ownBytes(key: string, value: Buffer): Uint8Array {
    const own = this.#own.get(key);
    if (!own || own.length !== value.length || Buffer.compare(own, value) !== 0) return value;
    this.#own.delete(key);
    return own;
  }

  #toEntry({ key, value, createRevision, modRevision }: EtcdEntry): Entry {
    return { key: this.#names.fromEtcd(key), value, createRevision, revision: modRevision };
  }
}

function closed(): StoreError {
  return new StoreError('closed', 'the store is closed');
}
