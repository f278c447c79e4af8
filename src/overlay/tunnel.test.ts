import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '#host';
import type { OverlayPlan } from './plan.ts';
import type { TunnelState } from './tunnel.ts';
import { planTunnel } from './tunnel.ts';

const underlay = { link: 'eth0', nodeIp: '192.168.1.10', mtu: 1450 };
const peer = (n: number) => ({
  nodeIp: `192.168.1.${10 + n}`,
  podCidr: `10.42.${n}.0/24`,
  address: `10.42.${n}.0`,
  hardware: `02:77:0a:2a:0${n}:00`,
});
const plan = (...peers: number[]): OverlayPlan => ({ ...peer(0), peers: peers.map(peer) });
const device: Link = {
  ...{ index: 3, name: 'wherry.vxlan', mtu: 1450, address: '02:77:0a:2a:00:00', up: true, kind: 'vxlan' },
  kindOptions: { id: 1, port: 8472, learning: false, link: 'eth0', local: '192.168.1.10' },
};
const nothing: TunnelState = { links: [], addresses: [], routes: [], neighbours: [], forwarding: [] };
const unchanged = { device: [], forwarding: [], paths: [] };

/** What the kernel holds when the plan with these peers was carried out. */
function standing(...peers: number[]): TunnelState {
  return {
    links: [device],
    addresses: [{ device: device.name, family: 4, address: '10.42.0.0', prefix: 32, scope: 'global' }],
    routes: peers.map(peer).map(({ podCidr, address }) => ({
      ...{ to: podCidr, device: device.name, via: address, source: undefined, onlink: true },
    })),
    neighbours: peers.map(peer).map(({ address, hardware }) => ({
      ...{ address, hardware, device: device.name, permanent: true },
    })),
    forwarding: peers.map(peer).map(({ hardware, nodeIp }) => ({ hardware, to: nodeIp })),
  };
}

test('a node alone has no tunnel device', () => {
  assert.deepEqual(planTunnel(plan(), underlay, nothing), unchanged);
});

test('the first peer makes the device, its address and the way to the peer', () => {
  assert.deepEqual(planTunnel(plan(1), underlay, nothing), {
    device: [
      'link add wherry.vxlan address 02:77:0a:2a:00:00 mtu 1450 type vxlan id 1 local 192.168.1.10 dev eth0 dstport 8472 nolearning',
      'address add 10.42.0.0/32 dev wherry.vxlan',
      'link set wherry.vxlan up',
    ],
    forwarding: ['fdb replace 02:77:0a:2a:01:00 dev wherry.vxlan dst 192.168.1.11'],
    paths: [
      'neigh replace 10.42.1.0 lladdr 02:77:0a:2a:01:00 dev wherry.vxlan nud permanent',
      'route replace 10.42.1.0/24 via 10.42.1.0 dev wherry.vxlan onlink',
    ],
  });
});

test('what stands as planned is left alone, also what the kernel adds by itself', () => {
  const found = standing(1, 2);
  const learnt = { address: 'fe80::1', hardware: '', device: device.name, permanent: false };
  assert.deepEqual(
    planTunnel(plan(1, 2), underlay, { ...found, neighbours: [...found.neighbours, learnt] }),
    unchanged,
  );
});

test('a peer that left loses its way, one that came gets it, the others are not touched', () => {
  assert.deepEqual(planTunnel(plan(1, 3), underlay, standing(1, 2)), {
    device: [],
    forwarding: [
      'fdb delete 02:77:0a:2a:02:00 dev wherry.vxlan dst 192.168.1.12',
      'fdb replace 02:77:0a:2a:03:00 dev wherry.vxlan dst 192.168.1.13',
    ],
    paths: [
      'neigh delete 10.42.2.0 dev wherry.vxlan',
      'neigh replace 10.42.3.0 lladdr 02:77:0a:2a:03:00 dev wherry.vxlan nud permanent',
      'route delete 10.42.2.0/24 dev wherry.vxlan',
      'route replace 10.42.3.0/24 via 10.42.3.0 dev wherry.vxlan onlink',
    ],
  });
});

test('a peer with a new address changes only where its frames go', () => {
  const moved = { ...plan(1), peers: [{ ...peer(1), nodeIp: '192.168.1.99' }] };
  assert.deepEqual(planTunnel(moved, underlay, standing(1)), {
    ...unchanged,
    forwarding: ['fdb replace 02:77:0a:2a:01:00 dev wherry.vxlan dst 192.168.1.99'],
  });
});

test('the device goes with the last peer', () => {
  assert.deepEqual(planTunnel(plan(), underlay, standing(1)), { ...unchanged, device: ['link delete wherry.vxlan'] });
});

test('what can be set on the standing device is set', () => {
  const wrong = { ...device, mtu: 1500, address: '02:00:00:00:00:00', up: false };
  const addresses = [{ device: device.name, family: 4 as const, address: '10.42.7.0', prefix: 32, scope: 'global' }];
  assert.deepEqual(planTunnel(plan(1), underlay, { ...standing(1), links: [wrong], addresses }).device, [
    'link set wherry.vxlan address 02:77:0a:2a:00:00',
    'link set wherry.vxlan mtu 1450',
    'address delete 10.42.7.0/32 dev wherry.vxlan',
    'address add 10.42.0.0/32 dev wherry.vxlan',
    'link set wherry.vxlan up',
  ]);
});

test('a device that was set up otherwise is made again, with everything that hung on it', () => {
  const wrong = { ...device, kindOptions: { ...device.kindOptions, local: '192.168.1.77' } };
  const change = planTunnel(plan(1), underlay, { ...standing(1), links: [wrong] });
  assert.deepEqual(change, {
    ...planTunnel(plan(1), underlay, nothing),
    device: ['link delete wherry.vxlan', ...planTunnel(plan(1), underlay, nothing).device],
  });
});

test("another network's tunnel in the way is named with its remedy, and only when a tunnel is needed", () => {
  const links = [{ ...device, name: 'flannel.1' }];
  assert.throws(() => planTunnel(plan(1), underlay, { ...nothing, links }), {
    name: 'TunnelConflict',
    message: 'device flannel.1 already is VXLAN 1 on port 8472: remove it (ip link delete flannel.1)',
  });
  assert.deepEqual(planTunnel(plan(), underlay, { ...nothing, links }), unchanged);
});
