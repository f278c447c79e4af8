import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pod, resources } from '#api';
import { createFakeClock, createFakeRandom } from '#base/testing';
import { createFakeReader, type FakeReader } from '../access/testing.ts';
import { createServiceAccountPlugin } from './service-account.ts';
import { createTestRequest, runPlugin } from './testing.ts';

function pod(fields: Partial<Pod['spec']> = {}, metadata: object = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'team', ...metadata },
    spec: { containers: [{ name: 'main', image: 'x' }], ...fields },
  };
}

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

test('a container that a webhook adds gets the volume that is there', async () => {
  const { ask } = serviceAccountWorld();
  const object = pod();
  await ask(object);
  object.spec.containers.push({ name: 'sidecar', image: 'proxy' });
  assert.equal(await ask(object), undefined);
  assert.equal(object.spec.volumes?.length, 1);
  const [main, sidecar] = object.spec.containers;
  assert.deepEqual(sidecar?.volumeMounts, main?.volumeMounts);
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

test('an account that limits its pods to its secrets judges of a running one the ephemeral containers only', async () => {
  const { reader } = serviceAccountWorld();
  const plugin = createServiceAccountPlugin({ reader, clock: createFakeClock(), random: createFakeRandom() });
  const annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' };
  reader.put(resources.serviceaccounts, {
    metadata: { name: 'strict', namespace: 'team', annotations },
    secrets: [{ name: 'open' }],
  });
  const envFrom = (name: string) => [{ secretRef: { name } }];
  const ask = (name: string, serviceAccountName?: string) => {
    const fields = { serviceAccountName, volumes: [{ name: 'v', secret: { secretName: 'closed' } }] };
    const object = pod({ ...fields, ephemeralContainers: [{ name: 'shell', envFrom: envFrom(name) }] });
    const update = { operation: 'UPDATE', subresource: 'ephemeralcontainers', object } as const;
    return runPlugin(plugin, createTestRequest(resources.pods, update));
  };
  assert.equal(await ask('open', 'strict'), undefined);
  assert.equal(
    await ask('closed', 'strict'),
    'pods "web" is forbidden: ephemeral container shell with envFrom referencing secret.secretName="closed" is not allowed because service account strict does not reference that secret',
  );
  assert.equal(await ask('open'), 'pods "web" is forbidden: no service account specified for pod team/web');
});
