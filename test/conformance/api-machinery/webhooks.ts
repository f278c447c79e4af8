/** test/e2e/apimachinery/webhook.go says what is demanded, and what its webhook answers on which path. */
import assert from 'node:assert/strict';
import type { Answer, Json } from '../api.ts';
import { anything, type Definition, define } from '../definitions.ts';
import { shellPod } from '../pods.ts';
import type { Suite, World } from '../suite.ts';
import { patchAnswer, startWebhook, type Webhook } from '../webhook.ts';
import { checkDiscovery } from './operations.ts';

const group = '[sig-api-machinery] AdmissionWebhook [Privileged:ClusterAdmin]';
const registration = '/apis/admissionregistration.k8s.io/v1';
type Type = 'validating' | 'mutating';
const collectionOf = (type: Type) => `${registration}/${type}webhookconfigurations`;

const deny = (message: string) => ({ allowed: false, status: { message, reason: message } });

/** Configures what upstream's test webhook does on these paths. */
async function respond(path: string, { object, oldObject }: Json): Promise<Json> {
  const data = object?.data ?? {};
  switch (path) {
    case '/always-deny':
      return { allowed: false, status: { message: 'this webhook denies all requests' } };
    case '/always-allow-delay-5s':
      await new Promise(resolve => setTimeout(resolve, 5000));
      return { allowed: true };
    case '/configmaps':
      return data['webhook-e2e-test'] === 'webhook-disallow'
        ? deny('the configmap contains unwanted key and value')
        : { allowed: true };
    case '/mutating-configmaps': {
      const operations = [];
      if (data['mutation-start'] === 'yes')
        operations.push({ op: 'add', path: '/data/mutation-stage-1', value: 'yes' });
      if (data['mutation-stage-1'] === 'yes')
        operations.push({ op: 'add', path: '/data/mutation-stage-2', value: 'yes' });
      return operations.length ? patchAnswer(operations) : { allowed: true };
    }
    case '/pods': {
      const isBad = object.metadata.labels?.['webhook-e2e-test'] === 'webhook-disallow';
      const isUnwanted = object.spec.containers.some((one: Json) => one.name.includes('webhook-disallow'));
      if (isBad && isUnwanted)
        return deny('the pod contains unwanted label; the pod contains unwanted container name;');
      if (isBad) return deny('the pod contains unwanted label;');
      return isUnwanted ? deny('the pod contains unwanted container name;') : { allowed: true };
    }
    case '/pods/attach':
      return deny("attaching to pod 'to-be-attached-pod' is not allowed");
    case '/mutating-pods': {
      const value = [{ image: 'webhook-added-image', name: 'webhook-added-init-container', resources: {} }];
      return patchAnswer([{ op: 'add', path: '/spec/initContainers', value }]);
    }
    case '/custom-resource': {
      const unwanted = (object ?? oldObject)?.data?.['webhook-e2e-test'];
      if (unwanted === 'webhook-disallow') return deny('the custom resource contains unwanted data');
      return !object && unwanted === 'webhook-nondeletable'
        ? deny('the custom resource cannot be deleted because it contains unwanted key and value')
        : { allowed: true };
    }
    case '/mutating-custom-resource': {
      const operations = [];
      if (data['mutation-start'] === 'yes')
        operations.push({ op: 'add', path: '/data/mutation-stage-1', value: 'yes' });
      if (data['mutation-stage-1'] === 'yes')
        operations.push({ op: 'add', path: '/data/mutation-stage-2', value: 'yes' });
      return operations.length ? patchAnswer(operations) : { allowed: true };
    }
    case '/crd':
      return object?.metadata.labels?.['webhook-e2e-test'] === 'webhook-disallow'
        ? deny('the custom resource definition contains unwanted label')
        : { allowed: true };
    case '/add-label':
      return patchAnswer([
        { op: 'add', path: '/metadata/labels', value: { ...object.metadata.labels, 'added-label': 'yes' } },
      ]);
    default:
      return oldObject ? { allowed: true } : { allowed: true };
  }
}

interface Rule {
  operations?: string[];
  resources: string[];
  apiGroups?: string[];
}

function hook(world: World, webhook: Webhook, path: string, rule: Rule, more: Json = {}): Json {
  return {
    name: `${path.replace(/\W+/g, '-').replace(/^-/, '')}.example.com`,
    clientConfig: webhook.clientConfig(path),
    rules: [{ apiGroups: [''], apiVersions: ['*'], operations: ['CREATE'], ...rule }],
    ...{ sideEffects: 'None', admissionReviewVersions: ['v1', 'v1beta1'], timeoutSeconds: 15 },
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': world.namespace } },
    ...more,
  };
}

