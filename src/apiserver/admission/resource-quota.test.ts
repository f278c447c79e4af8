import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupResourceOf, type KubeObject, type Pod, type Resource, type ResourceQuota, resources } from '#api';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { createFakeReader } from '../access/testing.ts';
import { createResourceQuota } from './resource-quota.ts';
import { createTestRequest, runPlugin, type TestRequest } from './testing.ts';

const widgets: Resource<KubeObject> = {
  group: 'example.com',
  version: 'v1',
  resource: 'widgets',
  kind: 'Widget',
  namespaced: true,
};
const known = new Map(
  [
    resources.pods,
    resources.services,
    resources.configmaps,
    resources.persistentvolumeclaims,
    resources.resourceclaims,
    widgets,
  ].map(resource => [groupResourceOf(resource), resource as Resource<KubeObject>]),
);

function open(spec: NonNullable<ResourceQuota['spec']>) {
  const reader = createFakeReader();
  const clock = createFakeClock();
  reader.put(resources.resourcequotas, { metadata: { name: 'q', namespace: 'team' }, spec });
  const written: ResourceQuota[] = [];
  const plugin = createResourceQuota({
    reader,
    clock,
    log: createRecordingLog(),
    resourceOf: name => known.get(name),
    async writeStatus(quota) {
      written.push(quota);
      reader.put(resources.resourcequotas, quota);
    },
  });
  const ask = <T extends KubeObject>(resource: Resource<T>, object: T, dryRun = false) => {
    const request = createTestRequest(resource, { object, dryRun });
    return runPlugin(plugin, request).then(message => ({ message, request }));
  };
  return { reader, clock, plugin, ask, written };
}

let count = 0;
function pod(fields: { requests?: object; limits?: object; spec?: Partial<Pod['spec']>; name?: string } = {}): Pod {
  const resourcesOfOne = { requests: fields.requests as never, limits: fields.limits as never };
  return {
    metadata: { name: fields.name ?? `p${count++}`, namespace: 'team' },
    spec: { containers: [{ name: 'a', resources: resourcesOfOne }], ...fields.spec },
  };
}

test('a quota refuses with its name, what was asked, used and allowed', async () => {
  const { ask, reader } = open({ hard: { pods: '2', 'requests.memory': '1Gi', 'limits.cpu': '2' } });
  const first = pod({ requests: { memory: '600Mi' }, limits: { cpu: '1' } });
  assert.equal((await ask(resources.pods, first)).message, undefined);
  reader.put(resources.pods, first);
  const second = pod({ name: 'x', requests: { memory: '600Mi' }, limits: { cpu: '1500m' } });
  assert.equal(
    (await ask(resources.pods, second)).message,
    'pods "x" is forbidden: exceeded quota: q, requested: limits.cpu=1500m,requests.memory=600Mi, used: limits.cpu=1,requests.memory=600Mi, limited: limits.cpu=2,requests.memory=1Gi',
  );
  assert.equal(
    (await ask(resources.pods, pod({ name: 'x' }))).message,
    'pods "x" is forbidden: failed quota: q: must specify limits.cpu for: a; requests.memory for: a',
  );
});

test('any number of writers at once stay within the quota, and failed writes give their place back', async () => {
  const { ask, reader, plugin } = open({ hard: { pods: '10' } });
  const asked = await Promise.all(Array.from({ length: 64 }, () => ask(resources.pods, pod())));
  const admitted = asked.filter(({ message }) => message === undefined);
  assert.equal(admitted.length, 10);
  for (const { request } of admitted.slice(0, 4)) plugin.release?.(request);
  for (const { request } of admitted.slice(4)) reader.put(resources.pods, request.object as unknown as Pod);
  const again = await Promise.all(Array.from({ length: 64 }, () => ask(resources.pods, pod())));
  assert.equal(again.filter(({ message }) => message === undefined).length, 4);
});

