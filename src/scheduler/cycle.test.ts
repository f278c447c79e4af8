import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod, PodSpec } from '#api';
import { createFakeRandom } from '#base/testing';
import { planCycle } from './cycle.ts';
import { createNodeState } from './node-state.ts';
import type { Cycle } from './plugin.ts';
import { plugins } from './plugins.ts';
import { planPreemption } from './preemption.ts';

let count = 0;

function node(
  name: string,
  about: Partial<Node['spec']> & { labels?: Record<string, string>; cpu?: string; pods?: string } = {},
): Node {
  const { labels = {}, cpu = '2', pods = '110', ...spec } = about;
  const allocatable = { cpu, memory: '4Gi', pods };
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec,
    status: { allocatable },
  } as Node;
}

function pod(
  about: Partial<PodSpec> & { labels?: Record<string, string>; cpu?: string; namespace?: string } = {},
): Pod {
  const { labels = {}, cpu, namespace = 'default', ...spec } = about;
  const name = `pod-${++count}`;
  const container = { name: 'main', image: 'i', ...(cpu && { resources: { requests: { cpu } } }) };
  return { metadata: { name, namespace, uid: name, labels }, spec: { containers: [container], ...spec } } as Pod;
}

function cycle(subject: Pod, nodes: readonly Node[], placed: readonly Pod[] = []): Cycle {
  const states = nodes.map(one =>
    createNodeState(
      one,
      placed.filter(other => other.spec.nodeName === one.metadata.name),
    ),
  );
  return {
    pod: subject,
    nodes: states,
    namespaceLabels: name => ({ 'kubernetes.io/metadata.name': name }),
    claim: () => undefined,
    volume: () => undefined,
  };
}

function place(subject: Pod, nodes: readonly Node[], placed: readonly Pod[] = []): string {
  const outcome = planCycle({ cycle: cycle(subject, nodes, placed), plugins, random: createFakeRandom() });
  return 'node' in outcome ? outcome.node : outcome.refused;
}

const zone = (name: string) => ({ labels: { zone: name } });
const spread = (maxSkew: number, whenUnsatisfiable = 'DoNotSchedule') => [
  { maxSkew, topologyKey: 'zone', whenUnsatisfiable, labelSelector: { matchLabels: { app: 'a' } } },
];
const antiAffinity = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'a' } } },
    ],
  },
};
const affinity = { podAffinity: antiAffinity.podAntiAffinity };
const inA = { labels: { app: 'a' } };

