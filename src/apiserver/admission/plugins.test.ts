import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviours, createScheme, type Pod, resources } from '#api';
import { createMeter } from '#base';
import { createFakeClock, createFakeRandom, createRecordingLog } from '#base/testing';
import { createAuthorization } from '../access/authorize.ts';
import { createFakeReader } from '../access/testing.ts';
import { createNamespaceLifecycle } from './namespace-lifecycle.ts';
import { createUnenforcedConfigurationWarning } from './not-called-yet.ts';
import { createOwnerReferencesPermissionEnforcement } from './owner-references.ts';
import { createAdmission } from './plugins.ts';
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
    meter: createMeter(),
    scheme: () => createScheme(behaviours),
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
      'PodResizeValidator',
      'UnenforcedConfigurationWarning',
      'MutatingAdmissionPolicy',
      'MutatingAdmissionWebhook',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionWebhook',
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
  const stranger = { ...blocking, kind: 'Stranger' };
  assert.match((await ask([stranger])) ?? '', /cannot find RESTMapping for APIVersion apps\/v1 Kind Stranger/);
  rights.add('update */finalizers');
  assert.equal(await ask([stranger]), undefined);
});

test('what is stored and not acted on is said when it is written, and what is acted on is not', async () => {
  const plugin = createUnenforcedConfigurationWarning();
  const warningsOf = async (resource: Parameters<typeof createTestRequest>[0]) => {
    const request = createTestRequest(resource, { object: { metadata: { name: 'x' } } });
    await runPlugin(plugin, request);
    return request.warnings;
  };
  assert.match(
    String(await warningsOf(resources.networkpolicies)),
    /^NetworkPolicy: .* does not enforce network policies yet/,
  );
  assert.match(String(await warningsOf(resources.ingresses)), /^Ingress: .* has no gateway yet/);
  for (const acted of [resources.deployments, resources.customresourcedefinitions]) {
    assert.deepEqual(await warningsOf(acted), []);
  }
});
