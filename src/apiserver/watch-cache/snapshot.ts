import type { Item } from '../storage/item.ts';

/** Long enough that the way of a block costs little, short enough that a slow reader is told from a big list. */
const blockBytes = 4 * 1024 * 1024;

/** Forms of one snapshot that are remembered: encodings, tables, versions. */
const maxForms = 16;

/** The items' bytes with commas between them, as they stand in a list. */
export interface JoinedItems {
  /** Of all items; undefined when they are of several versions. */
  readonly apiVersion: string | undefined;
  readonly blocks: readonly Buffer[];
}

/**
 * Objects of one resource as they were at one moment. Lists of the same state share it, and with it the joined bytes: after a restart every informer asks for the
 * same list. The bytes are held weakly, for they are as large as all objects together.
 */
export class Snapshot {
  readonly items: readonly Item[];
  #joined: WeakRef<JoinedItems> | undefined;
  readonly #derived = new Map<string, { stamp: number; value: WeakRef<object> | Promise<object> }>();

  constructor(items: readonly Item[]) {
    this.items = items;
  }

  /** The items in another form, held weakly until `stamp` is another one (0 for what no time changes); made once for all who ask meanwhile. */
  derived<T extends object>(form: string, stamp: number, make: () => Promise<T>): T | Promise<T> {
    const entry = this.#derived.get(form);
    const known =
      entry?.stamp === stamp ? (entry.value instanceof WeakRef ? entry.value.deref() : entry.value) : undefined;
    if (known) return known as T | Promise<T>;
    const making = make();
    if (this.#derived.size >= maxForms) this.#derived.clear();
    this.#derived.set(form, { stamp, value: making });
    const settle = (value: T | undefined) => {
      if (this.#derived.get(form)?.value !== making) return;
      if (value) this.#derived.set(form, { stamp, value: new WeakRef(value) });
      else this.#derived.delete(form);
    };
    making.then(settle, () => settle(undefined));
    return making;
  }

  joined(): JoinedItems {
    const known = this.#joined?.deref();
    if (known) return known;
    const joined = join(this.items);
    this.#joined = new WeakRef(joined);
    return joined;
  }
}

function join(items: readonly Item[]): JoinedItems {
  const apiVersion = items[0]?.apiVersion;
  const blocks: Buffer[] = [];
  for (let start = 0; start < items.length; ) {
    let bytes = 0;
    let end = start;
    // Comma and brace.
    while (end < items.length && (bytes === 0 || bytes < blockBytes)) bytes += items[end++]!.listBytes.length + 2;
    blocks.push(copyTogether(items, { start, end, bytes: start === 0 ? bytes - 1 : bytes }));
    start = end;
  }
  const isOne = apiVersion !== undefined && items.every(item => item.isOf(apiVersion));
  return { apiVersion: isOne ? apiVersion : undefined, blocks };
}

function copyTogether(items: readonly Item[], range: { start: number; end: number; bytes: number }): Buffer {
  const block = Buffer.allocUnsafeSlow(range.bytes);
  let at = 0;
  for (let index = range.start; index < range.end; index++) {
    if (index > 0) block[at++] = 0x2c;
    block[at++] = 0x7b;
    const { listBytes } = items[index]!;
    block.set(listBytes, at);
    at += listBytes.length;
  }
  return block;
}
