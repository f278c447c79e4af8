import { type Container, type Pod, quantityToMilli, quantityToNumber } from '#api';

/** Amounts by resource name: cpu in thousandths, everything else in whole units (bytes, pieces). */
export type Amounts = Map<string, number>;

/** Reads a resource list of the API; what cannot be parsed counts as zero (the API server refuses it beforehand). */
export function readAmounts(list: Readonly<Record<string, string>>): Amounts {
  return new Map(Object.entries(list).map(([name, quantity]) => [name, readAmount(name, quantity)]));
}

function readAmount(name: string, quantity: string): number {
  return name === 'cpu' ? quantityToMilli(quantity) : quantityToNumber(quantity);
}

/**
 * What a pod takes of a node: the sum of its containers and sidecars, or, while they run, its init containers with the sidecars started before; pod-level
 * requests win; plus overhead; plus one of `pods`. Source: KEP-753 (sidecars), KEP-2837 (pod-level resources).
 */
export function podRequests(pod: Pod): Amounts {
  const total: Amounts = new Map();
  for (const container of pod.spec.containers) addAmounts(total, containerRequests(container));
  const sidecars: Amounts = new Map();
  const initPeak: Amounts = new Map();
  for (const container of pod.spec.initContainers ?? []) {
    const requests = containerRequests(container);
    if (container.restartPolicy === 'Always') {
      addAmounts(total, requests);
      addAmounts(sidecars, requests);
      raiseAmounts(initPeak, sidecars);
    } else {
      const together = new Map(sidecars);
      addAmounts(together, requests);
      raiseAmounts(initPeak, together);
    }
  }
  raiseAmounts(total, initPeak);
  for (const [name, amount] of readAmounts(pod.spec.resources?.requests ?? {})) total.set(name, amount);
  addAmounts(total, readAmounts(pod.spec.overhead ?? {}));
  total.set('pods', 1);
  return total;
}

function containerRequests(container: Container): Amounts {
  return readAmounts(container.resources?.requests ?? {});
}

export function addAmounts(target: Amounts, more: Amounts): void {
  for (const [name, amount] of more) target.set(name, (target.get(name) ?? 0) + amount);
}

export function subtractAmounts(target: Amounts, less: Amounts): void {
  for (const [name, amount] of less) target.set(name, (target.get(name) ?? 0) - amount);
}

function raiseAmounts(target: Amounts, floor: Amounts): void {
  for (const [name, amount] of floor) target.set(name, Math.max(target.get(name) ?? 0, amount));
}
