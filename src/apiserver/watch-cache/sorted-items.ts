import type { Item } from '../storage/item.ts';

/** Keys that are moved at most to make room for one. */
const maxBlock = 512;

/** Objects by key, in the order of their keys. These stand in blocks: in one long array each new object would move half of all. */
export class SortedItems {
  readonly #items = new Map<string, Item>();
  /** None is empty. */
  readonly #blocks: string[][] = [];

  get size(): number {
    return this.#items.size;
  }

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  set(item: Item): void {
    if (!this.#items.has(item.key)) this.#insert(item.key);
    this.#items.set(item.key, item);
  }

  delete(key: string): void {
    if (!this.#items.delete(key)) return;
    const at = this.#blockOf(key);
    const block = this.#blocks[at]!;
    if (block.length === 1) this.#blocks.splice(at, 1);
    else block.splice(position(block, key), 1);
  }

  /** Objects whose key starts with `prefix` and does not sort before `from`, in order. */
  *range(prefix: string, from: string): Generator<Item> {
    const first = from > prefix ? from : prefix;
    for (let at = this.#blockOf(first); at < this.#blocks.length; at++) {
      const block = this.#blocks[at]!;
      for (let index = block[0]! < first ? position(block, first) : 0; index < block.length; index++) {
        const key = block[index]!;
        if (!key.startsWith(prefix)) return;
        yield this.#items.get(key)!;
      }
    }
  }

  /** The same as an array, for the hot path. */
  all(prefix: string): Item[] {
    const found: Item[] = [];
    for (let at = prefix === '' ? 0 : this.#blockOf(prefix); at < this.#blocks.length; at++) {
      const block = this.#blocks[at]!;
      for (let index = block[0]! < prefix ? position(block, prefix) : 0; index < block.length; index++) {
        const key = block[index]!;
        if (!key.startsWith(prefix)) return found;
        found.push(this.#items.get(key)!);
      }
    }
    return found;
  }

  /** How many `range` would yield. */
  count(prefix: string, from: string): number {
    const start = this.#before(from > prefix ? from : prefix);
    if (prefix === '') return this.size - start;
    // The first text that sorts after all that begin with the prefix.
    const next = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
    return Math.max(0, this.#before(next) - start);
  }

  #insert(key: string): void {
    const at = this.#blockOf(key);
    const block = this.#blocks[at];
    if (!block) {
      this.#blocks.push([key]);
      return;
    }
    const isLast = at === this.#blocks.length - 1 && block.at(-1)! < key;
    // The first filling comes in order, and fills its blocks.
    if (isLast && block.length >= maxBlock) this.#blocks.push([key]);
    else if (isLast) block.push(key);
    else block.splice(position(block, key), 0, key);
    if (block.length > maxBlock) this.#blocks.splice(at + 1, 0, block.splice(maxBlock / 2));
  }

  /** The block in which the key stands or would stand: the last that does not begin after it. */
  #blockOf(key: string): number {
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#blocks[middle]![0]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** Keys that sort before this one. */
  #before(key: string): number {
    const at = this.#blockOf(key);
    let count = 0;
    for (let index = 0; index < at; index++) count += this.#blocks[index]!.length;
    return count + (this.#blocks[at] ? position(this.#blocks[at], key) : 0);
  }
}

/** Index of the first key that does not sort before this one. */
function position(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
