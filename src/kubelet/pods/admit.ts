import type { Pod } from '#api';
import { quantityToMilli, quantityToNumber } from '#api';
import { containersOf } from './pod-spec.ts';
import { refusedSysctl } from './sysctls.ts';

export interface AdmitFacts {
  /** Other pods of the node that have not ended. */
  others: readonly Pod[];
  allocatable: Readonly<Record<string, string>>;
  nodeLabels: Readonly<Record<string, string>>;
}

/**
 * Whether the node can take the pod at all: a pod that was put here past the scheduler may not fit. Texts as upstream's pkg/kubelet/lifecycle/predicate.go.
 * A pod that already has a status was taken before.
 */
export function admitPod(pod: Pod, facts: AdmitFacts): { reason: string; message: string } | undefined {
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (facts.nodeLabels[key] !== value) {
      return {
        reason: 'NodeAffinity',
        message: "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
      };
    }
  }
  const podLimit = quantityToNumber(facts.allocatable['pods']);
  if (facts.others.length + 1 > podLimit) return tooMuch('pods', 1, facts.others.length, podLimit);
  for (const name of ['cpu', 'memory'] as const) {
    const requested = requestOf(pod, name);
    const used = facts.others.reduce((sum, other) => sum + requestOf(other, name), 0);
    const capacity = read[name](facts.allocatable[name]);
    if (requested > 0 && requested + used > capacity) return tooMuch(name, requested, used, capacity);
  }
  const refused = refusedSysctl(pod);
  if (refused) return refused;
  const taken = new Set(facts.others.flatMap(hostPorts));
  if (hostPorts(pod).some(port => taken.has(port))) {
    const message = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
    return { reason: 'NodePorts', message };
  }
  return undefined;
}

const read = { cpu: quantityToMilli, memory: quantityToNumber } as const;

function tooMuch(name: string, requested: number, used: number, capacity: number) {
  const message = `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${name}`, message };
}

function requestOf(pod: Pod, name: 'cpu' | 'memory'): number {
  const own = pod.spec.resources?.requests?.[name];
  if (own !== undefined) return read[name](own);
  const of = (one: ReturnType<typeof containersOf>[number]) => read[name](one.container.resources?.requests?.[name]);
  const all = containersOf(pod);
  const sum = all
    .filter(one => one.role === 'main' || one.role === 'sidecar')
    .reduce((total, one) => total + of(one), 0);
  return Math.max(sum, ...all.filter(one => one.role === 'init').map(of)) + read[name](pod.spec.overhead?.[name]);
}

function hostPorts(pod: Pod): string[] {
  return pod.spec.containers.flatMap(container =>
    (container.ports ?? [])
      .filter(port => port.hostPort)
      .map(({ protocol = 'TCP', hostPort, hostIP }) => `${protocol} ${hostIP || '0.0.0.0'} ${hostPort}`),
  );
}
