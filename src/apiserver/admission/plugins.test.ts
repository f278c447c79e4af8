import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Container, type KubeObject, type Pod, resources } from '#api';
import { createFakeClock, createFakeRandom, createRecordingLog } from '#base/testing';
import { createAuthorization } from '../access/authorize.ts';
import { createFakeReader, type FakeReader } from '../access/testing.ts';
import { compareQuantities } from './amounts.ts';
import { createLimitRanger } from './limit-ranger.ts';
import { createNamespaceLifecycle } from './namespace-lifecycle.ts';
import { createNodeRestriction } from './node-restriction.ts';
import { createUnenforcedConfigurationWarning } from './not-called-yet.ts';
import { createOwnerReferencesPermissionEnforcement } from './owner-references.ts';
import { createAdmission } from './plugins.ts';
import {
  createDefaultTolerationSeconds,
  createPodTopologyLabels,
  createPriority,
  createRuntimeClass,
  createTaintNodesByCondition,
} from './pod-defaults.ts';
import { createServiceAccountPlugin } from './service-account.ts';
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

test('the plugins stand in upstream order, with the quota last', async () => {
  const reader = createFakeReader();
  await using admission = createAdmission({
    reader,
    authorization: createAuthorization(reader),
    clock: createFakeClock(),
    random: createFakeRandom(),
    log: createRecordingLog(),
    resourceOfKind: () => undefined,
    resourceOfName: () => undefined,
  });
  assert.deepEqual(
    admission.plugins.map(plugin => plugin.name),
    [
      'RBACEscalation',
      'NamespaceLifecycle',
      'LimitRanger',
      'ServiceAccount',
      'NodeRestriction',
      'TaintNodesByCondition',
      'PodSecurity',
      'Priority',
      'DefaultTolerationSeconds',
      'DefaultStorageClass',
      'StorageObjectInUseProtection',
      'OwnerReferencesPermissionEnforcement',
      'PersistentVolumeClaimResize',
      'RuntimeClass',
      'CertificateApproval',
      'CertificateSigning',
      'CertificateSubjectRestriction',
      'DefaultIngressClass',
      'PodTopologyLabels',
      'UnenforcedConfigurationWarning',
      'ResourceQuota',
    ],
  );
});

