/** https://github.com/kubernetes/kubernetes: test/e2e/apimachinery/watch.go says what is demanded. */
import assert from 'node:assert/strict';
import type { Json, Watch } from '../api.ts';
import type { Suite, World } from '../suite.ts';

const group = '[sig-api-machinery] Watchers';
const label = 'watch-this-configmap';

const map = (name: string, value: string): Json => ({
  metadata: { name, labels: { [label]: value } },
});

async function change(world: World, name: string, mutation: string): Promise<Json> {
  return world.api.patch(`${world.inNamespace('configmaps')}/${name}`, { data: { mutation } });
}

const mutationOf = ({ object }: { object: Json }) => object.data?.mutation;

export default function register({ conformance }: Suite): void {
  conformance(`${group} should observe add, update, and delete watch notifications on configmaps`, async world => {
    const { api } = world;
    const path = world.inNamespace('configmaps');
    const open = (selector: string) => api.watch(`${path}?labelSelector=${encodeURIComponent(`${label} ${selector}`)}`);
    using a = await open('in (a)');
    using b = await open('in (b)');
    using both = await open('in (a,b)');
    const expect = async (watches: Watch[], type: string, mutation?: string) => {
      for (const watch of watches) {
        const event = await watch.next();
        assert.deepEqual([event.type, mutationOf(event)], [type, mutation]);
      }
    };
    await api.create(path, map('one', 'a'));
    await expect([a, both], 'ADDED');
    await change(world, 'one', '1');
    await expect([a, both], 'MODIFIED', '1');
    await change(world, 'one', '2');
    await expect([a, both], 'MODIFIED', '2');
    await api.delete(`${path}/one`);
    await expect([a, both], 'DELETED', '2');
    await api.create(path, map('two', 'b'));
    await expect([b, both], 'ADDED');
    await api.delete(`${path}/two`);
    await expect([b, both], 'DELETED');
  });

  conformance(`${group} should be able to start watching from a specific resource version`, async world => {
    const { api } = world;
    const path = world.inNamespace('configmaps');
    await api.create(path, map('one', 'a'));
    const first = await change(world, 'one', '1');
    await change(world, 'one', '2');
    await api.delete(`${path}/one`);
    using watch = await api.watch(`${path}?resourceVersion=${first.metadata.resourceVersion}`);
    const events = [await watch.next(e => e.object.metadata.name === 'one'), await watch.next()];
    assert.deepEqual(
      events.map(event => [event.type, mutationOf(event)]),
      [
        ['MODIFIED', '2'],
        ['DELETED', '2'],
      ],
    );
  });

  conformance(
    `${group} should be able to restart watching from the last resource version observed by the previous watch`,
    async world => {
      const { api } = world;
      const path = world.inNamespace('configmaps');
      const from = (version: string) => api.watch(`${path}?labelSelector=${label}&resourceVersion=${version}`);
      const start = (await api.get(path)).metadata.resourceVersion;
      let last: string;
      {
        using watch = await from(start);
        await api.create(path, map('one', 'a'));
        await change(world, 'one', '1');
        assert.equal((await watch.next()).type, 'ADDED');
        const event = await watch.next();
        assert.deepEqual([event.type, mutationOf(event)], ['MODIFIED', '1']);
        last = event.object.metadata.resourceVersion;
      }
      await change(world, 'one', '2');
      await api.delete(`${path}/one`);
      using watch = await from(last);
      assert.equal(mutationOf(await watch.next()), '2');
      assert.equal((await watch.next()).type, 'DELETED');
    },
  );

  conformance(
    `${group} should observe an object deletion if it stops meeting the requirements of the selector`,
    async world => {
      const { api } = world;
      const path = world.inNamespace('configmaps');
      using watch = await api.watch(`${path}?labelSelector=${label}%3Da`);
      const relabel = (value: string) => api.patch(`${path}/one`, { metadata: { labels: { [label]: value } } });
      await api.create(path, map('one', 'a'));
      await change(world, 'one', '1');
      await relabel('other');
      const types = [await watch.next(), await watch.next(), await watch.next()].map(({ type }) => type);
      assert.deepEqual(types, ['ADDED', 'MODIFIED', 'DELETED']);
      await change(world, 'one', '2');
      await relabel('a');
      // Nothing was told of what happened while the label was another.
      const back = await watch.next();
      assert.deepEqual([back.type, mutationOf(back)], ['ADDED', '2']);
      await change(world, 'one', '3');
      assert.equal(mutationOf(await watch.next()), '3');
      await api.delete(`${path}/one`);
      assert.equal((await watch.next()).type, 'DELETED');
    },
  );

  conformance(`${group} should receive events on concurrent watches in same order`, async world => {
    const { api } = world;
    const path = world.inNamespace('configmaps');
    const start = (await api.get(path)).metadata.resourceVersion;
    const changes = 30;
    const produce = async () => {
      for (let index = 0; index < changes; index++) {
        await api.create(path, map(`m${index}`, 'a'));
        await change(world, `m${index}`, 'x');
        if (index % 2) await api.delete(`${path}/m${index}`);
      }
    };
    const count = changes * 2 + Math.floor(changes / 2);
    const versions = async (from: string) => {
      using watch = await api.watch(`${path}?labelSelector=${label}&resourceVersion=${from}`);
      const seen: string[] = [];
      while (seen.length < count) seen.push((await watch.next()).object.metadata.resourceVersion);
      return seen;
    };
    const [first, ...others] = await Promise.all([
      ...Array.from({ length: 10 }, () => versions(start)),
      produce().then(() => undefined),
    ]);
    for (const other of others.filter(one => one !== undefined)) assert.deepEqual(other, first);
  });
}
