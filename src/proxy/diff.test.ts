import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAffinity, parseAffinity } from './affinity.ts';
import { emptyRuleset, formatAll, formatDeletions, planChange } from './diff.ts';
import { orderHostPorts, planHostPorts } from './plan-host-ports.ts';
import type { Fragment } from './rules.ts';
import { emptyFragment, mergeRules } from './rules.ts';
import { testPod } from './testing/objects.ts';

const rules = (part: Partial<Fragment>) => mergeRules([{ ...emptyFragment(), ...part }]);
const before = rules({
  chains: [
    ['stays', ['a', 'b']],
    ['changes', ['a']],
    ['goes', ['a']],
  ],
  affinitySets: ['old'],
  elements: [
    { set: 'service-ips', key: '1 . tcp . 1', tail: ' : goto stays' },
    { set: 'service-ips', key: '2 . tcp . 2', tail: ' : goto goes' },
    { set: 'cluster-ips', key: '1', tail: '' },
  ],
});
const after = rules({
  chains: [
    ['stays', ['a', 'b']],
    ['changes', ['a', 'c']],
    ['comes', ['d']],
  ],
  affinitySets: ['new'],
  elements: [
    { set: 'service-ips', key: '1 . tcp . 1', tail: ' : goto comes' },
    { set: 'cluster-ips', key: '1', tail: '' },
  ],
});

test('a change names only what differs, in an order that the kernel takes', () => {
  const { lines, stale } = planChange(before, after);
  assert.deepEqual(
    lines.map(line => line.replace('ip wherry-proxy ', '')),
    [
      'add set new { type ipv4_addr; flags dynamic,timeout; }',
      'flush chain changes',
      'add chain comes',
      'add rule changes a',
      'add rule changes c',
      'add rule comes d',
      'delete element service-ips { 1 . tcp . 1 }',
      'delete element service-ips { 2 . tcp . 2 }',
      'add element service-ips { 1 . tcp . 1 : goto comes }',
      'flush chain goes',
      'delete set old',
    ],
  );
  assert.deepEqual(stale, ['goes']);
  assert.deepEqual(formatDeletions(stale), ['delete chain ip wherry-proxy goes']);
});

test('nothing is done when nothing differs', () => {
  assert.deepEqual(planChange(after, after), { lines: [], stale: [] });
});

test('an emptied chain that is wanted again is filled and not made', () => {
  const wanted = rules({ chains: [['goes', ['a']]] });
  const { lines } = planChange(emptyRuleset, wanted, new Set(['goes']));
  assert.deepEqual(lines, ['flush chain ip wherry-proxy goes', 'add rule ip wherry-proxy goes a']);
});

test('the whole table names no other table', () => {
  for (const line of formatAll(after, { localhostPorts: true })) {
    assert.match(line, /^(add|delete|flush) (table|chain|rule|set|map|element) ip wherry-proxy( |$)/);
  }
});

test('a host port leads to the pod, also from itself and from loopback', () => {
  assert.deepEqual(planHostPorts(testPod()).chains, [
    [
      'hostport-tcp/0.0.0.0/8088',
      ['ip saddr { 10.42.0.9, 127.0.0.0/8 } jump mark-for-masquerade', 'meta l4proto tcp dnat to 10.42.0.9:8080'],
    ],
  ]);
});

test('a host port on one address is only there', () => {
  const { elements } = planHostPorts(testPod({ port: { hostIP: '127.0.0.1', protocol: 'UDP' } }));
  const tail = ' comment "default/door" : goto hostport-udp/127.0.0.1/8088';
  assert.deepEqual(elements, [{ set: 'hostport-ips', key: '127.0.0.1 . udp . 8088', tail }]);
});

for (const [name, pod] of Object.entries({
  'a pod without an address': testPod({ part: { status: { phase: 'Pending', podIP: '', podIPs: [] } } }),
  'a pod that has finished': testPod({ part: { status: { phase: 'Succeeded' } } }),
  'a pod on the network of the host': testPod({ part: { spec: { hostNetwork: true } } }),
  'a host port on an IPv6 address': testPod({ port: { hostIP: '::1' } }),
})) {
  test(`${name} gets no host port`, () => assert.deepEqual(planHostPorts(pod), emptyFragment()));
}

test('a sidecar has host ports, another init container has none', () => {
  const [main] = testPod().spec.containers;
  const pod = (restartPolicy?: string) =>
    testPod({
      part: { spec: { containers: [], initContainers: [{ ...main!, ...(restartPolicy && { restartPolicy }) }] } },
    });
  assert.equal(planHostPorts(pod('Always')).elements.length, 1);
  assert.equal(planHostPorts(pod()).elements.length, 0);
});

test('a new pod takes the host port of one that is going', () => {
  const going = testPod({
    name: 'going',
    part: {
      metadata: { name: 'going', deletionTimestamp: '2026-01-02T00:00:00Z', creationTimestamp: '2026-01-03T00:00:00Z' },
    },
  });
  const fresh = testPod({ name: 'fresh', ip: '10.42.0.10' });
  const merged = mergeRules([going, fresh].sort(orderHostPorts).map(planHostPorts));
  assert.match(merged.chains.get('hostport-tcp/0.0.0.0/8088')!.join(), /10\.42\.0\.10:8080/);
});

test('clients that stay with an endpoint are put back into its set, with the time that they have left', () => {
  const elem = [{ elem: { val: '10.0.0.1', timeout: 3600, expires: 1799 } }, '10.0.0.2'];
  const clients = parseAffinity([
    { set: { name: 'new', elem } },
    { set: { name: 'gone', elem } },
    { set: { name: 'empty' } },
  ]);
  assert.deepEqual(formatAffinity(clients, after.affinitySets), [
    'add element ip wherry-proxy new { 10.0.0.1 timeout 3600s expires 1799s }',
  ]);
});
