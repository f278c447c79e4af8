import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { bytes, create, text, withCode } from '../suite/harness.ts';
import type { EtcdProcesses } from '../testing.ts';
import { missingEtcd, recordDisturbed, recordWatch, startEtcd } from '../testing.ts';
import { openEtcdStore } from './open.ts';
import { openWith } from './opening.ts';

const clock = createSystemClock();
const log = createRecordingLog();

/** An etcd and a store on it. */
async function openOn(members: number) {
  await using cleanup = new AsyncDisposableStack();
  const etcd = cleanup.use(await startEtcd({ members }));
  const store = cleanup.use(await openEtcdStore({ endpoints: etcd.endpoints }, { clock, log }));
  const everything = cleanup.move();
  return { etcd, store, [Symbol.asyncDispose]: () => everything.disposeAsync() };
}

/** Until someone has been waiting for something: by the events that the test itself causes, never by the clock alone. */
const pause = (ms: number) => clock.sleep(ms);

async function disturbed(members: number, disturb: (etcd: EtcdProcesses) => Promise<void>): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const etcd = cleanup.use(await startEtcd({ members }));
  const store = cleanup.use(await openEtcdStore({ endpoints: etcd.endpoints, scope: '' }, { clock, log }));
  const history = await recordDisturbed(store, { clients: 8, after: 200, disturb: () => disturb(etcd) });
  assert.deepEqual(history.problems, []);
  // More than the 200 that were asked for when all was over: some were answered meanwhile, however slow the machine is.
  assert.ok(history.answered > 200, `${history.answered} calls were answered, ${history.failed} were not`);
}

describe('etcd that fails', { skip: missingEtcd() ?? false }, () => {
  test('killing one member after the other, the leader among them, leaves one order of events', () =>
    disturbed(3, async etcd => {
      for (const member of etcd.members) {
        await pause(200);
        await member.signal('SIGKILL');
        await pause(500);
        await member.start();
      }
    }));

  test('pausing one member after the other leaves one order of events', () =>
    disturbed(3, async etcd => {
      for (const member of etcd.members) {
        await pause(200);
        await member.signal('SIGSTOP');
        await pause(2500);
        await member.signal('SIGCONT');
      }
    }));

  test('an only member that is killed and paused leaves one order of events', () =>
    disturbed(1, async etcd => {
      const [member] = etcd.members;
      await pause(200);
      await member!.signal('SIGKILL');
      await member!.start();
      await pause(300);
      await member!.signal('SIGSTOP');
      await pause(4000);
      await member!.signal('SIGCONT');
    }));

  test('a store without etcd says so, tells why, and works again when etcd is back', async () => {
    await using opened = await openOn(1);
    const { store, etcd } = opened;
    const [member] = etcd.members;
    await create(store, '/registry/a');
    using watch = recordWatch(store, { prefix: '/registry/', after: store.revision() });
    await member!.signal('SIGKILL');
    await assert.rejects(store.current!(), withCode('unavailable'));
    assert.match(store.problem!() ?? '', /is it running/);
    await member!.start();
    const revision = await create(store, '/registry/b');
    assert.equal(store.problem!(), undefined);
    await watch.reached(revision);
    assert.equal(watch.changes[0]?.key, '/registry/b');
  });

  test('what another server compacted away ends a watch from before it', async () => {
    await using opened = await openOn(1);
    const { store, etcd } = opened;
    await using other = await openEtcdStore({ endpoints: etcd.endpoints }, { clock, log });
    for (let index = 0; index < 10; index++) await create(other, `/registry/${index}`);
    await other.compact(8);
    using watch = recordWatch(store, { prefix: '/registry/', after: 2 });
    await watch.until(({ error }) => error !== undefined);
    assert.ok(withCode('compacted')(watch.error));
  });
});

describe('several servers on one etcd', { skip: missingEtcd() ?? false }, () => {
  test('each knows what the others wrote when it asks, and its watch gets there', async () => {
    await using opened = await openOn(1);
    await using other = await openEtcdStore({ endpoints: opened.etcd.endpoints }, { clock, log });
    using watch = recordWatch(opened.store, { prefix: '/registry/', after: opened.store.revision() });
    const revision = await create(other, '/registry/a');
    assert.ok(opened.store.revision() < revision);
    assert.ok((await opened.store.current!()) >= revision);
    await watch.reached(revision);
  });

  for (const hasProgress of [false, true]) {
    const by = hasProgress ? 'as etcd tells how far it is' : 'by a write of its own, where etcd cannot be believed';
    test(`revisions of foreign keys do not leave a watch behind, ${by}`, async () => {
      await using opened = await openOn(1);
      await using store = await openWith({ endpoints: opened.etcd.endpoints }, { clock, log }, { hasProgress });
      using watch = recordWatch(store, { prefix: '/registry/', after: store.revision() });
      const revision = await create(store, '/elsewhere/a');
      await watch.reached(revision);
      const probe = hasProgress ? [] : ['/registry/progress'];
      assert.deepEqual(
        watch.changes.map(({ key }) => key),
        probe,
      );
    });
  }

  test('only one of them compacts, and the others know of it', async () => {
    await using opened = await openOn(1);
    await using other = await openEtcdStore({ endpoints: opened.etcd.endpoints }, { clock, log });
    for (let index = 0; index < 10; index++) await create(other, `/registry/${index}`);
    await opened.store.current!();
    await opened.store.compact(5);
    assert.equal(opened.store.stats().compacted, 5);
    await other.compact(6);
    assert.equal(other.stats().compacted, 5, 'it was not its turn');
    await other.compact(7);
    assert.equal(other.stats().compacted, 7);
  });

  test('volatile keys are there for all, also after a restart', async () => {
    await using opened = await openOn(1);
    await create(opened.store, '/registry/events/a', 'x', true);
    await opened.store[Symbol.asyncDispose]();
    await using again = await openEtcdStore({ endpoints: opened.etcd.endpoints }, { clock, log });
    assert.equal(text((await again.get('/registry/events/a'))?.value), 'x');
  });

  test('another prefix stands in etcd in the place of /registry, and a key of another cluster does not show', async () => {
    await using opened = await openOn(1);
    const { endpoints } = opened.etcd;
    await using prefixed = await openEtcdStore({ endpoints, prefix: '/two' }, { clock, log });
    using watch = recordWatch(prefixed, { prefix: '/registry/', after: prefixed.revision() });
    await create(opened.store, '/registry/a', 'one');
    const revision = await create(prefixed, '/registry/a', 'two');
    assert.equal(text((await opened.store.get('/two/a'))?.value), 'two');
    assert.equal(text((await prefixed.get('/registry/a'))?.value), 'two');
    assert.equal((await prefixed.list({ prefix: '/registry/' })).entries.length, 1);
    await watch.reached(revision);
    assert.deepEqual(
      watch.changes.map(({ key, value }) => [key, text(value)]),
      [['/registry/a', 'two']],
    );
  });

  test('own bytes come back as the same buffer, so that nobody need parse them again', async () => {
    await using opened = await openOn(1);
    const { store } = opened;
    using watch = recordWatch(store, { prefix: '/registry/', after: store.revision() });
    await create(store, '/registry/first');
    await watch.reached(store.revision());
    const value = bytes('{}');
    await store.write({ key: '/registry/a', value, expect: 0 });
    await watch.reached(store.revision());
    assert.equal(watch.changes.at(-1)?.value, value);
  });
});
