import type { Container, Pod, PodSpec } from '#api';
import { type Amount, addAll, maxAll, toAmounts } from './amounts.ts';

/** Resources that may also be given for the pod as a whole, which then goes before the sum of its containers. */
export const isPodLevel = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/**
 * What a pod asks for at most at one time: containers and sidecars together, or an init container with the sidecars that started before it; plus
 * overhead. After upstream's resource helper (KEP-753, KEP-2837).
 */
export function podAmounts(pod: Pick<Pod, 'spec' | 'status'>, part: Part): Map<string, Amount> {
  const { spec } = pod;
  const of = (container: Container) => amountsOf(container, pod, part);
  const running = new Map<string, Amount>();
  for (const container of spec.containers) addAll(running, of(container));
  const sidecars = new Map<string, Amount>();
  const initial = new Map<string, Amount>();
  for (const container of spec.initContainers ?? []) {
    const amounts = of(container);
    if (container.restartPolicy === 'Always') {
      addAll(running, amounts);
      addAll(sidecars, amounts);
      maxAll(initial, sidecars);
    } else {
      addAll(amounts, sidecars);
      maxAll(initial, amounts);
    }
  }
  maxAll(running, initial);
  for (const [name, amount] of toAmounts(spec.resources?.[part])) if (isPodLevel(name)) running.set(name, amount);
  addOverhead(running, spec, part);
  return running;
}

type Part = 'requests' | 'limits';

/** A container that changes its size counts with the most of what it wants, has and was promised; what will never be is not counted. */
function amountsOf(container: Container, { status }: Pick<Pod, 'status'>, part: Part): Map<string, Amount> {
  const wanted = toAmounts(container.resources?.[part]);
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const known = all.find(({ name }) => name === container.name);
  if (!known?.resources) return wanted;
  const infeasible = status?.conditions?.some(
    ({ type, status: is, reason }) => type === 'PodResizePending' && is === 'True' && reason === 'Infeasible',
  );
  const amounts = infeasible ? new Map<string, Amount>() : wanted;
  maxAll(amounts, toAmounts(known.resources[part]));
  if (part === 'requests') maxAll(amounts, toAmounts(known.allocatedResources));
  return amounts;
}

/** Overhead counts as a request; as a limit only where there is one. */
function addOverhead(amounts: Map<string, Amount>, spec: PodSpec, part: Part): void {
  const overhead = toAmounts(spec.overhead);
  if (part === 'limits') {
    for (const name of overhead.keys()) if (!amounts.get(name)?.nano) overhead.delete(name);
  }
  addAll(amounts, overhead);
}

/** No container asks for or is limited in processor time or memory. */
export function isBestEffort(pod: Pod): boolean {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const sources = [...all.map(container => container.resources), pod.spec.resources];
  return sources.every(source =>
    [source?.requests, source?.limits].every(quantities =>
      ['cpu', 'memory'].every(name => !(toAmounts(quantities).get(name)?.nano ?? 0n)),
    ),
  );
}
