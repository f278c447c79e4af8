import { withRevision } from './encode.ts';
import { Item } from './item.ts';

/** Bytes of many items are kept in one piece of this size, until the last of them is let go. */
const packBytes = 64 * 1024;

/**
 * Makes items of what is read from the store in one go, with their bytes packed together: a buffer for each would take a third of a kilobyte more. For the filling of a cache
 * only, whose items are of one age: among writes, one object that stays would keep the space of all that were written with it.
 */
export function createItemPacker(): (key: string, revision: number, value: Uint8Array) => Item {
  let memory = Buffer.alloc(0);
  let [start, used] = [0, 0];
  const allocate = (length: number): Buffer => {
    if (used + length > memory.length) {
      // A large one has its own.
      memory = Buffer.allocUnsafeSlow(Math.max(length, packBytes));
      used = 0;
    }
    start = used;
    used += length;
    return memory.subarray(start, used);
  };
  return (key, revision, value) => {
    const versioned = withRevision(value, revision, allocate);
    return new Item(key, revision, versioned, { memory, start });
  };
}
