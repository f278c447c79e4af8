import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeRandom } from '#base/testing';
import { encodeObject, withRevision } from '../storage/encode.ts';
import { Item } from '../storage/item.ts';
import { SortedItems } from './sorted-items.ts';

const bytes = withRevision(encodeObject({ kind: 'Thing', apiVersion: 'v1', metadata: { name: 'x' } }), 1);
const item = (key: string) => new Item(key, 1, bytes);
const keysOf = (items: Iterable<Item>) => Array.from(items, one => one.key);

/** What it should do, done in the simplest way. */
const expected = (keys: ReadonlySet<string>, prefix: string, from: string) =>
  [...keys].filter(key => key.startsWith(prefix) && key >= from).sort();

for (const order of ['rising', 'falling', 'random'] as const) {
  test(`5,000 objects in ${order} order, some of them deleted: ranges, counts and lists as in a sorted array`, () => {
    const random = createFakeRandom();
    const names = Array.from({ length: 5000 }, (_, index) => `ns${index % 7}/name-${index * 7}`).sort();
    if (order === 'falling') names.reverse();
    if (order === 'random') names.sort(() => random.next() - 0.5);
    const items = new SortedItems();
    const keys = new Set<string>();
    const check = () => {
      assert.equal(items.size, keys.size);
      for (const prefix of ['', 'ns0/', 'ns3/', 'ns6/', 'none/']) {
        assert.deepEqual(keysOf(items.all(prefix)), expected(keys, prefix, ''));
        for (const from of ['', `${prefix}name-2`, `${prefix}name-2100`, `${prefix}zzz`]) {
          const all = expected(keys, prefix, from > prefix ? from : prefix);
          assert.deepEqual(keysOf(items.range(prefix, from)), all);
          assert.equal(items.count(prefix, from), all.length, `count ${prefix} from ${from}`);
        }
      }
    };
    check();
    for (const name of names) {
      items.set(item(name));
      keys.add(name);
    }
    items.set(item(names[17]!));
    check();
    for (const [index, name] of names.entries()) {
      if (index % 5 === 0 || name.startsWith('ns3/')) {
        items.delete(name);
        keys.delete(name);
      }
    }
    items.delete('none/at-all');
    check();
    for (const name of [...keys]) {
      items.delete(name);
      keys.delete(name);
    }
    check();
  });
}
