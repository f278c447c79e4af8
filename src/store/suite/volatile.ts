import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StoreSuite } from './harness.ts';
import { bytes, create, keysOf, plain, plainChange, recordWatch, withCode } from './harness.ts';

/** Keys in memory only. */
export function volatileTests(suite: StoreSuite): void {
  describe('volatile keys', { skip: suite.skipVolatile ?? false }, () => {
    test('have revisions of the same row and show in get, list and watch', async () => {
      await using harness = await suite.open();
      const { store } = harness;
      using live = recordWatch(store, { prefix: '/', after: 1 });
      await create(store, '/d/1');
      assert.equal(await create(store, '/d/2', 'v', true), 3);
      await create(store, '/d/3');
      await store.write({ key: '/d/2', value: bytes('w'), expect: 3, volatile: true });
      assert.deepEqual(plain(await store.get('/d/2')), { key: '/d/2', value: 'w', createRevision: 3, revision: 5 });
      assert.deepEqual(await keysOf(store, '/d/'), ['/d/1', '/d/2', '/d/3']);
      assert.deepEqual(await keysOf(store, '/d/', '/d/1', 1), ['/d/2']);
      await store.write({ key: '/d/2', value: undefined, expect: 5 });
      await live.reached(6);
      using late = recordWatch(store, { prefix: '/', after: 1 });
      await late.reached(6);
      assert.deepEqual(late.changes.map(plainChange), live.changes.map(plainChange));
      assert.deepEqual(
        live.changes.map(change => change.revision),
        [2, 3, 4, 5, 6],
      );
    });

    test('conflict like any other, in one turn with durable ones', async () => {
      await using harness = await suite.open();
      const { store } = harness;
      const results = await Promise.allSettled([
        create(store, '/v', '1', true),
        create(store, '/d', '1'),
        create(store, '/v', '2', true),
        store.write({ key: '/v', value: undefined, expect: 2 }),
        create(store, '/v', '3', true),
      ]);
      assert.deepEqual(
        results.map(result => result.status),
        ['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
      );
      assert.equal(store.revision(), 5);
    });

    test('stay volatile, and durable ones durable, whatever later writes say', async t => {
      await using harness = await suite.open();
      if (!harness.restart) return t.skip('data does not outlive this store');
      await create(harness.store, '/d', '1');
      await create(harness.store, '/v', '1', true);
      await harness.store.write({ key: '/d', value: bytes('2'), expect: 2, volatile: true });
      await harness.store.write({ key: '/v', value: bytes('2'), expect: 3 });
      assert.deepEqual(await keysOf(await harness.restart(), '/'), ['/d']);
    });

    test('are gone after a restart, while revisions go on above theirs', async t => {
      await using harness = await suite.open();
      if (!harness.restart) return t.skip('data does not outlive this store');
      await create(harness.store, '/d');
      for (let index = 0; index < 50; index++) await create(harness.store, `/v/${index}`, 'x', true);
      const before = harness.store.revision();
      const store = await harness.restart();
      assert.ok(store.revision() >= before, `${store.revision()} >= ${before}`);
      assert.deepEqual(await keysOf(store, '/'), ['/d']);
      assert.ok((await create(store, '/v/0', 'new', true)) > before);
    });

    test('a watch over them cannot resume over a restart, one beside them can', async t => {
      await using harness = await suite.open();
      if (!harness.restart) return t.skip('data does not outlive this store');
      await create(harness.store, '/d/1');
      await create(harness.store, '/v/1', 'x', true);
      const seen = harness.store.revision();
      const store = await harness.restart();
      for (const prefix of ['/', '/v/', '/v/1']) {
        assert.throws(() => recordWatch(store, { prefix, after: seen - 1 }), withCode('compacted'), prefix);
      }
      using beside = recordWatch(store, { prefix: '/d/', after: 1 });
      using now = recordWatch(store, { prefix: '/v/', after: store.revision() });
      const revision = await create(store, '/v/2', 'x', true);
      await now.reached(revision);
      await beside.reached(revision);
      assert.deepEqual([beside.changes.length, now.changes.length], [1, 1]);
    });
  });
}
