import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterRole } from '#api';
import { resources } from '#api';
import { startTestControllers } from '../testing.ts';
import { clusterRoleAggregation } from './controller.ts';

const { clusterroles } = resources;
const role = (name: string, resource: string, labels: Record<string, string>): ClusterRole => ({
  ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name, labels } },
  rules: [{ verbs: ['get'], apiGroups: [''], resources: [resource] }],
});
const toView = { 'aggregate-to-view': 'true' };

test('an aggregated role has the rules of all that it selects, and follows them', async () => {
  const view: ClusterRole = {
    ...{ apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'view' } },
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: toView }] },
  };
  const objects = [view, role('a', 'pods', toView), role('b', 'secrets', {}), role('c', 'pods', toView)];
  await using deps = await startTestControllers([clusterRoleAggregation], objects);
  const seen = () => deps.client.peek(clusterroles, { name: 'view' })?.rules?.map(rule => rule.resources?.[0]);
  assert.deepEqual(seen(), ['pods']);
  await deps.client.create(clusterroles, role('d', 'widgets', toView));
  await deps.settle();
  assert.deepEqual(seen(), ['pods', 'widgets']);
  await deps.client.patch(clusterroles, { name: 'd' }, { type: 'merge', body: { metadata: { labels: null } } });
  await deps.settle();
  assert.deepEqual(seen(), ['pods']);
});