test('a dry run takes no place', async () => {
  const { ask } = open({ hard: { pods: '1' } });
  assert.equal((await ask(resources.pods, pod(), true)).message, undefined);
  assert.equal((await ask(resources.pods, pod(), true)).message, undefined);
  assert.equal((await ask(resources.pods, pod())).message, undefined);
  assert.match((await ask(resources.pods, pod(), true)).message ?? '', /exceeded quota/);
});

test('deleted and finished pods give their share back; count/pods follows the objects', async () => {
  const { ask, reader } = open({ hard: { pods: '1', 'count/pods': '2' } });
  const first = pod();
  reader.put(resources.pods, first);
  assert.match((await ask(resources.pods, pod())).message ?? '', /requested: pods=1, used: pods=1, limited: pods=1$/);
  reader.put(resources.pods, { ...first, status: { phase: 'Succeeded' } });
  const second = await ask(resources.pods, pod());
  assert.equal(second.message, undefined);
  reader.put(resources.pods, second.request.object as unknown as Pod);
  assert.match((await ask(resources.pods, pod())).message ?? '', /count\/pods=1,pods=1, used: count\/pods=2,pods=1/);
  reader.remove(resources.pods, first);
  reader.remove(resources.pods, second.request.object as unknown as Pod);
  assert.equal((await ask(resources.pods, pod())).message, undefined);
});

test('a write that is never settled stops counting after a minute', async () => {
  const { ask, clock } = open({ hard: { pods: '1' } });
  await ask(resources.pods, pod());
  assert.match((await ask(resources.pods, pod())).message ?? '', /exceeded/);
  await clock.advance(61_000);
  assert.equal((await ask(resources.pods, pod())).message, undefined);
});

test('scopes choose the pods that count', async () => {
  const table: readonly [object, Partial<Pod['spec']>, object | undefined, boolean][] = [
    [{ scopes: ['BestEffort'] }, {}, undefined, true],
    [{ scopes: ['BestEffort'] }, {}, { cpu: '1' }, false],
    [{ scopes: ['NotBestEffort'] }, {}, { cpu: '1' }, true],
    [{ scopes: ['Terminating'] }, { activeDeadlineSeconds: 5 }, undefined, true],
    [{ scopes: ['Terminating'] }, {}, undefined, false],
    [{ scopes: ['NotTerminating'] }, {}, undefined, true],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
      { priorityClassName: 'high' },
      undefined,
      true,
    ],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
      { priorityClassName: 'low' },
      undefined,
      false,
    ],
    [
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'NotIn', values: ['high'] }] } },
      {},
      undefined,
      true,
    ],
    [
      { scopes: ['CrossNamespacePodAffinity'] },
      {
        affinity: {
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k', namespaces: ['b'] }] },
        },
      },
      undefined,
      true,
    ],
    [{ scopes: ['CrossNamespacePodAffinity'] }, {}, undefined, false],
  ];
  for (const [scope, spec, requests, counts] of table) {
    const { ask } = open({ hard: { pods: '0' }, ...scope });
    const { message } = await ask(resources.pods, pod({ spec, ...(requests ? { requests } : {}) }));
    // A spec of its own replaces nothing of the containers here.
    assert.equal(message !== undefined, counts, JSON.stringify([scope, spec]));
  }
});

