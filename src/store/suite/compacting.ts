import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../store.ts';
import type { StoreSuite } from './harness.ts';
import { bytes, create, keysOf, plainChange, recordWatch, text, withCode } from './harness.ts';

/** Forgetting history. */
export function compactionTests(suite: StoreSuite): void {
  /** Key /a at revisions 2 to `last`, its value the revision. */
  const overwrite = async (store: Store, last: number) => {
    await create(store, '/a', '2');
    for (let revision = 3; revision <= last; revision++) {
      await store.write({ key: '/a', value: bytes(`${revision}`), expect: revision - 1 });
    }
  };

  test('compaction keeps current values and refuses watches from before it', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    for (let index = 0; index < 5; index++) await create(store, `/k/${index}`);
    await overwriteKey(store, '/k/0', 2);
    await store.compact(5);
    assert.equal(store.stats().compacted, 5);
    assert.equal((await keysOf(store, '/k/')).length, 5);
    const start = (after: number) => recordWatch(store, { prefix: '/', after });
    assert.throws(() => start(4), withCode('compacted'));
    assert.throws(() => start(1), withCode('compacted'));
    using watch = start(5);
    await watch.reached(7);
    assert.deepEqual(
      watch.changes.map(change => change.revision),
      [6, 7],
    );
  });

  test('the value before a change is known even when the write that made it is compacted', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    await overwrite(store, 10);
    for (const upTo of [4, 6, 9]) {
      await store.compact(upTo);
      using watch = recordWatch(store, { prefix: '/', after: upTo });
      await watch.reached(10);
      assert.deepEqual(watch.changes.map(plainChange), expectedOverwrites(upTo + 1, 10), `compacted to ${upTo}`);
    }
    await store.compact(10);
    await store.write({ key: '/a', value: bytes('11'), expect: 10 });
    using watch = recordWatch(store, { prefix: '/', after: 10 });
    await watch.reached(11);
    assert.deepEqual(watch.changes.map(plainChange), expectedOverwrites(11, 11));
  });

  test('compacting again to the same or an older revision, or beyond the newest, is harmless', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    await overwrite(store, 6);
    await store.compact(4);
    await store.compact(4);
    await store.compact(3);
    assert.equal(store.stats().compacted, 4);
    await store.compact(1_000_000);
    assert.equal(store.stats().compacted, 6);
    assert.equal(await create(store, '/b'), 7);
  });

  test('writes and watches go on while a long history is compacted', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 200 }, (_, index) => create(store, `/old/${round}/${index}`)));
    }
    using watch = recordWatch(store, { prefix: '/new/', after: store.revision() });
    let compacted = false;
    const compaction = store.compact(store.revision()).then(() => {
      compacted = true;
    });
    let during = 0;
    while (!compacted) {
      await create(store, `/new/${during}`);
      during += 1;
    }
    await compaction;
    await watch.reached(store.revision());
    assert.equal(watch.changes.length, during);
    assert.ok(during > 1, `${during} writes got through while it ran`);
    assert.equal((await keysOf(store, '/old/')).length, 2000);
  });

  test('compaction is remembered over a restart', async t => {
    await using harness = await suite.open();
    if (!harness.restart) return t.skip('data does not outlive this store');
    await overwrite(harness.store, 8);
    await harness.store.compact(8);
    const store = await harness.restart();
    assert.equal(store.revision(), 8);
    assert.equal(store.stats().compacted, 8);
    assert.throws(() => recordWatch(store, { prefix: '/', after: 7 }), withCode('compacted'));
    assert.equal(text((await store.get('/a'))?.value), '8');
  });
}

async function overwriteKey(store: Store, key: string, expect: number): Promise<void> {
  await store.write({ key, value: bytes('new'), expect });
}

function expectedOverwrites(first: number, last: number): unknown[] {
  return Array.from({ length: last - first + 1 }, (_, index) => {
    const revision = first + index;
    return { revision, key: '/a', value: `${revision}`, createRevision: 2, previous: `${revision - 1}` };
  });
}