async function configure(
  world: World,
  type: Type,
  webhooks: Json[],
  name = world.unique(`e2e-${type}`),
): Promise<string> {
  const path = collectionOf(type);
  await world.api.create(path, { metadata: { name, labels: { 'e2e-list-test-uuid': world.namespace } }, webhooks });
  world.cleanUp(() => world.api.send({ method: 'DELETE', path: `${path}/${name}` }));
  return `${path}/${name}`;
}

const start = (world: World) => startWebhook(world, respond);
const maps = (world: World) => world.inNamespace('configmaps');
const bad = { 'webhook-e2e-test': 'webhook-disallow' };
const mapOf = (name: string, data: Json = {}): Json => ({ metadata: { name }, data });
const createMap = (world: World, name: string, data?: Json): Promise<Answer> =>
  world.api.send({ method: 'POST', path: maps(world), body: mapOf(name, data) });

function refused(answer: Answer, text: string | RegExp): void {
  assert.ok(answer.status >= 400, `${answer.status} ${JSON.stringify(answer.body)}`);
  const message = String(answer.body.message);
  if (typeof text === 'string') assert.ok(message.includes(text), message);
  else assert.match(message, text);
}

export default function register(suite: Suite): void {
  const { conformance } = suite;
  conformance(`${group} should include webhook resources in discovery documents`, async world => {
    for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
      await checkDiscovery(world, {
        group: 'admissionregistration.k8s.io',
        version: 'v1',
        resource,
        object: () => ({}),
      });
    }
  });
  conformance(`${group} should be able to deny pod and configmap creation`, denyCreation);
  conformance(`${group} should be able to deny attaching pod`, denyAttach, { pods: true });
  conformance(`${group} should honor timeout`, timeouts);
  conformance(`${group} should unconditionally reject operations on fail closed webhook`, async world => {
    const webhook = await start(world);
    const broken = {
      clientConfig: { ...webhook.clientConfig('/configmaps'), caBundle: undefined },
      failurePolicy: 'Fail',
    };
    await configure(world, 'validating', [hook(world, webhook, '/configmaps', { resources: ['configmaps'] }, broken)]);
    refused(await createMap(world, 'foo'), 'failed calling webhook');
  });
  conformance(`${group} should mutate configmap`, async world => {
    const webhook = await start(world);
    const rule = { resources: ['configmaps'] };
    const first = hook(world, webhook, '/mutating-configmaps', rule);
    await configure(world, 'mutating', [
      { ...first, name: 'adding-configmap-data-stage-1.example.com' },
      { ...first, name: 'adding-configmap-data-stage-2.example.com' },
    ]);
    const { body } = await createMap(world, 'to-be-mutated', { 'mutation-start': 'yes' });
    assert.deepEqual(body.data, { 'mutation-start': 'yes', 'mutation-stage-1': 'yes', 'mutation-stage-2': 'yes' });
  });
  conformance(`${group} should mutate pod and apply defaults after mutation`, async world => {
    const webhook = await start(world);
    await configure(world, 'mutating', [hook(world, webhook, '/mutating-pods', { resources: ['pods'] })]);
    const pod = await world.api.create(
      world.inNamespace('pods'),
      shellPod('webhook-to-be-mutated', 'true', { nodeSelector: { no: 'node' } }),
    );
    const [container] = pod.spec.initContainers;
    assert.equal(container.name, 'webhook-added-init-container');
    assert.equal(container.terminationMessagePolicy, 'File');
  });
  conformance(
    `${group} should not be able to mutate or prevent deletion of webhook configuration objects`,
    configurationsAreSafe,
  );
  conformance(`${group} patching/updating a validating webhook should work`, world => patching(world, 'validating'));
  conformance(`${group} patching/updating a mutating webhook should work`, world => patching(world, 'mutating'));
  conformance(`${group} listing validating webhooks should work`, world => listing(world, 'validating'));
  conformance(`${group} listing mutating webhooks should work`, world => listing(world, 'mutating'));
  conditions(suite);
  customResources(suite);
}

