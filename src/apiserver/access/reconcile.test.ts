import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClusterRole, type KubeObject, type Resource, resources } from '#api';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { createAuthorization } from './authorize.ts';
import type { BootstrapWriter } from './bootstrap-writer.ts';
import { reconcileBootstrapRbac } from './reconcile.ts';
import { StatusError } from './refuse.ts';
import { createReviews } from './reviews.ts';
import { type RoleWriter, startRoleAggregation } from './role-aggregation-writer.ts';
import { createFakeReader } from './testing.ts';

function open() {
  const reader = createFakeReader();
  const writes: string[] = [];
  const write = (verb: string, resource: Resource<KubeObject>, object: KubeObject) => {
    writes.push(`${verb} ${resource.resource} ${object.metadata.name}`);
    reader.put(resource, object);
  };
  const writer: BootstrapWriter = {
    get: async (resource, { namespace, name }) => reader.get(resource, namespace, name),
    create: async (resource, object) => {
      write('create', resource, object);
      return object;
    },
    update: async (resource, object) => {
      write('update', resource, object);
      return object;
    },
  };
  return { reader, writer, writes };
}

test('a first start makes everything, a second changes nothing', async () => {
  const { reader, writer, writes } = open();
  const first = await reconcileBootstrapRbac(writer);
  assert.equal(first.updated, 0);
  assert.equal(first.created, writes.length);
  assert.deepEqual(
    reader.list(resources.namespaces).map(found => found.metadata.name),
    ['kube-system', 'kube-public', 'kube-node-lease', 'default'],
  );
  assert.equal(reader.get(resources.priorityclasses, undefined, 'system-node-critical')?.value, 2_000_001_000);
  const view = reader.get(resources.clusterroles, undefined, 'view');
  assert.ok((view?.rules?.length ?? 0) > 5, 'aggregated roles show their rules');
  assert.deepEqual(await reconcileBootstrapRbac(writer), { created: 0, updated: 0 });
});

test('missing rules come back, additions stay, and autoupdate "false" is left alone', async () => {
  const { reader, writer, writes } = open();
  await reconcileBootstrapRbac(writer);
  writes.length = 0;
  const role = (name: string) => reader.get(resources.clusterroles, undefined, name) as ClusterRole;
  const own = { verbs: ['get'], apiGroups: ['example.com'], resources: ['widgets'] };
  reader.put(resources.clusterroles, { ...role('system:node'), rules: [own] });
  const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
  reader.put(resources.clusterroles, {
    ...role('system:kube-dns'),
    metadata: { name: 'system:kube-dns', annotations },
    rules: [],
  });
  const binding = reader.get(resources.clusterrolebindings, undefined, 'system:discovery');
  reader.put(resources.clusterrolebindings, { ...binding!, subjects: [{ kind: 'User', name: 'jane' }] });
  assert.deepEqual(await reconcileBootstrapRbac(writer), { created: 0, updated: 2 });
  assert.deepEqual(writes.sort(), ['update clusterrolebindings system:discovery', 'update clusterroles system:node']);
  assert.deepEqual(role('system:node').rules?.[0], own);
  assert.ok((role('system:node').rules?.length ?? 0) > 20);
  assert.deepEqual(
    reader.get(resources.clusterrolebindings, undefined, 'system:discovery')?.subjects?.map(({ name }) => name),
    ['jane', 'system:authenticated'],
  );
});

test('two servers that start together do not trip over each other', async () => {
  const { reader, writer } = open();
  let raced = 0;
  const racing: BootstrapWriter = {
    ...writer,
    async create(resource, object) {
      if (resource.resource !== 'namespaces' || raced++ > 0) return writer.create(resource, object);
      reader.put(resource, object);
      throw new StatusError({ code: 409, reason: 'AlreadyExists', message: 'already exists' });
    },
  };
  await reconcileBootstrapRbac(racing);
  assert.equal(reader.list(resources.namespaces).length, 4);
});

