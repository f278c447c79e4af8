import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../store.ts';
import type { StoreSuite } from './harness.ts';
import { create, keysOf } from './harness.ts';

/** In the order of their UTF-8 bytes. */
const ordered = [
  '/p',
  '/p ',
  '/p!a',
  '/p-a',
  '/p.a',
  '/p/',
  '/p/a',
  '/p/a/b',
  '/p/ab',
  '/p/b',
  '/p/é',
  '/p/日本',
  '/p/\uffff',
  '/p/\u{10000}',
  '/p/\u{1f600}',
  '/p/\u{10ffff}',
  '/p/\u{10ffff}/x',
  '/p0',
  '/pa',
  '/q',
];

/** Order, prefixes, pages. */
export function listingTests(suite: StoreSuite): void {
  const filled = async (store: Store) => {
    for (const key of [...ordered].reverse()) await create(store, key);
  };

  test('keys are listed in bytewise order, whatever order they came in', async () => {
    await using harness = await suite.open();
    await filled(harness.store);
    assert.deepEqual(await keysOf(harness.store, ''), ordered);
  });

  test('a prefix is a prefix of text: neighbours of a slash stay out, unicode is whole', async () => {
    await using harness = await suite.open();
    await filled(harness.store);
    for (const prefix of ['/p', '/p/', '/p/a', '/p/a/', '/p/\u{10ffff}', '/p/\uffff', '/p/é', '/none', '/', '/q']) {
      const wanted = ordered.filter(key => key.startsWith(prefix));
      assert.deepEqual(await keysOf(harness.store, prefix), wanted, prefix);
    }
  });

  test('LIKE and GLOB signs in prefixes mean themselves', async () => {
    await using harness = await suite.open();
    for (const key of ['/%', '/_', '/*', '/[a]', '/a']) await create(harness.store, key);
    for (const prefix of ['/%', '/_', '/*', '/[a]']) assert.deepEqual(await keysOf(harness.store, prefix), [prefix]);
  });

  test('pages of any size put together are the whole listing', async () => {
    await using harness = await suite.open();
    await filled(harness.store);
    const whole = ordered.filter(key => key.startsWith('/p/'));
    for (let limit = 1; limit <= whole.length + 1; limit++) {
      const keys: string[] = [];
      for (let more = true; more; ) {
        const page = await harness.store.list({ prefix: '/p/', after: keys.at(-1) ?? '', limit });
        assert.ok(page.entries.length <= limit);
        keys.push(...page.entries.map(entry => entry.key));
        more = page.more;
      }
      assert.deepEqual(keys, whole, `limit ${limit}`);
    }
  });

  test('a limit that is exactly met says that there is no more', async () => {
    await using harness = await suite.open();
    for (const key of ['/a/1', '/a/2', '/b/1']) await create(harness.store, key);
    assert.equal((await harness.store.list({ prefix: '/a/', limit: 2 })).more, false);
    assert.equal((await harness.store.list({ prefix: '/a/', limit: 1 })).more, true);
    assert.equal((await harness.store.list({ prefix: '/a/', limit: 0 })).entries.length, 2);
  });

  test('after may be a key that is not there, before the prefix, or behind it', async () => {
    await using harness = await suite.open();
    for (const key of ['/a/1', '/a/3', '/b']) await create(harness.store, key);
    assert.deepEqual(await keysOf(harness.store, '/a/', '/a/2'), ['/a/3']);
    assert.deepEqual(await keysOf(harness.store, '/a/', '/'), ['/a/1', '/a/3']);
    assert.deepEqual(await keysOf(harness.store, '/a/', '/b'), []);
  });

  test('a listing shows the store at its revision', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    await create(store, '/a');
    const [, listing] = await Promise.all([create(store, '/b'), store.list({ prefix: '/' })]);
    assert.equal(listing.entries.length, listing.revision - 1);
  });
}
