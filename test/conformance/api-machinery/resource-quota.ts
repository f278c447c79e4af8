/** test/e2e/apimachinery/resource_quota.go says what is demanded. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const group = '[sig-api-machinery] ResourceQuota should';

const hard = {
  ...{ pods: '5', services: '10', 'services.nodeports': '1', 'services.loadbalancers': '1' },
  ...{ replicationcontrollers: '10', resourcequotas: '1', cpu: '1', memory: '500Mi', configmaps: '10', secrets: '10' },
  ...{ persistentvolumeclaims: '10', 'requests.storage': '10Gi', 'count/replicasets.apps': '5' },
  ...{ 'requests.ephemeral-storage': '50Gi', 'requests.example.com/dongle': '3' },
};

/** Waits until the quota's status shows these amounts used. */
async function untilUsed(world: World, name: string, used: Record<string, string>): Promise<void> {
  let last: Json;
  const isShown = async () => {
    last = (await world.api.get(`${world.inNamespace('resourcequotas')}/${name}`)).status;
    return Object.entries(used).every(([resource, amount]) => last?.used?.[resource] === amount);
  };
  await eventually('usage', isShown).catch(() => assert.deepEqual(last?.used, used));
}

async function createQuota(world: World, spec: Json, name = 'test-quota'): Promise<void> {
  await world.api.create(world.inNamespace('resourcequotas'), { metadata: { name }, spec });
  const zero = Object.fromEntries(
    Object.keys(spec.hard).map(resource => [resource, resource === 'resourcequotas' ? '1' : '0']),
  );
  // ConfigMaps and secrets that are there by themselves count.
  delete zero['configmaps'];
  delete zero['secrets'];
  await untilUsed(world, name, zero);
}

/** A pod that no node takes: it counts all the same. */
function pod(name: string, requests?: Record<string, string>, spec: Json = {}, limits = requests): Json {
  const resources = requests ? { requests, limits } : {};
  const container = { name: 'c', image: 'registry.invalid/pause:1', resources };
  return { metadata: { name }, spec: { nodeSelector: { no: 'node' }, containers: [container], ...spec } };
}

const usedOf = async (world: World, name = 'test-quota') =>
  (await world.api.get(`${world.inNamespace('resourcequotas')}/${name}`)).status.used;

/** Creates an object, sees it counted, deletes it, sees it counted no more. */
function life(resource: string, body: Json, counted: string, more: Record<string, string> = {}, groupVersion?: string) {
  return async (world: World) => {
    await createQuota(world, { hard });
    const path = world.inNamespace(resource, groupVersion);
    const before = await usedOf(world);
    await world.api.create(path, body);
    await untilUsed(world, 'test-quota', { [counted]: String(Number(before[counted]) + 1), ...more });
    await world.api.delete(`${path}/${body.metadata.name}`, { propagationPolicy: 'Background' });
    const back = Object.fromEntries(Object.keys(more).map(name => [name, before[name]]));
    await untilUsed(world, 'test-quota', { [counted]: before[counted], ...back });
  };
}