test('services, claims and counted kinds are held by their own names', async () => {
  const { ask } = open({
    hard: {
      'services.nodeports': '1',
      'requests.storage': '10Gi',
      'gold.storageclass.storage.k8s.io/requests.storage': '1Gi',
      'count/widgets.example.com': '1',
      configmaps: '0',
    },
  });
  const service = (ports: number, type: string) => ({
    metadata: { name: 's', namespace: 'team' },
    spec: { type, ports: Array.from({ length: ports }, (_, index) => ({ port: index + 1 })) },
  });
  assert.equal((await ask(resources.services, service(5, 'ClusterIP'))).message, undefined);
  assert.match(
    (await ask(resources.services, service(2, 'NodePort'))).message ?? '',
    /requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1$/,
  );
  const claim = (storage: string, storageClassName?: string) => ({
    metadata: { name: 'c', namespace: 'team' },
    spec: { storageClassName, resources: { requests: { storage } } },
  });
  assert.match(
    (await ask(resources.persistentvolumeclaims, claim('11Gi'))).message ?? '',
    /requested: requests.storage=11Gi/,
  );
  assert.match(
    (await ask(resources.persistentvolumeclaims, claim('2Gi', 'gold'))).message ?? '',
    /requested: gold.storageclass.storage.k8s.io\/requests.storage=2Gi, used: .*=0, limited: .*=1Gi$/,
  );
  assert.equal((await ask(resources.persistentvolumeclaims, claim('2Gi', 'tin'))).message, undefined);
  assert.match(
    (await ask(resources.configmaps, { metadata: { name: 'm', namespace: 'team' } })).message ?? '',
    /configmaps=1/,
  );
  const widget = (name: string) => ({ metadata: { name, namespace: 'team' } });
  assert.equal((await ask(widgets, widget('one'))).message, undefined);
  assert.match(
    (await ask(widgets, widget('two'))).message ?? '',
    /widgets.example.com "two" is forbidden: exceeded quota/,
  );
});

test('claims are told apart by their attributes, and count whole bytes', async () => {
  const scopeSelector = (operator: string, values?: string[]) => ({
    matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator, ...(values && { values }) }],
  });
  const claim = (volumeAttributesClassName: string | undefined, status: object = {}) => ({
    metadata: { name: 'c', namespace: 'team' },
    spec: { volumeAttributesClassName, resources: { requests: { storage: '0.5' } } },
    status,
  });
  const cases: readonly (readonly [string, string[] | undefined, ReturnType<typeof claim>, boolean])[] = [
    ['In', ['gold'], claim('gold'), true],
    ['In', ['gold'], claim('tin'), false],
    ['In', ['gold'], claim('tin', { currentVolumeAttributesClassName: 'gold' }), true],
    ['In', ['gold'], claim('tin', { modifyVolumeStatus: { targetVolumeAttributesClassName: 'gold' } }), true],
    ['NotIn', ['gold'], claim(undefined), true],
    ['Exists', undefined, claim(undefined), false],
    ['DoesNotExist', undefined, claim(undefined), true],
    ['DoesNotExist', undefined, claim('gold'), false],
  ];
  for (const [operator, values, object, counts] of cases) {
    const { ask } = open({ hard: { 'requests.storage': '0' }, scopeSelector: scopeSelector(operator, values) });
    const { message = '' } = await ask(resources.persistentvolumeclaims, object);
    assert.equal(message.includes('requested: requests.storage=1,'), counts, JSON.stringify([operator, object]));
    assert.equal((await ask(resources.pods, pod())).message, undefined, 'pods have no such scope');
  }
});

test('devices are counted by class', async () => {
  const { ask } = open({ hard: { 'gpu.deviceclass.resource.k8s.io/devices': '3' } });
  const claim = (requests: object[]) => ({
    metadata: { name: 'c', namespace: 'team' },
    spec: { devices: { requests: requests as never } },
  });
  const exactly = (count: number) => ({ deviceClassName: 'gpu', allocationMode: 'ExactCount', count });
  const asked = async (...requests: object[]) => (await ask(resources.resourceclaims, claim(requests), true)).message;
  assert.equal(await asked({ exactly: exactly(3) }), undefined);
  assert.match((await asked({ exactly: exactly(2) }, { exactly: exactly(2) })) ?? '', /devices=4, used: .*=0, limited/);
  assert.equal(await asked({ firstAvailable: [exactly(2), exactly(3)] }), undefined);
  const all = { deviceClassName: 'gpu', allocationMode: 'All' };
  assert.match((await asked({ exactly: all })) ?? '', /requested: gpu.deviceclass.resource.k8s.io\/devices=32/);
});

