import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pod, resources } from '#api';
import { createFakeReader } from '../access/testing.ts';
import { createNodeRestriction } from './node-restriction.ts';
import { createTestRequest, runPlugin } from './testing.ts';

function pod(fields: Partial<Pod['spec']> = {}, metadata: object = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'team', ...metadata },
    spec: { containers: [{ name: 'main', image: 'x' }], ...fields },
  };
}

test('a kubelet writes only itself, its mirror pods and its lease', async () => {
  const reader = createFakeReader();
  reader.put(resources.nodes, { metadata: { name: 'n1', uid: 'u1' }, spec: {} });
  reader.put(resources.pods, pod({ nodeName: 'n2' }, { uid: 'p' }));
  const plugin = createNodeRestriction(reader, () => ({ verdict: 'no-opinion', reason: '' }));
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
    [
      pods!,
      { object: pod({ nodeName: 'n1' }) },
      'pods "web" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
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
      nodes!,
      { object: { ...node('n1'), spec: { configSource: {} } } },
      'nodes "n1" is forbidden: node "n1" is not allowed to create pods with a non-nil configSource',
    ],
    [
      nodes!,
      { operation: 'UPDATE', old: node('n1'), object: { ...node('n1'), spec: { configSource: {} } } },
      'nodes "n1" is forbidden: node "n1" is not allowed to update configSource to a new non-nil configSource',
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