export default function register({ conformance }: Suite): void {
  const template = {
    metadata: { labels: { a: 'b' } },
    spec: { containers: [{ name: 'c', image: 'registry.invalid/p:1' }] },
  };
  const metadata = { name: 'one' };
  const lives: Record<string, (world: World) => Promise<void>> = {
    configMap: life('configmaps', { metadata, data: { a: 'b' } }, 'configmaps'),
    secret: life('secrets', { metadata, data: { a: 'Yg==' } }, 'secrets'),
    service: async world => {
      const spec = { type: 'NodePort', ports: [{ port: 80 }] };
      await life('services', { metadata, spec }, 'services', { 'services.nodeports': '1' })(world);
    },
    'replica set': life(
      ...([
        'replicasets',
        { metadata, spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template } },
      ] as const),
      ...(['count/replicasets.apps', {}, 'apps/v1'] as const),
    ),
    'replication controller': life(
      ...(['replicationcontrollers', { metadata, spec: { replicas: 0, selector: { a: 'b' }, template } }] as const),
      'replicationcontrollers',
    ),
  };
  for (const [what, run] of Object.entries(lives)) {
    conformance(`${group} create a ResourceQuota and capture the life of a ${what}.`, run);
  }

  conformance(`${group} create a ResourceQuota and ensure its status is promptly calculated.`, world =>
    createQuota(world, { hard }),
  );

  conformance(`${group} create a ResourceQuota and capture the life of a pod.`, async world => {
    await createQuota(world, { hard });
    const path = world.inNamespace('pods');
    const requests = { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', 'example.com/dongle': '2' };
    const limits = { 'example.com/dongle': '2' };
    await world.api.create(path, pod('test-pod', requests, {}, limits));
    const used = { pods: '1', cpu: '500m', memory: '252Mi' };
    const usedMore = { 'requests.ephemeral-storage': '30Gi', 'requests.example.com/dongle': '2' };
    await untilUsed(world, 'test-quota', { ...used, ...usedMore });

    const refuse = async (name: string, wanted: Record<string, string>, wantedLimits = {}) => {
      const answer = await world.api.send({ method: 'POST', path, body: pod(name, wanted, {}, wantedLimits) });
      assert.equal(answer.status, 403, JSON.stringify(answer.body));
      assert.match(answer.body.message, /exceeded quota: test-quota, requested: /);
    };
    await refuse('fail-pod', { cpu: '600m', memory: '100Mi' });
    await refuse('fail-pod-for-extended-resource', { cpu: '500m', memory: '100Mi', 'example.com/dongle': '2' }, limits);
    const change = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '100m' } } }] } };
    const answer = await world.api.send({
      ...{ method: 'PATCH', path: `${path}/test-pod`, body: change },
      type: 'application/strategic-merge-patch+json',
    });
    assert.equal(answer.status, 422);
    await untilUsed(world, 'test-quota', { ...used, ...usedMore });
    await world.api.delete(`${path}/test-pod`, { gracePeriodSeconds: 0 });
    await untilUsed(world, 'test-quota', { pods: '0', cpu: '0', memory: '0', 'requests.ephemeral-storage': '0' });
  });

  conformance(`${group} be able to update and delete ResourceQuota.`, async world => {
    const path = world.inNamespace('resourcequotas');
    const quota = { metadata: { name: 'test-quota' }, spec: { hard: { cpu: '1', memory: '500Mi' } } };
    const made = await world.api.create(path, quota);
    assert.deepEqual(made.spec.hard, { cpu: '1', memory: '500Mi' });
    const updated = await world.api.change(`${path}/test-quota`, quota => {
      quota.spec.hard = { cpu: '2', memory: '1Gi' };
    });
    assert.deepEqual(updated.spec.hard, { cpu: '2', memory: '1Gi' });
    await untilUsed(world, 'test-quota', { cpu: '0', memory: '0' });
    await world.api.delete(`${path}/test-quota`);
    assert.equal((await world.api.send({ path: `${path}/test-quota` })).status, 404);
  });

  conformance(`${group} manage the lifecycle of a ResourceQuota`, async world => {
    const path = world.inNamespace('resourcequotas');
    const labels = { 'e2e-rq-label': world.namespace };
    await world.api.create(path, {
      metadata: { name: 'test-quota', labels },
      spec: { hard: { cpu: '1', memory: '500Mi' } },
    });
    const selector = `labelSelector=${encodeURIComponent(`e2e-rq-label=${world.namespace}`)}`;
    assert.equal((await world.api.get(`/api/v1/resourcequotas?${selector}`)).items.length, 1);
    const patched = await world.api.patch(
      `${path}/test-quota`,
      { metadata: { labels: { patched: 'true' } }, spec: { hard: { memory: '750Mi' } } },
      'strategic',
    );
    assert.deepEqual([patched.metadata.labels.patched, patched.spec.hard.memory], ['true', '750Mi']);
    await world.api.delete(`${path}?${selector}`);
    const left = async () => (await world.api.get(`/api/v1/resourcequotas?${selector}`)).items.length === 0;
    await eventually('the collection is gone', left);
  });

  conformance(`${group} apply changes to a resourcequota status`, async world => {
    const path = `${world.inNamespace('resourcequotas')}/test-quota`;
    const { api } = world;
    const initial = { cpu: '500m', memory: '500Mi' };
    await api.create(world.inNamespace('resourcequotas'), {
      metadata: { name: 'test-quota' },
      spec: { hard: initial },
    });
    const same = (wanted: Record<string, string>) => async () => {
      const { spec, status } = await api.get(path);
      return Object.entries(wanted).every(([key, value]) => spec.hard[key] === value && status?.hard?.[key] === value);
    };
    await eventually('the status shows the spec', same(initial));
    const changed = { cpu: '1', memory: '1Gi' };
    // The controller sets it right again.
    await api.change(`${path}/status`, quota => {
      quota.status = { ...quota.status, hard: changed };
    });
    await eventually('the status shows the spec again', same(initial));
    await api.patch(path, { spec: { hard: changed } });
    await eventually('the status follows', same(changed));
    const patched = await api.patch(`${path}/status`, { status: { hard: { cpu: '9', memory: '9Gi' } } });
    assert.deepEqual(patched.spec.hard, changed);
    await eventually('the status is put right', same(changed));
    assert.deepEqual((await api.get(`${path}/status`)).spec.hard, changed);
  });

  conformance(`${group} verify ResourceQuota with best effort scope.`, async world => {
    await createQuota(world, { hard: { pods: '5' }, scopes: ['BestEffort'] }, 'best');
    await createQuota(world, { hard: { pods: '5' }, scopes: ['NotBestEffort'] }, 'other');
    await onlyCounts(world, pod('plain'), 'best', 'other');
    await onlyCounts(world, pod('sized', { cpu: '500m', memory: '200Mi' }), 'other', 'best');
  });

  conformance(`${group} verify ResourceQuota with terminating scopes.`, async world => {
    const amounts = { pods: '5', 'requests.cpu': '1', 'requests.memory': '500Mi' };
    const limits = { 'limits.cpu': '2', 'limits.memory': '1Gi' };
    await createQuota(world, { hard: { ...amounts, ...limits }, scopes: ['Terminating'] }, 'ending');
    await createQuota(world, { hard: { ...amounts, ...limits }, scopes: ['NotTerminating'] }, 'lasting');
    const sizes = [
      { cpu: '500m', memory: '200Mi' },
      { cpu: '1', memory: '400Mi' },
    ] as const;
    const used = { 'requests.cpu': '500m', 'limits.cpu': '1', 'requests.memory': '200Mi', 'limits.memory': '400Mi' };
    await onlyCounts(world, pod('long', sizes[0], {}, sizes[1]), 'lasting', 'ending', used);
    await onlyCounts(
      world,
      pod('short', sizes[0], { activeDeadlineSeconds: 3600 }, sizes[1]),
      'ending',
      'lasting',
      used,
    );
  });
}

/** The pod is counted by one quota and not by the other, and by none when it is gone. */
async function onlyCounts(
  world: World,
  body: Json,
  counting: string,
  other: string,
  amounts: Record<string, string> = {},
): Promise<void> {
  const path = world.inNamespace('pods');
  await world.api.create(path, body);
  await untilUsed(world, counting, { pods: '1', ...amounts });
  assert.equal((await usedOf(world, other)).pods, '0');
  await world.api.delete(`${path}/${body.metadata.name}`, { gracePeriodSeconds: 0 });
  await untilUsed(world, counting, { pods: '0' });
}
