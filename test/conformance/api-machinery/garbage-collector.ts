/** test/e2e/apimachinery/garbage_collector.go says what is demanded. Pods are given to no node: collecting them needs none. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const group = '[sig-api-machinery] Garbage collector should';
const replicas = 10;
const spec = { nodeSelector: { no: 'node' }, containers: [{ name: 'nginx', image: 'registry.invalid/pause:1' }] };

function controller(name: string, count = replicas): Json {
  const labels = { owner: name };
  return { metadata: { name }, spec: { replicas: count, selector: labels, template: { metadata: { labels }, spec } } };
}

function deployment(name: string): Json {
  const labels = { owner: name };
  return {
    metadata: { name },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}

const podsOf = async (world: World, owner: string): Promise<Json[]> =>
  (await world.api.get(`${world.inNamespace('pods')}?labelSelector=owner%3D${owner}`)).items;

async function createController(world: World, name: string, count = replicas): Promise<string> {
  await world.api.create(world.inNamespace('replicationcontrollers'), controller(name, count));
  await eventually(`pods of ${name}`, async () => (await podsOf(world, name)).length === count);
  return `${world.inNamespace('replicationcontrollers')}/${name}`;
}

async function createDeployment(world: World): Promise<{ path: string; sets: string }> {
  const path = world.inNamespace('deployments', 'apps/v1');
  await world.api.create(path, deployment('gc'));
  const sets = `${world.inNamespace('replicasets', 'apps/v1')}?labelSelector=owner%3Dgc`;
  await eventually('its replica set', async () => (await world.api.get(sets)).items[0]?.status?.replicas === 1);
  return { path: `${path}/gc`, sets };
}

const gone = (world: World, path: string) => async () => (await world.api.send({ path })).status === 404;
/** For what must not happen: long enough for a collector that is wrong. */
const pause = () => new Promise(resolve => setTimeout(resolve, 1500));

export default function register({ conformance }: Suite): void {
  conformance(`${group} delete RS created by deployment when not orphaning`, async world => {
    const { path, sets } = await createDeployment(world);
    await world.api.delete(path, { propagationPolicy: 'Background' });
    await eventually('sets are gone', async () => (await world.api.get(sets)).items.length === 0);
    await eventually('pods are gone', async () => (await podsOf(world, 'gc')).length === 0);
  });

  conformance(
    `${group} orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan`,
    async world => {
      const { path, sets } = await createDeployment(world);
      await world.api.delete(path, { propagationPolicy: 'Orphan' });
      await eventually('the deployment is gone', gone(world, path));
      await pause();
      const left = (await world.api.get(sets)).items;
      assert.deepEqual(
        left.map((set: Json) => set.metadata.ownerReferences),
        [undefined],
      );
      assert.equal((await podsOf(world, 'gc')).length, 1);
    },
  );

  conformance(`${group} delete pods created by rc when not orphaning`, async world => {
    const path = await createController(world, 'simple', 2);
    await world.api.delete(path, { propagationPolicy: 'Background' });
    await eventually('pods are gone', async () => (await podsOf(world, 'simple')).length === 0);
  });

  conformance(
    `${group} keep the rc around until all its pods are deleted if the deleteOptions says so [Serial]`,
    async world => {
      const path = await createController(world, 'simple');
      const [held] = await podsOf(world, 'simple');
      const heldPath = `${world.inNamespace('pods')}/${held.metadata.name}`;
      // Without a node pods are gone at once: one of them is held back, so that there is something to wait for.
      await world.api.patch(heldPath, { metadata: { finalizers: ['example.com/hold'] } });
      await world.api.delete(path, { propagationPolicy: 'Foreground' });
      await eventually('the other pods are gone', async () => (await podsOf(world, 'simple')).length === 1);
      const waiting = await world.api.get(path);
      assert.ok(waiting.metadata.deletionTimestamp);
      assert.deepEqual(waiting.metadata.finalizers, ['foregroundDeletion']);
      await world.api.patch(heldPath, { metadata: { finalizers: null } });
      await eventually('the controller is gone', gone(world, path));
      assert.deepEqual(await podsOf(world, 'simple'), []);
    },
  );

  conformance(`${group} orphan pods created by rc if delete options say so [Serial]`, async world => {
    const path = await createController(world, 'simple');
    await world.api.delete(path, { propagationPolicy: 'Orphan' });
    await eventually('the controller is gone', gone(world, path));
    await pause();
    const left = await podsOf(world, 'simple');
    assert.equal(left.length, replicas);
    assert.ok(left.every(pod => !pod.metadata.deletionTimestamp && !pod.metadata.ownerReferences?.length));
  });

  conformance(
    `${group} not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted [Serial]`,
    async world => {
      const first = await createController(world, 'simpletest-rc-to-be-deleted');
      const second = await createController(world, 'simpletest-rc-to-stay', 0);
      const { uid } = (await world.api.get(second)).metadata;
      const owner = { apiVersion: 'v1', kind: 'ReplicationController', name: 'simpletest-rc-to-stay', uid };
      const pods = await podsOf(world, 'simpletest-rc-to-be-deleted');
      const shared = pods.slice(0, replicas / 2).map(pod => `${world.inNamespace('pods')}/${pod.metadata.name}`);
      for (const path of shared) {
        const { metadata } = await world.api.get(path);
        await world.api.patch(path, { metadata: { ownerReferences: [...metadata.ownerReferences, owner] } });
      }
      await world.api.delete(first, { propagationPolicy: 'Foreground' });
      await eventually('the first controller is gone', gone(world, first));
      for (const path of shared) {
        const { metadata } = await world.api.get(path);
        assert.equal(metadata.deletionTimestamp, undefined);
        assert.deepEqual(metadata.ownerReferences, [owner]);
      }
      assert.equal((await podsOf(world, 'simpletest-rc-to-be-deleted')).length, shared.length);
    },
  );

  conformance(`${group} not be blocked by dependency circle`, async world => {
    const path = world.inNamespace('pods');
    const pods = [];
    for (const name of ['pod1', 'pod2', 'pod3']) pods.push(await world.api.create(path, { metadata: { name }, spec }));
    const own = (pod: Json, owner: Json) =>
      world.api.patch(`${path}/${pod.metadata.name}`, {
        metadata: {
          ownerReferences: [
            {
              ...{ apiVersion: 'v1', kind: 'Pod', name: owner.metadata.name, uid: owner.metadata.uid },
              ...{ controller: true, blockOwnerDeletion: true },
            },
          ],
        },
      });
    const [one, two, three] = pods;
    await own(one, three);
    await own(two, one);
    await own(three, two);
    await world.api.delete(`${path}/pod1`, { propagationPolicy: 'Foreground' });
    await eventually('all pods are gone', async () => (await world.api.get(path)).items.length === 0);
  });
}