async function denyCreation(world: World): Promise<void> {
  const webhook = await start(world);
  const rules = { operations: ['CREATE', 'UPDATE'] };
  const allowed = { key: 'skip-webhook-admission', operator: 'NotIn', values: ['yes'] };
  await configure(world, 'validating', [
    hook(world, webhook, '/pods', { resources: ['pods'] }),
    hook(
      world,
      webhook,
      '/configmaps',
      { ...rules, resources: ['configmaps'] },
      {
        namespaceSelector: {
          matchExpressions: [allowed],
          matchLabels: { conformance: 'true', hooked: world.namespace },
        },
      },
    ),
    hook(
      world,
      webhook,
      '/always-allow-delay-5s',
      { resources: ['pods'] },
      {
        ...{ timeoutSeconds: 1, name: 'hangs.example.com' },
        objectSelector: { matchLabels: { hang: 'yes' } },
      },
    ),
  ]);
  await world.api.patch(`/api/v1/namespaces/${world.namespace}`, { metadata: { labels: { hooked: world.namespace } } });
  const away = { nodeSelector: { no: 'node' } };
  const pod = shellPod('disallowed-pod', 'true', away);
  pod.metadata.labels = bad;
  pod.spec.containers[0].name = 'webhook-disallow';
  const create = (body: Json) => world.api.send({ method: 'POST', path: world.inNamespace('pods'), body });
  const denied = await create(pod);
  refused(denied, 'the pod contains unwanted container name;');
  refused(denied, 'the pod contains unwanted label;');
  const hanging = shellPod('hanging-pod', 'true', away);
  hanging.metadata.labels = { hang: 'yes' };
  refused(await create(hanging), /failed calling webhook "hangs\.example\.com": .*(deadline|timeout)/i);
  assert.equal((await world.api.send({ path: `${world.inNamespace('pods')}/hanging-pod` })).status, 404);

  refused(await createMap(world, 'disallowed-configmap', bad), 'the configmap contains unwanted key and value');
  const good = await createMap(world, 'allowed-configmap', { admit: 'this' });
  assert.equal(good.status, 201);
  const path = `${maps(world)}/allowed-configmap`;
  refused(await world.api.send({ method: 'PUT', path, body: { ...good.body, data: bad } }), 'unwanted key and value');
  const type = 'application/merge-patch+json';
  refused(await world.api.send({ method: 'PATCH', path, type, body: { data: bad } }), 'unwanted key and value');
  await world.api.patch(`/api/v1/namespaces/${world.namespace}`, {
    metadata: { labels: { 'skip-webhook-admission': 'yes' } },
  });
  assert.equal((await createMap(world, 'skipped', bad)).status, 201);
}

async function denyAttach(world: World): Promise<void> {
  const webhook = await start(world);
  const rule = { operations: ['CONNECT'], resources: ['pods/attach'] };
  await world.api.create(world.inNamespace('pods'), shellPod('to-be-attached-pod', 'sleep 1000'));
  await world.kubectl(['wait', '--for=condition=Ready', 'pod/to-be-attached-pod', '--timeout=60s']);
  await configure(world, 'validating', [hook(world, webhook, '/pods/attach', rule)]);
  const args = ['-n', world.namespace, 'attach', 'to-be-attached-pod', '-i', '-c=main'];
  const { status, stdout, stderr } = await world.server.runKubectl(args, '');
  assert.equal(status, 1);
  assert.match(stdout + stderr, /attaching to pod 'to-be-attached-pod' is not allowed/);
}

async function timeouts(world: World): Promise<void> {
  const webhook = await start(world);
  const slow = (timeoutSeconds: number | undefined, failurePolicy: string) =>
    hook(world, webhook, '/always-allow-delay-5s', { resources: ['configmaps'] }, { timeoutSeconds, failurePolicy });
  const attempt = async (name: string, ...args: Parameters<typeof slow>) => {
    const path = await configure(world, 'validating', [slow(...args)]);
    const answer = await createMap(world, name);
    await world.api.delete(path);
    return answer;
  };
  refused(await attempt('one', 1, 'Fail'), /failed calling webhook .*\?timeout=1s.*(deadline|timeout)/i);
  assert.equal((await attempt('two', 1, 'Ignore')).status, 201);
  assert.equal((await attempt('three', 10, 'Fail')).status, 201);
  // Empty is the default, ten seconds.
  assert.equal((await attempt('four', undefined, 'Fail')).status, 201);
}

