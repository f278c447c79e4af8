import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '#api';
import { containersOf } from '../pods/pod-spec.ts';
import { dividedBy } from '../quantity.ts';
import { ContainerConfigError } from './config-error.ts';

/** What a pod may be told of itself. */
export interface DownwardFacts {
  hostIps: readonly string[];
  podIps: readonly string[];
  /** What a container without limit may use. */
  allocatable: Readonly<Record<string, string>>;
}

/** `metadata.labels['x']`, `status.podIP`, ... as text. Unknown paths are a ContainerConfigError. */
export function fieldText(pod: Pod, { fieldPath }: ObjectFieldSelector, facts: DownwardFacts): string {
  const { metadata, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2]!] ?? '';
  const known: Record<string, () => string> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace ?? '',
    'metadata.uid': () => metadata.uid ?? '',
    'metadata.labels': () => formatMap(metadata.labels),
    'metadata.annotations': () => formatMap(metadata.annotations),
    'spec.nodeName': () => spec.nodeName ?? '',
    'spec.serviceAccountName': () => spec.serviceAccountName ?? '',
    'status.hostIP': () => facts.hostIps[0] ?? '',
    'status.hostIPs': () => facts.hostIps.join(','),
    'status.podIP': () => facts.podIps[0] ?? '',
    'status.podIPs': () => facts.podIps.join(','),
  };
  const read = Object.hasOwn(known, fieldPath) ? known[fieldPath] : undefined;
  if (!read) throw new ContainerConfigError(`unsupported fieldPath: ${fieldPath}`);
  return read();
}

/** One `key="value"` a line, by key. */
export function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(map ?? {}).sort();
  return keys.map(key => `${key}=${JSON.stringify(map![key])}`).join('\n');
}

const unlimited: Readonly<Record<string, string>> = {
  cpu: 'cpu',
  memory: 'memory',
  'ephemeral-storage': 'ephemeral-storage',
};

/** `limits.cpu`, `requests.memory`, ... divided by the divisor; a container without limit is told what the node has. */
export function resourceText(
  pod: Pod,
  { resource, containerName, divisor }: ResourceFieldSelector,
  own: Container | undefined,
  facts: DownwardFacts,
): string {
  const container = containerName
    ? containersOf(pod).find(one => one.container.name === containerName)?.container
    : own;
  if (!container) throw new ContainerConfigError(`container ${containerName} not found`);
  const [list, ...rest] = resource.split('.');
  const name = rest.join('.');
  if (list !== 'limits' && list !== 'requests') {
    throw new ContainerConfigError(`Unsupported container resource : ${resource}`);
  }
  const { limits = {}, requests = {} } = container.resources ?? {};
  const fallback = list === 'limits' ? facts.allocatable[unlimited[name] ?? ''] : limits[name];
  return dividedBy((list === 'limits' ? limits[name] : requests[name]) ?? fallback ?? '0', divisor);
}
