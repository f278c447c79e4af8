import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScheme } from './create-scheme.ts';
import { behaviours } from './kinds/index.ts';
import type { UnknownObject } from './resource.ts';

test('every new object has the status that Go would write, whatever the kind takes away', () => {
  const statusOf = (group: string, version: string, resource: string) => {
    const draft: UnknownObject = { metadata: { name: 'a' }, spec: { template: { spec: {} } }, status: { replicas: 7 } };
    const kind = createScheme(behaviours).byResource(group, version, resource);
    kind?.behaviour.prepareCreate?.(draft, { nowMs: 0 });
    return draft['status'];
  };
  assert.deepEqual(statusOf('apps', 'v1', 'deployments'), {});
  assert.deepEqual(statusOf('apps', 'v1', 'replicasets'), { replicas: 0 });
  assert.deepEqual(statusOf('apps', 'v1', 'daemonsets'), {
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
  });
  assert.deepEqual(statusOf('', 'v1', 'replicationcontrollers'), { replicas: 0 });
  assert.deepEqual(statusOf('networking.k8s.io', 'v1', 'ingresses'), { loadBalancer: {} });
  assert.deepEqual(statusOf('', 'v1', 'namespaces'), { phase: 'Active' });
});