test('a pod that says what it takes as a whole need not say it of each container', async () => {
  const { ask } = open({ hard: { 'requests.cpu': '1' } });
  const resourcesOfAll = { requests: { cpu: '2' } };
  assert.match(
    (await ask(resources.pods, pod({ spec: { resources: resourcesOfAll } }))).message ?? '',
    /requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1$/,
  );
});

test('a pod that gets a deadline falls under another quota', async () => {
  const { reader, plugin } = open({ hard: { pods: '0' }, scopes: ['Terminating'] });
  const old = pod();
  reader.put(resources.pods, old);
  const change = (object: Pod) => runPlugin(plugin, createTestRequest(resources.pods, { object, old }));
  assert.equal(await change({ ...old, metadata: { ...old.metadata, labels: { a: 'b' } } }), undefined);
  const message = await change({ ...old, spec: { ...old.spec, activeDeadlineSeconds: 5 } });
  assert.match(message ?? '', /exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0$/);
});

test('a pod that changes its size counts with the most of what it wants and has', async () => {
  const { reader, ask } = open({ hard: { 'requests.cpu': '2' } });
  const status = (reason: string) => ({
    conditions: [{ type: 'PodResizePending', status: 'True', reason }],
    containerStatuses: [{ name: 'a', resources: { requests: { cpu: '500m' } } } as never],
  });
  reader.put(resources.pods, { ...pod({ name: 'one', requests: { cpu: '1500m' } }), status: status('Deferred') });
  const refused = await ask(resources.pods, pod({ requests: { cpu: '1' } }));
  assert.match(refused.message ?? '', /used: requests.cpu=1500m/);
  reader.put(resources.pods, { ...pod({ name: 'one', requests: { cpu: '1500m' } }), status: status('Infeasible') });
  assert.equal((await ask(resources.pods, pod({ requests: { cpu: '1' } }))).message, undefined);
});

test('an init container counts where it needs more than all the others together', async () => {
  const { ask } = open({ hard: { 'requests.cpu': '1' } });
  const containers = (name: string, cpu: string) => [{ name, resources: { requests: { cpu } } }];
  const spec = {
    containers: containers('a', '300m'),
    initContainers: [...containers('i', '700m'), { ...containers('side', '200m')[0]!, restartPolicy: 'Always' }],
  };
  assert.equal((await ask(resources.pods, pod({ spec }))).message, undefined);
  assert.match(
    (await ask(resources.pods, pod({ spec }))).message ?? '',
    /requested: requests.cpu=700m, used: requests.cpu=700m/,
  );
});

test('the status shows what is used, after every change', async () => {
  const { reader, clock, written, plugin } = open({ hard: { pods: '5', 'requests.memory': '1Gi' } });
  await clock.advance(100);
  assert.deepEqual(written.at(-1)?.status, {
    hard: { pods: '5', 'requests.memory': '1Gi' },
    used: { pods: '0', 'requests.memory': '0' },
  });
  const first = pod({ requests: { memory: '128Mi' } });
  reader.put(resources.pods, first);
  await clock.advance(100);
  assert.deepEqual(written.at(-1)?.status?.used, { pods: '1', 'requests.memory': '128Mi' });
  reader.remove(resources.pods, first);
  await clock.advance(100);
  assert.deepEqual(written.at(-1)?.status?.used, { pods: '0', 'requests.memory': '0' });
  const writes = written.length;
  reader.put(resources.pods, { ...pod(), metadata: { name: 'elsewhere', namespace: 'other' } });
  await clock.advance(100);
  assert.equal(written.length, writes);
  await plugin[Symbol.asyncDispose]();
});

test('a changed quota counts what is there already', async () => {
  const { reader, ask } = open({ hard: { configmaps: '100' } });
  for (const name of ['a', 'b', 'c']) reader.put(resources.pods, pod({ name }));
  reader.put(resources.resourcequotas, { metadata: { name: 'q', namespace: 'team' }, spec: { hard: { pods: '3' } } });
  const refused: { message: string | undefined; request: TestRequest } = await ask(resources.pods, pod());
  assert.match(refused.message ?? '', /used: pods=3, limited: pods=3/);
});
