import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoreSuite } from './harness.ts';
import { bytes, create, keysOf, plain, withCode } from './harness.ts';

/** Reading and writing single keys. */
export function valueTests(suite: StoreSuite): void {
  test('an empty store is at revision 1 and lists nothing', async () => {
    await using harness = await suite.open();
    assert.equal(harness.store.revision(), 1);
    assert.deepEqual(await harness.store.list({ prefix: '' }), { revision: 1, entries: [], more: false });
    assert.equal(await harness.store.get('/absent'), undefined);
  });

  test('each write takes the next revision and is there when it is acknowledged', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    assert.equal(await create(store, '/a', 'one'), 2);
    assert.deepEqual(plain(await store.get('/a')), { key: '/a', value: 'one', createRevision: 2, revision: 2 });
    assert.deepEqual(await store.write({ key: '/a', value: bytes('two'), expect: 2 }), { revision: 3 });
    assert.deepEqual(plain(await store.get('/a')), { key: '/a', value: 'two', createRevision: 2, revision: 3 });
    assert.equal(store.revision(), 3);
  });

  test('a key that was deleted and made again has a new createRevision', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    await create(store, '/a');
    assert.deepEqual(await store.write({ key: '/a', value: undefined, expect: 2 }), { revision: 3 });
    assert.equal(await store.get('/a'), undefined);
    await create(store, '/a', 'again');
    assert.deepEqual(plain(await store.get('/a')), { key: '/a', value: 'again', createRevision: 4, revision: 4 });
  });

  test('values are bytes: empty, with zeros, and large ones come back as they were', async () => {
    await using harness = await suite.open();
    const large = Uint8Array.from({ length: 1_500_000 }, (_, index) => (index * 31) & 255);
    for (const [key, value] of [
      ['/empty', bytes('')],
      ['/zeros', new Uint8Array(9)],
      ['/large', large],
    ] as const) {
      await harness.store.write({ key, value, expect: 0 });
      const entry = await harness.store.get(key);
      assert.ok(entry && Buffer.compare(entry.value, value) === 0, key);
    }
  });

  test('what cannot be a key is refused', async () => {
    await using harness = await suite.open();
    for (const key of ['', 'a\0b', 'half \ud800 pair']) {
      await assert.rejects(create(harness.store, key, 'x'), RangeError, JSON.stringify(key));
      await assert.rejects(harness.store.get(key), RangeError, JSON.stringify(key));
    }
    assert.equal(harness.store.revision(), 1);
  });

  test('a closed store answers closed', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    const last = create(store, '/last');
    await store[Symbol.asyncDispose]();
    assert.equal(await last, 2, 'what was asked before is still done');
    await assert.rejects(store.get('/last'), withCode('closed'));
    await assert.rejects(store.list({ prefix: '' }), withCode('closed'));
    await assert.rejects(create(store, '/late'), withCode('closed'));
    await store[Symbol.asyncDispose]();
  });

  test('everything is there after a restart, and revisions go on', async t => {
    await using harness = await suite.open();
    if (!harness.restart) return t.skip('data does not outlive this store');
    for (let index = 0; index < 20; index++) await create(harness.store, `/k/${index}`);
    await harness.store.write({ key: '/k/3', value: undefined, expect: 5 });
    const before = harness.store.revision();
    const store = await harness.restart();
    assert.equal(store.revision(), before);
    assert.equal((await keysOf(store, '/k/')).length, 19);
    assert.equal(await create(store, '/after'), before + 1);
  });
}