test('nothing is made in a namespace that is missing or ending, and the system keeps its own', async () => {
  const reader = createFakeReader();
  reader.put(
    resources.namespaces,
    { metadata: { name: 'team' }, spec: {} },
    {
      metadata: { name: 'ending', deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: {},
      status: { phase: 'Terminating' },
    },
  );
  const plugin = createNamespaceLifecycle(reader);
  const ask = (namespace: string, name = 'web') =>
    runPlugin(
      plugin,
      createTestRequest(resources.pods, { object: pod({}, { namespace, name, generateName: name ? '' : 'web-' }) }),
    );
  assert.equal(await ask('team'), undefined);
  assert.equal(await ask('gone'), 'namespaces "gone" not found');
  const why = 'forbidden: unable to create new content in namespace ending because it is being terminated';
  assert.equal(await ask('ending'), `pods "web" is ${why}`);
  assert.equal(await ask('ending', ''), `pods "web-" is ${why}`);
  const request = createTestRequest(resources.pods, { object: pod({}, { namespace: 'ending' }) });
  const refused = await Promise.resolve()
    .then(() => plugin.validate?.(request))
    .catch(error => error.status);
  assert.deepEqual(refused.details, {
    name: 'web',
    kind: 'pods',
    causes: [
      { reason: 'NamespaceTerminating', message: 'namespace ending is being terminated', field: 'metadata.namespace' },
    ],
  });
  const remove = (name: string) =>
    runPlugin(
      plugin,
      createTestRequest(resources.namespaces, { operation: 'DELETE', old: { metadata: { name }, spec: {} } }),
    );
  assert.equal(await remove('kube-system'), 'namespaces "kube-system" is forbidden: this namespace may not be deleted');
  assert.equal(await remove('team'), undefined);
});

function serviceAccountWorld(): { reader: FakeReader; ask: (object: Pod) => Promise<string | undefined> } {
  const reader = createFakeReader();
  reader.put(resources.serviceaccounts, {
    metadata: { name: 'default', namespace: 'team' },
    imagePullSecrets: [{ name: 'pull' }],
  });
  const plugin = createServiceAccountPlugin({ reader, clock: createFakeClock(), random: createFakeRandom() });
  return { reader, ask: object => runPlugin(plugin, createTestRequest(resources.pods, { object })) };
}

test('a pod gets its account, pull secrets and a token volume', async () => {
  const { ask } = serviceAccountWorld();
  const object = pod();
  assert.equal(await ask(object), undefined);
  assert.equal(object.spec.serviceAccountName, 'default');
  assert.equal(object.spec.serviceAccount, 'default');
  assert.deepEqual(object.spec.imagePullSecrets, [{ name: 'pull' }]);
  const [volume] = object.spec.volumes ?? [];
  assert.match(volume?.name ?? '', /^kube-api-access-.{5}$/);
  assert.deepEqual(object.spec.containers[0]?.volumeMounts, [
    { name: volume?.name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
  ]);
  assert.deepEqual(volume?.projected, {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
  });
});

test('a pod that wants no token gets none, and one that mounts its own keeps it', async () => {
  const { ask } = serviceAccountWorld();
  const none = pod({ automountServiceAccountToken: false, imagePullSecrets: [{ name: 'own' }] });
  await ask(none);
  assert.equal(none.spec.volumes, undefined);
  assert.deepEqual(none.spec.imagePullSecrets, [{ name: 'own' }]);
  const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
  const own = pod({ containers: [{ name: 'main', volumeMounts: [{ name: 'v', mountPath }] }] });
  await ask(own);
  assert.equal(own.spec.volumes, undefined);
});

test('unknown accounts and prying mirror pods are refused; a late default account is waited for', async () => {
  const { reader, ask } = serviceAccountWorld();
  assert.equal(
    await ask(pod({ serviceAccountName: 'nobody' })),
    'pods "web" is forbidden: error looking up service account team/nobody: serviceaccount "nobody" not found',
  );
  const annotations = { 'kubernetes.io/config.mirror': 'x' };
  assert.equal(
    await ask(pod({ serviceAccountName: 'default' }, { annotations })),
    'pods "web" is forbidden: a mirror pod may not reference service accounts',
  );
  assert.equal(
    await ask(pod({ volumes: [{ name: 'v', secret: { secretName: 's' } }] }, { annotations })),
    'pods "web" is forbidden: a mirror pod may not reference secrets',
  );
  const clock = createFakeClock();
  const plugin = createServiceAccountPlugin({ reader, clock, random: createFakeRandom() });
  const object = pod({}, { namespace: 'fresh' });
  const asked = runPlugin(plugin, createTestRequest(resources.pods, { object }));
  await clock.advance(150);
  reader.put(resources.serviceaccounts, { metadata: { name: 'default', namespace: 'fresh' } });
  await clock.advance(150);
  assert.equal(await asked, undefined);
});

test('a LimitRange fills in what is missing and bounds what is asked', async () => {
  const reader = createFakeReader();
  const plugin = createLimitRanger(reader);
  const set = (item: object) =>
    reader.put(resources.limitranges, {
      metadata: { name: 'r', namespace: 'team' },
      spec: { limits: [item as never] },
    });
  const ask = async (requests: Container['resources'], count = 1) => {
    const containers = Array.from({ length: count }, (_, index) => ({
      name: `c${index}`,
      resources: structuredClone(requests),
    }));
    const object = pod({ containers });
    return { object, message: await runPlugin(plugin, createTestRequest(resources.pods, { object })) };
  };
  set({ type: 'Container', default: { cpu: '500m', memory: '1Gi' }, defaultRequest: { cpu: '100m' } });
  const { object } = await ask({ limits: { memory: '2Gi' } });
  assert.deepEqual(object.spec.containers[0]?.resources, {
    limits: { memory: '2Gi', cpu: '500m' },
    requests: { cpu: '100m' },
  });
  assert.equal(
    object.metadata.annotations?.['kubernetes.io/limit-ranger'],
    'LimitRanger plugin set: cpu request for container c0; cpu limit for container c0',
  );
  const head = 'pods "web" is forbidden: ';
  const table: readonly [object, Container['resources'], number, string | undefined][] = [
    [
      { type: 'Container', max: { cpu: '1' } },
      { limits: { cpu: '1500m' } },
      1,
      'maximum cpu usage per Container is 1, but limit is 1500m',
    ],
    [{ type: 'Container', max: { cpu: '1' } }, {}, 1, 'maximum cpu usage per Container is 1.  No limit is specified'],
    [
      { type: 'Container', min: { memory: '64Mi' } },
      { requests: { memory: '32Mi' } },
      1,
      'minimum memory usage per Container is 64Mi, but request is 32Mi',
    ],
    [
      { type: 'Container', min: { memory: '64Mi' } },
      undefined,
      1,
      'minimum memory usage per Container is 64Mi.  No request is specified',
    ],
    [
      { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
      { requests: { cpu: '100m' }, limits: { cpu: '300m' } },
      1,
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
    [
      { type: 'Pod', max: { cpu: '1' } },
      { limits: { cpu: '600m' } },
      2,
      'maximum cpu usage per Pod is 1, but limit is 1200m',
    ],
    [{ type: 'Pod', max: { cpu: '2' } }, { limits: { cpu: '600m' }, requests: { cpu: '600m' } }, 2, undefined],
    [
      { type: 'Container', max: { cpu: '1' }, min: { memory: '1Gi' } },
      {},
      1,
      '[minimum memory usage per Container is 1Gi.  No request is specified, maximum cpu usage per Container is 1.  No limit is specified]',
    ],
  ];
  for (const [item, requests, count, message] of table) {
    set(item);
    assert.equal((await ask(requests, count)).message, message && head + message);
  }
  set({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } });
  const claim = (storage: string) =>
    runPlugin(
      plugin,
      createTestRequest(resources.persistentvolumeclaims, {
        object: { metadata: { name: 'c', namespace: 'team' }, spec: { resources: { requests: { storage } } } },
      }),
    );
  assert.equal(await claim('1536Mi'), undefined);
  assert.equal(
    await claim('3Gi'),
    'persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
  );
});

test('a kubelet writes only itself, its mirror pods and its lease', async () => {
  const reader = createFakeReader();
  reader.put(resources.nodes, { metadata: { name: 'n1', uid: 'u1' }, spec: {} });
  reader.put(resources.pods, pod({ nodeName: 'n2' }, { uid: 'p' }));
  const plugin = createNodeRestriction(reader);
  const user = { name: 'system:node:n1', groups: ['system:nodes'] };
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u1', controller: true };
  const mirror = (spec: object = {}, owners: object[] = [owner]) =>
    pod({ nodeName: 'n1', ...spec }, { annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: owners });
  const node = (name: string, labels: Record<string, string> = {}, taints: object[] = []) => ({
    metadata: { name, labels },
    spec: { taints: taints as never },
  });
  const ask = (resource: never, fields: object) => runPlugin(plugin, createTestRequest(resource, { user, ...fields }));
  const { pods, nodes, leases, serviceaccounts } = resources as unknown as Record<string, never>;
  const token = (reference: object | undefined) => ({
    subresource: 'token',
    namespace: 'team',
    object: { metadata: { name: 'default' }, spec: { boundObjectRef: reference } },
  });
  const table: readonly [never, object, string | undefined][] = [
    [pods!, { object: mirror() }, undefined],
    [pods!, { object: pod({ nodeName: 'n1' }) }, 'pods "web" is forbidden: node "n1" can only create mirror pods'],
    [
      pods!,
      { object: mirror({ nodeName: 'n2' }) },
      'pods "web" is forbidden: node "n1" can only create pods with spec.nodeName set to itself',
    ],
    [
      pods!,
      { object: mirror({}, []) },
      'pods "web" is forbidden: node "n1" can only create pods with an owner reference set to itself',
    ],
    [
      pods!,
      { object: mirror({}, [{ ...owner, uid: 'u2' }]) },
      'pods "web" is forbidden: node n1 UID mismatch: expected u2 got u1',
    ],
    [
      pods!,
      { object: mirror({ serviceAccountName: 'x' }) },
      'pods "web" is forbidden: node "n1" can not create pods that reference a service account',
    ],
    [
      pods!,
      { operation: 'DELETE', old: pod({ nodeName: 'n2' }) },
      'pods "web" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    [
      pods!,
      { operation: 'UPDATE', subresource: 'status', old: pod({ nodeName: 'n1' }), object: pod({ nodeName: 'n1' }) },
      undefined,
    ],
    [
      pods!,
      { operation: 'UPDATE', subresource: 'status', old: pod({ nodeName: 'n2' }), object: pod({ nodeName: 'n2' }) },
      'pods "web" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      pods!,
      {
        operation: 'UPDATE',
        subresource: 'status',
        old: pod({ nodeName: 'n1' }),
        object: pod({ nodeName: 'n1' }, { labels: { a: 'b' } }),
      },
      'pods "web" is forbidden: node "n1" cannot update labels through pod status',
    ],
    [nodes!, { object: node('n2') }, 'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"'],
    [nodes!, { object: node('n1', { 'kubernetes.io/hostname': 'n1', 'example.com/a': 'b' }) }, undefined],
    [
      nodes!,
      { object: node('n1', { 'node-role.kubernetes.io/control-plane': '' }) },
      'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: node-role.kubernetes.io/control-plane',
    ],
    [
      nodes!,
      { operation: 'UPDATE', old: node('n1', {}, [{ key: 'a', effect: 'NoSchedule' }]), object: node('n1') },
      'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
    ],
    [
      leases!,
      { object: { metadata: { name: 'n2', namespace: 'kube-node-lease' } } },
      'leases.coordination.k8s.io "n2" is forbidden: can only access node lease with the same name as the requesting node',
    ],
    [
      serviceaccounts!,
      token(undefined),
      'serviceaccounts "default" is forbidden: node requested token not bound to a pod',
    ],
    [
      serviceaccounts!,
      token({ apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'p' }),
      'serviceaccounts "default" is forbidden: node requested token bound to a pod scheduled on a different node',
    ],
  ];
  for (const [resource, fields, message] of table) assert.equal(await ask(resource, fields), message);
  const human = createTestRequest(resources.pods, { object: pod() });
  assert.equal(await runPlugin(plugin, human), undefined);
});

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
  assert.match((await resize('new', 'Pending')) ?? '', /Only bound persistent volume claims can be expanded$/);
});

test('owner references need the right to delete and to set finalizers', async () => {
  const rights = new Set<string>();
  const plugin = createOwnerReferencesPermissionEnforcement({
    authorize: asked => ({
      verdict: rights.has(`${asked.verb} ${asked.resource}${asked.subresource ? `/${asked.subresource}` : ''}`)
        ? 'allow'
        : 'no-opinion',
      reason: '',
    }),
    resourceOf: (apiVersion, kind) =>
      apiVersion === 'apps/v1' && kind === 'ReplicaSet' ? resources.replicasets : undefined,
  });
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: '1' };
  const ask = (owners: object[], operation: 'CREATE' | 'UPDATE' = 'UPDATE') =>
    runPlugin(
      plugin,
      createTestRequest(resources.pods, {
        operation,
        old: operation === 'UPDATE' ? pod() : undefined,
        object: pod({}, { ownerReferences: owners }),
      }),
    );
  assert.match((await ask([owner])) ?? '', /cannot set an ownerRef on a resource you can't delete/);
  assert.equal(await ask([owner], 'CREATE'), undefined);
  rights.add('delete pods');
  assert.equal(await ask([owner]), undefined);
  const blocking = { ...owner, blockOwnerDeletion: true };
  assert.match(
    (await ask([blocking])) ?? '',
    /cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on/,
  );
  rights.add('update replicasets/finalizers');
  assert.equal(await ask([blocking]), undefined);
});

test('what configures webhooks is stored with a warning that nothing calls them', async () => {
  const request = createTestRequest(resources.validatingwebhookconfigurations, { object: { metadata: { name: 'w' } } });
  assert.equal(await runPlugin(createUnenforcedConfigurationWarning(), request), undefined);
  assert.deepEqual(request.warnings, [
    'ValidatingWebhookConfiguration: this version of Wherry does not call admission webhooks yet: nothing will be validated by it',
  ]);
});
