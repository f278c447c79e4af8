import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KubeObject, type Pod, resources } from '#api';
import { createFakeReader } from '../access/testing.ts';
import { compareQuantities } from './amounts.ts';
import {
  createDefaultTolerationSeconds,
  createPodTopologyLabels,
  createPriority,
  createTaintNodesByCondition,
} from './pod-defaults.ts';
import { createRuntimeClass } from './runtime-class.ts';
import {
  createDefaultIngressClass,
  createDefaultStorageClass,
  createPersistentVolumeClaimResize,
  createStorageObjectInUseProtection,
} from './storage-defaults.ts';
import { createTestRequest, runPlugin } from './testing.ts';

function pod(fields: Partial<Pod['spec']> = {}, metadata: object = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'team', ...metadata },
    spec: { containers: [{ name: 'main', image: 'x' }], ...fields },
  };
}

test('priority comes from the class, never from the pod', async () => {
  const reader = createFakeReader();
  const plugin = createPriority(reader);
  const ask = async (spec: Partial<Pod['spec']>) => {
    const object = pod(spec);
    const message = await runPlugin(plugin, createTestRequest(resources.pods, { object }));
    return message ?? [object.spec.priorityClassName, object.spec.priority, object.spec.preemptionPolicy].join(' ');
  };
  assert.equal(await ask({}), ' 0 PreemptLowerPriority');
  reader.put(
    resources.priorityclasses,
    { metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' },
    { metadata: { name: 'usual' }, value: 10, globalDefault: true },
  );
  assert.equal(await ask({}), 'usual 10 PreemptLowerPriority');
  assert.equal(await ask({ priorityClassName: 'high' }), 'high 1000 Never');
  assert.equal(
    await ask({ priorityClassName: 'none' }),
    'pods "web" is forbidden: no PriorityClass with name none was found',
  );
  assert.equal(
    await ask({ priority: 5 }),
    'pods "web" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 10 from the given PriorityClass name',
  );
  const second = createTestRequest(resources.priorityclasses, {
    object: { metadata: { name: 'b' }, value: 1, globalDefault: true },
  });
  assert.equal(
    await runPlugin(plugin, second),
    'priorityclasses.scheduling.k8s.io "b" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
  );
});

test('pods bear with a lost node for five minutes unless they say otherwise', async () => {
  const plugin = createDefaultTolerationSeconds();
  const ask = async (tolerations: Pod['spec']['tolerations']) => {
    const object = pod({ tolerations });
    await runPlugin(plugin, createTestRequest(resources.pods, { object }));
    return object.spec.tolerations ?? [];
  };
  assert.deepEqual(await ask(undefined), [
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
  ]);
  assert.equal((await ask([{ operator: 'Exists' }])).length, 1);
  assert.equal(
    (await ask([{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' }])).length,
    2,
  );
});

test('nodes start tainted, pods take zone and runtime class', async () => {
  const reader = createFakeReader();
  const node = { metadata: { name: 'n1' }, spec: {} };
  await runPlugin(createTaintNodesByCondition(), createTestRequest(resources.nodes, { object: node }));
  assert.deepEqual(node.spec, { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] });
  const labels = { 'topology.kubernetes.io/zone': 'a', 'topology.kubernetes.io/region': 'r', other: 'x' };
  reader.put(resources.nodes, { metadata: { name: 'n2', labels }, spec: {} });
  const binding = { metadata: { name: 'web', namespace: 'team' }, target: { kind: 'Node', name: 'n2' } } as KubeObject;
  await runPlugin(
    createPodTopologyLabels(reader),
    createTestRequest(resources.pods, { object: binding, subresource: 'binding' }),
  );
  assert.deepEqual(binding.metadata.labels, {
    'topology.kubernetes.io/zone': 'a',
    'topology.kubernetes.io/region': 'r',
  });
  reader.put(resources.runtimeclasses, {
    metadata: { name: 'vm' },
    handler: 'vm',
    overhead: { podFixed: { memory: '64Mi' } },
    scheduling: { nodeSelector: { vm: 'yes' }, tolerations: [{ key: 'vm', operator: 'Exists' }] },
  });
  const object = pod({ runtimeClassName: 'vm' });
  assert.equal(await runPlugin(createRuntimeClass(reader), createTestRequest(resources.pods, { object })), undefined);
  assert.deepEqual(object.spec.overhead, { memory: '64Mi' });
  assert.deepEqual(object.spec.nodeSelector, { vm: 'yes' });
  assert.equal(object.spec.tolerations?.length, 1);
  const unknown = createTestRequest(resources.pods, { object: pod({ runtimeClassName: 'none' }) });
  assert.match(
    (await runPlugin(createRuntimeClass(reader), unknown)) ?? '',
    /pod rejected: RuntimeClass "none" not found/,
  );
});

test('a pod has the overhead of its runtime class, and each toleration once', async () => {
  const reader = createFakeReader();
  const plugin = createRuntimeClass(reader);
  reader.put(
    resources.runtimeclasses,
    {
      metadata: { name: 'vm' },
      handler: 'vm',
      overhead: { podFixed: { memory: '64Mi', cpu: '250m' } },
      scheduling: {
        tolerations: [
          { key: 'vm', operator: 'Exists' },
          { key: 'slow', operator: 'Exists', effect: 'NoExecute' },
        ],
      },
    },
    { metadata: { name: 'plain' }, handler: 'plain' },
  );
  const ask = async (fields: Partial<Pod['spec']>, after?: (made: Pod) => void) => {
    const object = pod({ runtimeClassName: 'vm', ...fields });
    const request = createTestRequest(resources.pods, { object });
    const [mutation, validation] = [
      { name: '', mutate: plugin.mutate! },
      { name: '', validate: plugin.validate! },
    ];
    const first = await runPlugin(mutation, request);
    after?.(object);
    return [first ?? (await runPlugin(validation, request)), object.spec] as const;
  };
  const head = 'pods "web" is forbidden: pod rejected: ';
  const differs = `${head}Pod's Overhead doesn't match RuntimeClass's defined Overhead`;
  const without = `${head}Pod Overhead set without corresponding RuntimeClass defined Overhead`;
  const table: readonly [Partial<Pod['spec']>, string | undefined, ((made: Pod) => void)?][] = [
    [{ overhead: {} }, undefined],
    [{ overhead: { cpu: '0.25', memory: '65536Ki' } }, undefined],
    [{ overhead: { cpu: '1' } }, differs],
    [{}, differs, made => void Object.assign(made.spec, { overhead: { cpu: '1' } })],
    [{ runtimeClassName: 'plain' }, undefined],
    [{ runtimeClassName: 'plain', overhead: { cpu: '1' } }, without],
    [{ runtimeClassName: undefined, overhead: { cpu: '1' } }, without],
  ];
  for (const [fields, message, after] of table) assert.equal((await ask(fields, after))[0], message);
  const [, spec] = await ask({
    tolerations: [
      { key: 'vm', operator: 'Equal', value: 'a', effect: 'NoSchedule' },
      { key: 'slow', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
      { key: 'own', operator: 'Exists' },
    ],
  });
  assert.deepEqual(spec.tolerations, [
    { key: 'own', operator: 'Exists' },
    { key: 'vm', operator: 'Exists' },
    { key: 'slow', operator: 'Exists', effect: 'NoExecute' },
  ]);
});

test('claims and ingresses get default classes, protection, and grow only where they may', async () => {
  const reader = createFakeReader();
  const marked = (name: string, annotation: string, created: string) => ({
    name,
    annotations: { [annotation]: 'true' },
    creationTimestamp: created,
  });
  const storage = 'storageclass.kubernetes.io/is-default-class';
  reader.put(
    resources.storageclasses,
    { metadata: marked('old', storage, '2025-01-01T00:00:00Z'), provisioner: 'p' },
    { metadata: marked('new', storage, '2026-01-01T00:00:00Z'), provisioner: 'p', allowVolumeExpansion: true },
  );
  reader.put(resources.ingressclasses, {
    metadata: marked('web', 'ingressclass.kubernetes.io/is-default-class', ''),
    spec: {},
  });
  const claim = (fields: object = {}, phase = 'Bound') => ({
    metadata: { name: 'c', namespace: 'team' },
    spec: fields,
    status: { phase },
  });
  const ask = async (object: ReturnType<typeof claim>) => {
    await runPlugin(createDefaultStorageClass(reader), createTestRequest(resources.persistentvolumeclaims, { object }));
    return (object.spec as { storageClassName?: string }).storageClassName;
  };
  assert.equal(await ask(claim()), 'new');
  assert.equal(await ask(claim({ storageClassName: '' })), '');
  const ingress = { metadata: { name: 'i', namespace: 'team' }, spec: {} };
  await runPlugin(createDefaultIngressClass(reader), createTestRequest(resources.ingresses, { object: ingress }));
  assert.deepEqual(ingress.spec, { ingressClassName: 'web' });
  const protectedClaim: KubeObject = claim();
  await runPlugin(
    createStorageObjectInUseProtection(),
    createTestRequest(resources.persistentvolumeclaims, { object: protectedClaim }),
  );
  assert.deepEqual(protectedClaim.metadata.finalizers, ['kubernetes.io/pvc-protection']);
  const size = (storageClassName: string, amount: string) => ({
    storageClassName,
    resources: { requests: { storage: amount } },
  });
  const resize = (className: string, phase = 'Bound', to = '2Gi') =>
    runPlugin(
      createPersistentVolumeClaimResize(reader, compareQuantities),
      createTestRequest(resources.persistentvolumeclaims, {
        operation: 'UPDATE',
        old: claim(size(className, '1024Mi'), phase),
        object: claim(size(className, to), phase),
      }),
    );
  assert.equal(await resize('new'), undefined);
  assert.equal(await resize('old', 'Bound', '1Gi'), undefined, 'the same size in other words');
  assert.match(
    (await resize('old')) ?? '',
    /only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize$/,
  );
  const moved = createTestRequest(resources.persistentvolumeclaims, {
    operation: 'UPDATE',
    old: claim(size('old', '1Gi')),
    object: claim(size('new', '2Gi')),
  });
  const resizer = createPersistentVolumeClaimResize(reader, compareQuantities);
  assert.match((await runPlugin(resizer, moved)) ?? '', /must support resize$/, 'not with another class');
  assert.match((await resize('new', 'Pending')) ?? '', /Only bound persistent volume claims can be expanded$/);
});
