import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoreSuite } from './harness.ts';
import { bytes, create, plainChange, recordWatch, withCode } from './harness.ts';

/** Watches: live, from the past, and across the border between the two. */
export function watchTests(suite: StoreSuite): void {
  test('a watch from the past delivers creation, update and deletion with the values before', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    await create(store, '/a', 'one');
    await store.write({ key: '/a', value: bytes('two'), expect: 2 });
    await store.write({ key: '/a', value: undefined, expect: 3 });
    using watch = recordWatch(store, { prefix: '/a', after: 1 });
    await watch.reached(4);
    assert.deepEqual(watch.changes.map(plainChange), [
      { revision: 2, key: '/a', value: 'one', createRevision: 2, previous: undefined },
      { revision: 3, key: '/a', value: 'two', createRevision: 2, previous: 'one' },
      { revision: 4, key: '/a', value: undefined, createRevision: 2, previous: 'two' },
    ]);
  });

  test('a live watch delivers the same as one from the past', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    using live = recordWatch(store, { prefix: '/', after: 1 });
    for (const key of ['/a', '/b', '/c']) await create(store, key);
    await store.write({ key: '/b', value: bytes('new'), expect: 3 });
    await store.write({ key: '/a', value: undefined, expect: 2 });
    await live.reached(6);
    using late = recordWatch(store, { prefix: '/', after: 1 });
    await late.reached(6);
    assert.deepEqual(live.changes.map(plainChange), late.changes.map(plainChange));
    assert.equal(live.changes.length, 5);
  });

  test('only changes after the asked revision and with the prefix arrive', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    for (const key of ['/a/1', '/b/1', '/a/2', '/ab', '/a/3']) await create(store, key);
    using watch = recordWatch(store, { prefix: '/a/', after: 2 });
    await create(store, '/a/4');
    await watch.reached(7);
    assert.deepEqual(
      watch.changes.map(change => change.key),
      ['/a/2', '/a/3', '/a/4'],
    );
  });

  test('a watch from a revision that is yet to come skips those before it', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    using watch = recordWatch(store, { prefix: '/', after: 3 });
    for (const key of ['/a', '/b', '/c', '/d']) {
      await create(store, key);
      // Each in a turn of its own, so that the watch is live before the first.
      await new Promise(resolve => setImmediate(resolve));
    }
    await watch.reached(5);
    assert.deepEqual(
      watch.changes.map(change => change.revision),
      [4, 5],
    );
  });

  test('changes elsewhere become progress within a second', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    using watch = recordWatch(store, { prefix: '/a/', after: 1 });
    const revision = await create(store, '/b');
    await watch.until(record => record.progress.includes(revision));
    assert.deepEqual(watch.changes, []);
    assert.deepEqual(
      [...watch.progress].sort((a, b) => a - b),
      watch.progress,
    );
  });

  test('an aborted watch delivers nothing more', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    const watch = recordWatch(store, { prefix: '/', after: 1 });
    using other = recordWatch(store, { prefix: '/', after: 1 });
    await create(store, '/a');
    await watch.reached(2);
    watch[Symbol.dispose]();
    await other.reached(await create(store, '/b'));
    assert.equal(watch.changes.length, 1);
    assert.equal(watch.error, undefined);
  });

  test('watches that start while writers run flat out miss nothing and repeat nothing', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    const writers = 8;
    const each = 250;
    const watches = [recordWatch(store, { prefix: '/k/', after: 1 })];
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let index = 0; index < each; index++) {
          const revision = await create(store, `/k/${writer}/${index}`);
          if (index % 25 === 0)
            watches.push(recordWatch(store, { prefix: '/k/', after: (revision * 7) % revision || 1 }));
        }
      }),
    );
    const last = store.revision();
    assert.equal(last, 1 + writers * each);
    for (const watch of watches) {
      await watch.reached(last);
      const first = watch.changes[0]?.revision ?? 0;
      const gap = watch.changes.findIndex((change, index) => change.revision !== first + index);
      assert.equal(gap, -1, `a gap or repeat after position ${gap}`);
      watch[Symbol.dispose]();
    }
  });

  test('a watch resumes over a restart where it was', async t => {
    await using harness = await suite.open();
    if (!harness.restart) return t.skip('data does not outlive this store');
    for (let index = 0; index < 10; index++) await create(harness.store, `/a/${index}`);
    const store = await harness.restart();
    using watch = recordWatch(store, { prefix: '/a/', after: 6 });
    await watch.reached(await create(store, '/a/new'));
    assert.deepEqual(
      watch.changes.map(change => change.key),
      ['/a/5', '/a/6', '/a/7', '/a/8', '/a/9', '/a/new'],
    );
  });

  test('closing the store ends its watches once', async () => {
    await using harness = await suite.open();
    using watch = recordWatch(harness.store, { prefix: '/', after: 1 });
    await create(harness.store, '/a');
    await harness.store[Symbol.asyncDispose]();
    await watch.until(record => record.error !== undefined);
    assert.ok(withCode('closed')(watch.error));
  });

  test('ten thousand watches opened and dropped leave the store as quick as it was', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    for (let index = 0; index < 10_000; index++) recordWatch(store, { prefix: '/', after: 1 })[Symbol.dispose]();
    using watch = recordWatch(store, { prefix: '/', after: 1 });
    await watch.reached(await create(store, '/a'));
    assert.equal(watch.changes.length, 1);
  });
}
