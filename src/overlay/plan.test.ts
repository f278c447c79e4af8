import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '#api';
import { planInput, planOverlay } from './plan.ts';

const own = { nodeName: 'a', nodeIp: '192.168.1.10' };

function node(name: string, podCIDRs: string[], addresses: string[] = []): Node {
  return {
    metadata: { name },
    spec: { podCIDRs, podCIDR: podCIDRs[0] },
    status: { addresses: addresses.map(address => ({ type: 'InternalIP', address })) },
  };
}

test('a node that is not registered, has no range or none of IPv4 gets no network, and it says why', () => {
  assert.deepEqual(planOverlay([], own), { missing: 'node a is not registered yet' });
  assert.deepEqual(planOverlay([node('a', [])], own), { missing: 'node a has no pod range yet' });
  assert.deepEqual(planOverlay([node('a', ['fd00::/64'])], own), {
    missing: 'node a has no IPv4 pod range: pod networks of IPv6 alone are not supported',
  });
});

test('a node alone has a range and no peers', () => {
  assert.deepEqual(planOverlay([node('a', ['fd00::/64', '10.42.0.0/24'])], own), {
    podCidr: '10.42.0.0/24',
    address: '10.42.0.0',
    hardware: '02:77:0a:2a:00:00',
    peers: [],
  });
});

test('every other node with a range and an address of the own family is a peer', () => {
  const nodes = [
    node('c', ['10.42.2.0/24'], ['fd01::3', '192.168.1.12']),
    node('a', ['10.42.0.0/24'], ['192.168.1.10']),
    node('b', ['10.42.255.0/24'], ['192.168.1.11']),
    node('no-range', [], ['192.168.1.13']),
    node('no-address', ['10.42.4.0/24']),
    node('other-family', ['10.42.5.0/24'], ['fd01::6']),
  ];
  const plan = planOverlay(nodes, own);
  assert.deepEqual('peers' in plan && plan.peers, [
    { nodeIp: '192.168.1.11', podCidr: '10.42.255.0/24', address: '10.42.255.0', hardware: '02:77:0a:2a:ff:00' },
    { nodeIp: '192.168.1.12', podCidr: '10.42.2.0/24', address: '10.42.2.0', hardware: '02:77:0a:2a:02:00' },
  ]);
});

test('a second node with the same range is left out, so that the plan does not change between two looks', () => {
  const nodes = [
    node('a', ['10.42.0.0/24']),
    node('thief', ['10.42.0.0/24'], ['192.168.1.66']),
    node('x', ['10.42.1.0/24'], ['192.168.1.12']),
    node('w', ['10.42.1.0/24'], ['192.168.1.11']),
  ];
  const plan = planOverlay(nodes, own);
  assert.deepEqual('peers' in plan && plan.peers.map(({ nodeIp }) => nodeIp), ['192.168.1.11']);
});

test('of a node only ranges and internal addresses count as change', () => {
  const before = node('b', ['10.42.1.0/24'], ['192.168.1.11']);
  const heartbeat: Node = { ...before, status: { ...before.status, conditions: [], images: [] } };
  assert.equal(planInput(before), planInput(heartbeat));
  assert.notEqual(planInput(before), planInput(node('b', ['10.42.1.0/24'], ['192.168.1.12'])));
  assert.notEqual(planInput(before), planInput(node('b', [], ['192.168.1.11'])));
});