async function configurationsAreSafe(world: World): Promise<void> {
  const webhook = await start(world);
  const resources = ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'];
  const own = { objectSelector: { matchLabels: { 'e2e-list-test-uuid': world.namespace } }, namespaceSelector: {} };
  const apiGroups = ['admissionregistration.k8s.io'];
  await configure(world, 'validating', [
    hook(world, webhook, '/always-deny', { apiGroups, resources, operations: ['DELETE'] }, own),
  ]);
  await configure(world, 'mutating', [hook(world, webhook, '/add-label', { apiGroups, resources }, own)]);
  for (const type of ['validating', 'mutating'] as const) {
    const dummy = hook(world, webhook, '/dummy', { resources: ['invalid'] });
    const path = await configure(world, type, [dummy], world.unique(`dummy-${type}`));
    assert.equal((await world.api.get(path)).metadata.labels['added-label'], undefined);
    await world.api.delete(path);
  }
}

/** Does the webhook of this type act on a new ConfigMap? */
async function acts(world: World, type: Type, name: string): Promise<boolean> {
  const data = type === 'validating' ? bad : { 'mutation-start': 'yes' };
  const answer = await createMap(world, name, data);
  if (type === 'validating') return answer.status >= 400;
  assert.equal(answer.status, 201);
  return answer.body.data['mutation-stage-1'] === 'yes';
}

const actingHook = (world: World, webhook: Webhook, type: Type) =>
  hook(world, webhook, type === 'validating' ? '/configmaps' : '/mutating-configmaps', { resources: ['configmaps'] });

async function patching(world: World, type: Type): Promise<void> {
  const webhook = await start(world);
  const path = await configure(world, type, [actingHook(world, webhook, type)]);
  assert.equal(await acts(world, type, 'first'), true);
  const now = await world.api.get(path);
  now.webhooks[0].rules[0].operations = ['UPDATE'];
  await world.api.update(path, now);
  assert.equal(await acts(world, type, 'second'), false);
  await world.api.patch(path, [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['CREATE'] }], 'json');
  assert.equal(await acts(world, type, 'third'), true);
}

async function listing(world: World, type: Type): Promise<void> {
  const webhook = await start(world);
  for (let index = 0; index < 10; index++) {
    await configure(world, type, [actingHook(world, webhook, type)], world.unique(`e2e-${index}`));
  }
  const selector = `labelSelector=${encodeURIComponent(`e2e-list-test-uuid=${world.namespace}`)}`;
  assert.equal((await world.api.get(`${collectionOf(type)}?${selector}`)).items.length, 10);
  assert.equal(await acts(world, type, 'before'), true);
  await world.api.delete(`${collectionOf(type)}?${selector}`);
  assert.equal(await acts(world, type, 'after'), false);
}

