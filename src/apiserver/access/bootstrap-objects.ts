import type { Namespace, PriorityClass } from '#api';

const priorityGroup = 'scheduling.k8s.io/v1';

function namespace(name: string): Namespace {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    spec: {},
  };
}

/** Namespaces that every cluster has. */
export const bootstrapNamespaces: readonly Namespace[] = [
  namespace('kube-system'),
  namespace('kube-public'),
  namespace('kube-node-lease'),
  namespace('default'),
];

/** Names of namespaces that can never be deleted. */
export const immortalNamespaces: readonly string[] = ['default', 'kube-system', 'kube-public'];

/** User-made priorities stay at or below this (upstream's HighestUserDefinablePriority). */
export const highestUserPriority = 1_000_000_000;
export const systemPriorityClassPrefix = 'system-';

/** The two classes that upstream makes itself. */
export const systemPriorityClasses: readonly PriorityClass[] = [
  {
    apiVersion: priorityGroup,
    kind: 'PriorityClass',
    metadata: { name: 'system-node-critical' },
    value: 2 * highestUserPriority + 1000,
    globalDefault: false,
    description: 'Used for system critical pods that must not be moved from their current node.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
  {
    apiVersion: priorityGroup,
    kind: 'PriorityClass',
    metadata: { name: 'system-cluster-critical' },
    value: 2 * highestUserPriority,
    globalDefault: false,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    preemptionPolicy: 'PreemptLowerPriority',
  },
];
