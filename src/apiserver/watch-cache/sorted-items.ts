import type { Item } from '../storage/item.ts';

/** Objects by key, in the order of their keys. */
export class SortedItems {
  readonly #items = new Map<string, Item>();
  readonly #keys: string[] = [];

  get size(): number {
    return this.#items.size;
  }

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  set(item: Item): void {
    const { key } = item;
    if (!this.#items.has(key)) {
      const last = this.#keys.at(-1);
      // The first filling comes in order.
      if (last === undefined || last < key) this.#keys.push(key);
      else this.#keys.splice(this.#position(key), 0, key);
    }
    this.#items.set(key, item);
  }

  delete(key: string): void {
    if (!this.#items.delete(key)) return;
    this.#keys.splice(this.#position(key), 1);
  }

  /** Objects whose key starts with `prefix` and does not sort before `from`, in order. */
  *range(prefix: string, from: string): Generator<Item> {
    for (let at = this.#position(from > prefix ? from : prefix); at < this.#keys.length; at++) {
      const key = this.#keys[at]!;
      if (!key.startsWith(prefix)) return;
      yield this.#items.get(key)!;
    }
  }

  /** The same as an array, for the hot path. */
  all(prefix: string): Item[] {
    if (prefix === '') return Array.from(this.#keys, key => this.#items.get(key)!);
    const found: Item[] = [];
    for (let at = this.#position(prefix); at < this.#keys.length && this.#keys[at]!.startsWith(prefix); at++) {
      found.push(this.#items.get(this.#keys[at]!)!);
    }
    return found;
  }

  /** How many `range` would yield. */
  count(prefix: string, from: string): number {
    const start = this.#position(from > prefix ? from : prefix);
    if (prefix === '') return this.#keys.length - start;
    // The first text that sorts after all that begin with the prefix.
    const next = prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
    return Math.max(0, this.#position(next) - start);
  }

  #position(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
