import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from '../store.ts';
import type { StoreSuite } from './harness.ts';
import { bytes, create, plain, text, withCode } from './harness.ts';

/** Conditions and concurrency. */
export function conflictTests(suite: StoreSuite): void {
  test('a write whose expectation does not hold changes nothing and says what is there', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    await create(store, '/a', 'one');
    const wrong = [
      { key: '/a', value: bytes('x'), expect: 0 },
      { key: '/a', value: bytes('x'), expect: 1 },
      { key: '/a', value: undefined, expect: 3 },
    ];
    for (const write of wrong) {
      const error: unknown = await store.write(write).then(
        () => undefined,
        reason => reason,
      );
      assert.ok(error instanceof StoreError && error.code === 'conflict', JSON.stringify(write));
      assert.deepEqual(plain(error.entry), { key: '/a', value: 'one', createRevision: 2, revision: 2 });
    }
    const absent: unknown = await store.write({ key: '/b', value: bytes('x'), expect: 2 }).catch(reason => reason);
    assert.ok(absent instanceof StoreError && absent.code === 'conflict' && absent.entry === undefined);
    assert.equal(store.revision(), 2);
  });

  test('of many writes that expect the same revision in one turn exactly the first wins', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    const writes = Array.from({ length: 50 }, (_, index) =>
      store.write({ key: '/a', value: bytes(`${index}`), expect: 0 }),
    );
    const results = await Promise.allSettled(writes);
    assert.deepEqual(
      results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : [])),
      [0],
    );
    assert.equal(text((await store.get('/a'))?.value), '0');
  });

  test('a later write of the same turn sees the earlier ones', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    const results = await Promise.all([
      store.write({ key: '/a', value: bytes('1'), expect: 0 }),
      store.write({ key: '/a', value: bytes('2'), expect: 2 }),
      store.write({ key: '/a', value: undefined, expect: 3 }),
      store.write({ key: '/a', value: bytes('4'), expect: 0 }),
    ]);
    assert.deepEqual(
      results.map(result => result.revision),
      [2, 3, 4, 5],
    );
    assert.deepEqual(plain(await store.get('/a')), { key: '/a', value: '4', createRevision: 5, revision: 5 });
  });

  test('a conflict in a batch leaves the other writes of the batch alone', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    const [first, wrong, last] = await Promise.allSettled([
      create(store, '/a'),
      store.write({ key: '/b', value: bytes('x'), expect: 7 }),
      create(store, '/c'),
    ]);
    assert.deepEqual([first?.status, wrong?.status, last?.status], ['fulfilled', 'rejected', 'fulfilled']);
    assert.equal(store.revision(), 3);
  });

  test('deleting what is not there, expecting nothing, changes nothing', async () => {
    await using harness = await suite.open();
    await create(harness.store, '/a');
    assert.deepEqual(await harness.store.write({ key: '/b', value: undefined, expect: 0 }), { revision: 2 });
    assert.equal(harness.store.revision(), 2);
  });

  test('clients that read, add one and write back until it succeeds lose no increment', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    await create(store, '/counter', '0');
    const addOne = async (): Promise<void> => {
      const entry = await store.get('/counter');
      assert.ok(entry);
      const value = bytes(String(Number(text(entry.value)) + 1));
      const done = await store.write({ key: '/counter', value, expect: entry.revision }).catch(error => {
        assert.ok(withCode('conflict')(error), String(error));
      });
      if (!done) await addOne();
    };
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let index = 0; index < 20; index++) await addOne();
      }),
    );
    assert.equal(text((await store.get('/counter'))?.value), '200');
    assert.equal(store.revision(), 2 + 200);
  });
}
