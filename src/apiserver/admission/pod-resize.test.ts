import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Pod, resources } from '#api';
import { createFakeReader } from '../access/testing.ts';
import { createPodResizeValidator } from './pod-resize.ts';
import { createTestRequest, refusalOf, runPlugin } from './testing.ts';

function pod(generation: number, requests: Record<string, string>, nodeName = 'n1'): Pod {
  return {
    metadata: { name: 'web', namespace: 'team', generation },
    spec: { nodeName, containers: [{ name: 'main', image: 'x', resources: { requests } }] },
  };
}

test('a resize that the node could never do is refused', async () => {
  const reader = createFakeReader();
  const node = (name: string, os: string) => ({
    metadata: { name, labels: { 'kubernetes.io/os': os } },
    spec: {},
    status: { allocatable: { cpu: '2', memory: '1Gi' } },
  });
  reader.put(resources.nodes, node('n1', 'linux'), node('w1', 'windows'));
  const plugin = createPodResizeValidator(reader);
  const requestOf = (object: Pod) => {
    const old = pod(1, { cpu: '1' });
    return createTestRequest(resources.pods, { operation: 'UPDATE', subresource: 'resize', old, object });
  };
  const ask = (object: Pod) => runPlugin(plugin, requestOf(object));
  const head = 'pods "web" is forbidden: ';
  const table: readonly [Pod, string | undefined][] = [
    [pod(2, { cpu: '2', memory: '1Gi' }), undefined],
    [
      pod(2, { cpu: '2500m', memory: '2Gi' }),
      "Node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000; memory, requested: 2147483648, allocatable: 1073741824",
    ],
    // Nothing was asked for: what is there may stay.
    [pod(1, { cpu: '9' }), undefined],
    [pod(2, { cpu: '1' }, 'gone'), 'node "gone" not found'],
    [pod(2, { cpu: '1' }, 'w1'), 'pod resize is only supported on linux nodes, node "w1" is "windows"'],
    [pod(2, { cpu: '9' }, ''), undefined],
  ];
  for (const [object, message] of table) assert.equal(await ask(object), message && head + message);
  const causes = async (object: Pod) => {
    const error = await refusalOf(plugin, requestOf(object));
    return error?.status['details'] as { causes: unknown } | undefined;
  };
  assert.deepEqual((await causes(pod(2, { cpu: '9' })))?.causes, [{ reason: 'NodeCapacity' }]);
  assert.deepEqual((await causes(pod(2, { cpu: '1' }, 'w1')))?.causes, [{ reason: 'UnsupportedPlatform' }]);
});
