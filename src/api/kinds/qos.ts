import type { Container, PodSpec, Quantity, ResourceRequirements } from '../types.ts';
import { parseNano } from './quantity.ts';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

type Amounts = Map<string, bigint>;

const counted: readonly string[] = ['cpu', 'memory'];

/** The class of a pod: best effort without any request or limit, guaranteed when all containers limit both to what they request. */
export function qosClassOf(spec: PodSpec): QosClass {
  const requests: Amounts = new Map();
  const limits: Amounts = new Map();
  let limited = true;
  for (const resources of resourcesOf(spec)) {
    add(requests, resources?.requests);
    const before = new Map(limits);
    add(limits, resources?.limits);
    if (!counted.every(name => grew(name, before, limits))) limited = false;
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const equal = requests.size === limits.size && [...requests].every(([name, value]) => limits.get(name) === value);
  return limited && equal ? 'Guaranteed' : 'Burstable';
}

/** Those of the pod as a whole if there are any, else of each container. */
function resourcesOf(spec: PodSpec): readonly (ResourceRequirements | undefined)[] {
  if (spec.resources) return [spec.resources];
  const containers: readonly Container[] = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  return containers.map(container => container.resources);
}

function add(amounts: Amounts, list: Record<string, Quantity> | undefined): void {
  for (const name of counted) {
    const text = list?.[name];
    const value = text === undefined ? undefined : parseNano(text);
    if (value !== undefined && value > 0n) amounts.set(name, (amounts.get(name) ?? 0n) + value);
  }
}

function grew(name: string, before: Amounts, after: Amounts): boolean {
  return (after.get(name) ?? 0n) > (before.get(name) ?? 0n);
}
