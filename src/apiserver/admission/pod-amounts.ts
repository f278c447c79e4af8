import type { Container, Pod, PodSpec } from '#api';
import { type Amount, addAll, maxAll, toAmounts } from './amounts.ts';

/** Resources that may also be given for the pod as a whole, which then goes before the sum of its containers. */
const podLevel = (name: string) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');

/**
 * What a pod asks for at most at one time: containers and sidecars together, or an init container with the sidecars that started before it; plus
 * overhead. After upstream's resource helper (KEP-753, KEP-2837).
 */
export function podAmounts(spec: PodSpec, part: 'requests' | 'limits'): Map<string, Amount> {
  const of = (container: Container) => toAmounts(container.resources?.[part]);
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
  for (const [name, amount] of toAmounts(spec.resources?.[part])) if (podLevel(name)) running.set(name, amount);
  addOverhead(running, spec, part);
  return running;
}

/** Overhead counts as a request; as a limit only where there is one. */
function addOverhead(amounts: Map<string, Amount>, spec: PodSpec, part: 'requests' | 'limits'): void {
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
