import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeObject, withRevision } from '../storage/encode.ts';
import { Item } from '../storage/item.ts';
import { ResourceCache } from './resource-cache.ts';
import { Snapshot } from './snapshot.ts';

function itemOf(name: string, options: { apiVersion?: string; sizeBytes?: number; revision?: number } = {}): Item {
  const { apiVersion = 'v1', sizeBytes = 10, revision = 7 } = options;
  const object = { kind: 'Thing', apiVersion, metadata: { name }, data: 'é'.repeat(sizeBytes / 2) };
  return new Item(`default/${name}`, revision, withRevision(encodeObject(object), revision));
}

test('the joined bytes of many blocks are the items with commas between', () => {
  const items = Array.from({ length: 40 }, (_, index) => itemOf(`n${index}`, { sizeBytes: 500_000 }));
  const joined = new Snapshot(items).joined();
  assert.ok(joined.blocks.length > 2);
  const read = JSON.parse(`[${Buffer.concat(joined.blocks).toString()}]`);
  assert.deepEqual(
    read,
    items.map(item => {
      const { kind, apiVersion, ...rest } = JSON.parse(item.bytes.toString());
      return rest;
    }),
  );
});

test('items of several versions have no common one', () => {
  assert.equal(new Snapshot([itemOf('a'), itemOf('b')]).joined().apiVersion, 'v1');
  assert.equal(new Snapshot([itemOf('a'), itemOf('b', { apiVersion: 'v2' })]).joined().apiVersion, undefined);
  assert.deepEqual(new Snapshot([]).joined(), { apiVersion: undefined, blocks: [] });
});

test('lists between two changes share a snapshot, and a change leaves it as it was', () => {
  const cache = new ResourceCache('things', 1);
  cache.fill([itemOf('a')], 1);
  const first = cache.snapshot('default/');
  assert.equal(cache.snapshot('default/'), first);
  const b = itemOf('b', { revision: 8 });
  cache.apply({ revision: 8, key: b.key, item: b, timeMs: 0 });
  assert.deepEqual(
    cache.snapshot('default/').items.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.deepEqual(
    first.items.map(({ name }) => name),
    ['a'],
  );
  cache.apply({ revision: 9, key: 'default/a', item: undefined, timeMs: 0 });
  cache.fill([], 10);
  assert.deepEqual(cache.snapshot('default/').items, []);
});

test('a past state counts as many objects behind a key as it shows', () => {
  const cache = new ResourceCache('things', 1);
  cache.fill(
    ['a', 'c', 'e', 'g'].map(name => itemOf(name)),
    7,
  );
  const change = (revision: number, name: string, isThere: boolean) => {
    const item = isThere ? itemOf(name, { revision }) : undefined;
    cache.apply({ revision, key: `default/${name}`, item, timeMs: 0 });
  };
  change(8, 'b', true);
  change(9, 'e', false);
  change(10, 'g', true);
  change(11, 'h', true);
  change(12, 'h', false);
  for (let revision = 7; revision <= 12; revision++) {
    for (const from of ['default/', 'default/b', 'default/e', 'default/z']) {
      const shown = [...cache.rangeAt(revision, 'default/', from)!].length;
      assert.equal(cache.countAt(revision, 'default/', from), shown, `${revision} from ${from}`);
    }
  }
  assert.equal(cache.countAt(6, 'default/', 'default/'), undefined);
});