test('reviews answer who one is and what one may do', async () => {
  const { reader, writer } = open();
  await reconcileBootstrapRbac(writer);
  const authorization = createAuthorization(reader);
  const good = { user: { name: 'robot', groups: ['bots'], uid: '7' }, audiences: ['here'] };
  const reviews = createReviews({
    authorization,
    clock: createFakeClock(),
    audiences: ['here'],
    tokens: async token => {
      if (token === 'bad') throw new Error('service account token has expired');
      return token === 'good' ? good : undefined;
    },
  });
  const jane = { name: 'jane', groups: ['system:authenticated'], extra: { scopes: ['a'] } };
  const ask = async (name: string, spec: object, namespace?: string) => {
    const answer = await reviews[name]!({ metadata: { name: '' }, spec } as never, jane, namespace);
    return (answer as unknown as { status: Record<string, unknown> }).status;
  };
  const access = 'subjectaccessreviews.authorization.k8s.io';
  const pods = { verb: 'list', resource: 'pods', namespace: 'x' };
  assert.deepEqual(await ask(access, { user: 'u', groups: ['system:masters'], resourceAttributes: pods }), {
    allowed: true,
  });
  assert.deepEqual(await ask(access, { user: 'u', resourceAttributes: pods }), { allowed: false });
  assert.deepEqual(await ask(access, { user: 'u', nonResourceAttributes: { verb: 'get', path: '/metrics' } }), {
    allowed: false,
  });
  assert.deepEqual(await ask(`self${access}`, { nonResourceAttributes: { verb: 'get', path: '/apis' } }), {
    allowed: true,
    reason:
      'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
  });
  const rules = (await ask('selfsubjectrulesreviews.authorization.k8s.io', { namespace: 'x' })) as {
    incomplete: boolean;
    resourceRules: { resources: string[] }[];
  };
  assert.equal(rules.incomplete, false);
  assert.ok(rules.resourceRules.some(({ resources: names }) => names.includes('selfsubjectreviews')));
  assert.deepEqual((await ask('selfsubjectreviews.authentication.k8s.io', {}))['userInfo'], {
    username: 'jane',
    groups: ['system:authenticated'],
    extra: { scopes: ['a'] },
  });
  const token = 'tokenreviews.authentication.k8s.io';
  assert.deepEqual(await ask(token, { token: 'good' }), {
    authenticated: true,
    user: { username: 'robot', uid: '7', groups: ['bots'] },
    audiences: ['here'],
  });
  assert.deepEqual(await ask(token, { token: 'bad' }), { user: {}, error: 'service account token has expired' });
  assert.deepEqual(await ask(token, { token: 'unknown' }), { user: {} });
  await assert.rejects(
    ask(access, { resourceAttributes: pods }),
    /spec.user: Invalid value: "": at least one of user or group must be specified/,
  );
  await assert.rejects(
    ask(access, { user: 'u' }),
    /exactly one of nonResourceAttributes or resourceAttributes must be specified/,
  );
  await assert.rejects(
    ask(`local${access}`, { user: 'u', resourceAttributes: pods }, 'y'),
    /must match metadata.namespace: "y"/,
  );
});

test('a role that joins an aggregate shows up in its rules, and writing ends there', async () => {
  const { reader, writer, writes } = open();
  await reconcileBootstrapRbac(writer);
  const clock = createFakeClock();
  const applier: RoleWriter = {
    async patch(resource, { name }, { body }) {
      const present = reader.get(resource, undefined, name)!;
      await writer.update(resource, { ...present, ...(body as object), metadata: present.metadata });
    },
  };
  using _running = startRoleAggregation({ reader, writer: applier, clock, log: createRecordingLog() });
  await clock.advance(100);
  writes.length = 0;
  const rule = { verbs: ['get'], apiGroups: ['example.com'], resources: ['widgets'] };
  const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  reader.put(resources.clusterroles, { metadata: { name: 'widgets-view', labels }, rules: [rule] });
  await clock.advance(100);
  for (const name of ['admin', 'edit', 'view']) {
    const rules = reader.get(resources.clusterroles, undefined, name)?.rules ?? [];
    assert.ok(
      rules.some(found => found.apiGroups?.includes('example.com')),
      name,
    );
  }
  assert.equal(writes.length, 3);
  await clock.advance(1000);
  assert.equal(writes.length, 3);
});