function conditions({ conformance }: Suite): void {
  const condition = (name: string, expression: string) => ({ name, expression });
  for (const type of ['validating', 'mutating'] as const) {
    const rule = { resources: ['configmaps'] };
    conformance(
      `${group} should be able to create and update ${type} webhook configurations with match conditions`,
      async world => {
        const webhook = await start(world);
        const first = [condition('expression-1', "object.metadata.namespace == 'production'")];
        const path = await configure(world, type, [hook(world, webhook, '/x', rule, { matchConditions: first })]);
        const now = await world.api.get(path);
        assert.deepEqual(now.webhooks[0].matchConditions, first);
        const second = [...first, condition('expression-2', "object.metadata.namespace == 'staging'")];
        now.webhooks[0].matchConditions = second;
        await world.api.update(path, now);
        assert.deepEqual((await world.api.get(path)).webhooks[0].matchConditions, second);
      },
    );
    conformance(`${group} should reject ${type} webhook configurations with invalid match conditions`, async world => {
      const webhook = await start(world);
      const matchConditions = [condition('invalid-expression', '... [] bad expression')];
      const body = {
        metadata: { name: world.unique('bad') },
        webhooks: [hook(world, webhook, '/x', rule, { matchConditions })],
      };
      refused(await world.api.send({ method: 'POST', path: collectionOf(type), body }), 'compilation failed');
    });
  }
  conformance(`${group} should mutate everything except 'skip-me' configmaps`, async world => {
    const webhook = await start(world);
    const matchConditions = [condition('skip-me', "object.metadata.name != 'skip-me'")];
    await configure(world, 'mutating', [
      hook(world, webhook, '/mutating-configmaps', { resources: ['configmaps'] }, { matchConditions }),
    ]);
    const skipped = await createMap(world, 'skip-me', { 'mutation-start': 'yes' });
    assert.deepEqual(skipped.body.data, { 'mutation-start': 'yes' });
    assert.equal(await acts(world, 'mutating', 'mutated'), true);
  });
  conformance(`${group} should deny crd creation`, async world => {
    const webhook = await start(world);
    const rule = { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'] };
    const objectSelector = { matchLabels: bad };
    await configure(world, 'validating', [
      hook(world, webhook, '/crd', rule, { objectSelector, namespaceSelector: {} }),
    ]);
    const plural = `widgets${world.namespace.replace(/\W/g, '')}`;
    const body = {
      metadata: { name: `${plural}.webhook.example.com`, labels: bad },
      spec: {
        ...{ group: 'webhook.example.com', scope: 'Namespaced' },
        names: { plural, singular: plural.slice(0, -1), kind: `Widget${world.namespace.replace(/\W/g, '')}` },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    refused(
      await world.api.send({ method: 'POST', path, body }),
      'the custom resource definition contains unwanted label',
    );
  });
}

const dataOf = (...names: string[]): Json => ({
  type: 'object',
  properties: {
    data: { type: 'object', properties: Object.fromEntries(names.map(name => [name, { type: 'string' }])) },
  },
});

function customResources({ conformance }: Suite): void {
  const rule = (definition: Definition, operations: string[]) => ({
    ...{ apiGroups: [definition.group], resources: [definition.plural], operations },
  });

  conformance(`${group} should be able to deny custom resource creation, update and deletion`, async world => {
    const webhook = await start(world);
    const definition = await define(world, 'denied');
    const operations = ['CREATE', 'UPDATE', 'DELETE'];
    await configure(world, 'validating', [hook(world, webhook, '/custom-resource', rule(definition, operations))]);
    const path = definition.collection();
    const send = (method: string, own: string, body?: Json) => world.api.send({ method, path: `${path}${own}`, body });
    refused(
      await send('POST', '', definition.object('bad', { data: bad })),
      'the custom resource contains unwanted data',
    );
    const data = { 'webhook-e2e-test': 'webhook-nondeletable' };
    const { status, body } = await send('POST', '', definition.object('kept', { data }));
    assert.equal(status, 201);
    refused(await send('PUT', '/kept', { ...body, data: bad }), 'the custom resource contains unwanted data');
    refused(
      await send('DELETE', '/kept'),
      'the custom resource cannot be deleted because it contains unwanted key and value',
    );
    await world.api.patch(`${path}/kept`, { data: { 'webhook-e2e-test': 'webhook-allow' } });
    assert.equal((await send('DELETE', '/kept')).status, 200);
  });

  const mutated = async (world: World, definition: Definition) => {
    const webhook = await start(world);
    const first = hook(world, webhook, '/mutating-custom-resource', rule(definition, ['CREATE', 'UPDATE']));
    await configure(world, 'mutating', [
      { ...first, name: 'mutate-custom-resource-data-stage-1.example.com' },
      { ...first, name: 'mutate-custom-resource-data-stage-2.example.com' },
    ]);
  };

  conformance(`${group} should mutate custom resource`, async world => {
    const definition = await define(world, 'mutated');
    await mutated(world, definition);
    const made = await world.api.create(
      definition.collection(),
      definition.object('one', { data: { 'mutation-start': 'yes' } }),
    );
    assert.deepEqual(made.data, { 'mutation-start': 'yes', 'mutation-stage-1': 'yes', 'mutation-stage-2': 'yes' });
  });

  conformance(`${group} should mutate custom resource with pruning`, async world => {
    const versions = { v1: dataOf('mutation-start', 'mutation-stage-1') };
    const definition = await define(world, 'pruned', { versions });
    await mutated(world, definition);
    const made = await world.api.create(
      definition.collection(),
      definition.object('one', { data: { 'mutation-start': 'yes' } }),
    );
    assert.deepEqual(made.data, { 'mutation-start': 'yes', 'mutation-stage-1': 'yes' });
  });

  conformance(`${group} should mutate custom resource with different stored version`, async world => {
    const definition = await define(world, 'restored', { versions: { v1: anything, v2: anything } });
    await mutated(world, definition);
    await world.api.create(
      definition.collection('v1'),
      definition.object('one', { data: { 'mutation-start': 'yes' } }),
    );
    const store = (index: number, storage: boolean) => ({
      op: 'replace',
      path: `/spec/versions/${index}/storage`,
      value: storage,
    });
    await world.api.patch(definition.path, [store(0, false), store(1, true)], 'json');
    const path = `${definition.collection('v1')}/one`;
    const patched = await world.api.patch(path, { data: { 'mutation-start': 'yes', dummy: 'test' } });
    assert.deepEqual([patched.data.dummy, patched.data['mutation-stage-2']], ['test', 'yes']);
    assert.equal((await world.api.get(`${definition.collection('v2')}/one`)).data.dummy, 'test');
  });
}
