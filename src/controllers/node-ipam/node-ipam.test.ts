import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '#api';
import { resources } from '#api';
import { parseCidr } from '#base';
import { startTestControllers } from '../testing.ts';
import { nodeIpam } from './controller.ts';
import { planNodeRanges } from './plan.ts';

const { nodes } = resources;
const node = (name: string, spec: Node['spec'] = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec,
});

test('every node gets a range of its own, and a freed one is given again', async () => {
  const config = { clusterCidrs: ['10.42.0.0/16', 'fd00:42::/56'] };
  const objects = [
    node('a', { podCIDR: '10.42.1.0/24', podCIDRs: ['10.42.1.0/24', 'fd00:42:0:1::/64'] }),
    node('b'),
    node('c'),
  ];
  await using deps = await startTestControllers([nodeIpam], objects, config);
  const ranges = () =>
    deps.client
      .peekAll(nodes)
      .map(({ spec }) => spec.podCIDRs?.join(' '))
      .sort();
  assert.deepEqual(ranges(), [
    '10.42.0.0/24 fd00:42::/64',
    '10.42.1.0/24 fd00:42:0:1::/64',
    '10.42.2.0/24 fd00:42:0:2::/64',
  ]);
  await deps.client.delete(nodes, { name: 'a' });
  await deps.client.create(nodes, node('d'));
  await deps.settle();
  assert.equal(deps.client.peek(nodes, { name: 'd' })?.spec.podCIDR, '10.42.1.0/24');
});

test('when the ranges are used up the node is told, and served when one is free', async () => {
  const objects = [node('a', { podCIDR: '10.0.0.0/24', podCIDRs: ['10.0.0.0/24'] }), node('b')];
  await using deps = await startTestControllers([nodeIpam], objects, { clusterCidrs: ['10.0.0.0/24'] });
  assert.equal(deps.recorded[0]?.reason, 'CIDRNotAvailable');
  await deps.client.delete(nodes, { name: 'a' });
  await deps.clock.advance(1000);
  await deps.settle();
  assert.equal(deps.client.peek(nodes, { name: 'b' })?.spec.podCIDR, '10.0.0.0/24');
});

test('a larger range in the way is stepped over', () => {
  assert.deepEqual(
    planNodeRanges([parseCidr('10.42.0.0/16')!], () => 24, ['10.42.0.0/22', '172.16.0.0/12']),
    ['10.42.4.0/24'],
  );
});
