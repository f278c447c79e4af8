import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '#api';
import { createMeter } from '#base';
import { createFakeDeps, settle } from '#client/testing';
import type { ControllerSpec } from './index.ts';
import { controllers, formatControllerGraph, rbacRuleOf, startController, startControllers, userOf } from './index.ts';

const config = { rootCa: 'CA', clusterCidrs: [], discover: async () => ({ resources: [], stale: [] }) };

test('controllers have names of their own, and act as service accounts of kube-system', () => {
  const names = controllers.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const spec of controllers) {
    assert.match(userOf(spec), /^system:serviceaccount:kube-system:[a-z-]+$|^system:kube-controller-manager$/);
  }
});

test('all controllers start over an empty cluster, become ready, and leave nothing when they stop', async () => {
  await using deps = createFakeDeps();
  const users = new Set<string>();
  const clientOf = (user: string) => {
    users.add(user);
    return deps.client;
  };
  const { informers, clock, random, log } = deps;
  const running = await startControllers({
    ...{ specs: controllers, clientOf, informers, config, clock, random, log, meter: createMeter() },
  });
  await settle(60);
  assert.equal(running.ready(), undefined);
  assert.ok(users.has('system:serviceaccount:kube-system:deployment-controller'));
  await running[Symbol.asyncDispose]();
  assert.equal(clock.pending, 0);
  assert.deepEqual(
    log.records.filter(({ level }) => level !== 'debug'),
    [],
  );
});

test('when one does not start, those before it are stopped', async () => {
  await using deps = createFakeDeps();
  let stopped = false;
  const base = { reads: [], writes: [] };
  const first: ControllerSpec = {
    ...{ name: 'first', ...base },
    start: async () => ({
      ready: () => undefined,
      async [Symbol.asyncDispose]() {
        stopped = true;
      },
    }),
  };
  const second: ControllerSpec = { name: 'second', ...base, start: () => Promise.reject(new Error('cannot')) };
  const { informers, clock, random, log, meter } = deps;
  const options = { specs: [first, second], clientOf: () => deps.client, informers, config, clock, random, log, meter };
  await assert.rejects(startControllers(options), { message: 'cannot' });
  assert.equal(stopped, true);
});

test('a controller cannot call what it did not declare', async () => {
  await using deps = createFakeDeps();
  const { pods, nodes, secrets } = resources;
  const tries: (() => Promise<unknown>)[] = [];
  const spec: ControllerSpec = {
    name: 'narrow',
    reads: [pods],
    writes: [{ resource: pods, verbs: ['patch'], subresources: ['status'] }],
    async start({ client, informers }) {
      const ref = { namespace: 'a', name: 'b' };
      tries.push(
        () => client.get(secrets, ref),
        () => client.patch(pods, ref, { type: 'merge', body: {} }),
        () => client.delete(pods, ref),
        () => client.raw({ method: 'GET', path: '/' }),
        async () => informers.of(nodes),
      );
      assert.ok(informers.of(pods));
      return { ready: () => undefined, [Symbol.asyncDispose]: async () => {} };
    },
  };
  await startController(spec, { ...deps, config });
  for (const call of tries) await assert.rejects(call, /controller narrow did not declare/);
});

test('rights and the graph come from the declaration', () => {
  const spec = controllers.find(({ name }) => name === 'pod-garbage-collector')!;
  assert.deepEqual(rbacRuleOf(spec), [
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['delete'] },
    { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
    { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
  ]);
  const graph = formatControllerGraph([spec]);
  assert.match(graph, /"nodes" -> "pod-garbage-collector";/);
  assert.match(graph, /"pod-garbage-collector" -> "pods";/);
});