for (const [name, got, expected] of [
  ['no nodes', () => place(pod(), []), 'no nodes available to schedule pods'],
  ['too little cpu', () => place(pod({ cpu: '3' }), [node('a')]), '0/1 nodes are available: 1 Insufficient cpu.'],
  [
    'requests add up',
    () => place(pod({ cpu: '1' }), [node('a')], [pod({ nodeName: 'a', cpu: '1500m' })]),
    '0/1 nodes are available: 1 Insufficient cpu.',
  ],
  [
    'too many pods',
    () => place(pod(), [node('a', { pods: '1' })], [pod({ nodeName: 'a' })]),
    '0/1 nodes are available: 1 Too many pods.',
  ],
  [
    'a cordoned node',
    () => place(pod(), [node('a', { unschedulable: true })]),
    '0/1 nodes are available: 1 node(s) were unschedulable.',
  ],
  [
    'the emptier node',
    () => place(pod({ cpu: '100m' }), [node('a'), node('b')], [pod({ nodeName: 'a', cpu: '1' })]),
    'b',
  ],
  ['a node selector', () => place(pod({ nodeSelector: { zone: 'z' } }), [node('a'), node('b', zone('z'))]), 'b'],
  [
    'a selector that nothing has',
    () => place(pod({ nodeSelector: { zone: 'x' } }), [node('a')]),
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
  ],
  [
    'a taint',
    () => place(pod(), [node('a', { taints: [{ key: 'k', effect: 'NoSchedule' }] })]),
    '0/1 nodes are available: 1 node(s) had untolerated taint(s).',
  ],
  [
    'a tolerated taint',
    () =>
      place(pod({ tolerations: [{ key: 'k', operator: 'Exists' }] }), [
        node('a', { taints: [{ key: 'k', effect: 'NoSchedule' }] }),
      ]),
    'a',
  ],
  [
    'a soft taint',
    () => place(pod(), [node('a', { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] }), node('b')]),
    'b',
  ],
  [
    'a taken host port',
    () => {
      const containers = [{ name: 'c', image: 'i', ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }] }];
      return place(pod({ containers }), [node('a')], [pod({ nodeName: 'a', containers })]);
    },
    "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
  ],
  [
    'a spread that would lean',
    () =>
      place(
        pod({ ...inA, topologySpreadConstraints: spread(1) }),
        [node('a', zone('x')), node('b', zone('y'))],
        [pod({ ...inA, nodeName: 'a' })],
      ),
    'b',
  ],
  [
    'a node without the spread label',
    () => place(pod({ ...inA, topologySpreadConstraints: spread(1) }), [node('a')]),
    "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).",
  ],
  [
    'a soft spread',
    () =>
      place(
        pod({ ...inA, topologySpreadConstraints: spread(1, 'ScheduleAnyway') }),
        [node('a', zone('x')), node('b', zone('y'))],
        [pod({ ...inA, nodeName: 'a' })],
      ),
    'b',
  ],
  [
    'away from its own kind',
    () =>
      place(
        pod({ ...inA, affinity: antiAffinity }),
        [node('a', zone('x')), node('b', zone('y'))],
        [pod({ ...inA, nodeName: 'a' })],
      ),
    'b',
  ],
  [
    'away from its own kind, nowhere left',
    () => place(pod({ ...inA, affinity: antiAffinity }), [node('a', zone('x'))], [pod({ ...inA, nodeName: 'a' })]),
    "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
  ],
  [
    'pods that run already keep others away',
    () => place(pod(inA), [node('a', zone('x'))], [pod({ nodeName: 'a', affinity: antiAffinity })]),
    "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
  ],
  [
    'near others',
    () => place(pod({ affinity }), [node('a', zone('x')), node('b', zone('y'))], [pod({ ...inA, nodeName: 'b' })]),
    'b',
  ],
  [
    'near others that are nowhere',
    () => place(pod({ affinity }), [node('a', zone('x'))]),
    "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
  ],
  [
    'the first of a group that wants to be together',
    () => place(pod({ ...inA, affinity }), [node('a', zone('x'))]),
    'a',
  ],
  [
    'affinity does not look into other namespaces',
    () => place(pod({ affinity }), [node('a', zone('x'))], [pod({ ...inA, nodeName: 'a', namespace: 'other' })]),
    "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
  ],
  [
    'a claim that is not there',
    () => place(pod({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }), [node('a')]),
    '0/1 nodes are available: persistentvolumeclaim "c" not found.',
  ],
  [
    'reasons are counted and sorted',
    () => place(pod({ cpu: '3' }), [node('a'), node('b'), node('c', { unschedulable: true })]),
    '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu.',
  ],
] as const) {
  test(`placing a pod: ${name}`, () => assert.equal(got(), expected));
}

test('preemption takes the fewest pods of lower priority, and none of equal', () => {
  const placed = [
    pod({ nodeName: 'a', cpu: '1', priority: 1 }),
    pod({ nodeName: 'a', cpu: '1', priority: 5 }),
    pod({ nodeName: 'b', cpu: '2', priority: 10 }),
  ];
  const subject = pod({ cpu: '1', priority: 10 });
  const at = cycle(subject, [node('a'), node('b')], placed);
  const outcome = planCycle({ cycle: at, plugins, random: createFakeRandom() });
  assert.ok('refused' in outcome);
  const plan = planPreemption({ cycle: at, helpable: outcome.helpable, plugins, budgets: [] });
  assert.equal(plan?.node, 'a');
  assert.deepEqual(
    plan.victims.map(victim => victim.spec.priority),
    [1],
  );
});

test('a pod that must not preempt does not', () => {
  const at = cycle(
    pod({ cpu: '2', priority: 10, preemptionPolicy: 'Never' }),
    [node('a')],
    [pod({ nodeName: 'a', cpu: '1' })],
  );
  assert.equal(planPreemption({ cycle: at, helpable: at.nodes, plugins, budgets: [] }), undefined);
});
