import type { KubeObject, PersistentVolumeClaim, Pod, Resource, ResourceClaim, ResourceQuota, Service } from '#api';
import { groupResourceOf } from '#api';
import { type Amount, type Amounts, parseAmount, toAmounts } from './amounts.ts';
import { isBestEffort, isPodLevel, podAmounts } from './pod-amounts.ts';

const one: Amount = { nano: 1_000_000_000n, form: 'decimal' };
const native = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods', 'storage']);
const classSuffix = '.storageclass.storage.k8s.io/';
const devicesSuffix = '.deviceclass.resource.k8s.io/devices';
/** What `All` counts as: the most that a claim can be given. */
const maxDevices = 32;

/** What one object uses up of everything that quotas can name. */
type Measure<T> = (object: T, nowMs: number) => Map<string, Amount>;

/** Resources that quotas count under their own names, apart from `count/...`. */
const measures: Readonly<Record<string, Measure<never>>> = {
  pods: measurePod as Measure<never>,
  services: measureService as Measure<never>,
  persistentvolumeclaims: measureClaim as Measure<never>,
  'resourceclaims.resource.k8s.io': measureDevices as Measure<never>,
  replicationcontrollers: plainCount('replicationcontrollers'),
  resourcequotas: plainCount('resourcequotas'),
  secrets: plainCount('secrets'),
  configmaps: plainCount('configmaps'),
};

/** Usage of an object, its count included. */
export function usageOf(resource: Resource<KubeObject>, object: KubeObject, nowMs: number): Map<string, Amount> {
  const measure = measures[groupResourceOf(resource)] as Measure<KubeObject> | undefined;
  const usage = measure?.(object, nowMs) ?? new Map<string, Amount>();
  usage.set(`count/${groupResourceOf(resource)}`, one);
  return usage;
}

/** The resource whose objects use up what a quota names (`requests.cpu`: pods), as `plural` or `plural.group`. */
export function resourceCounted(name: string): string {
  if (name.startsWith('count/')) return name.slice('count/'.length);
  if (name === 'services' || name.startsWith('services.')) return 'services';
  if (name === 'persistentvolumeclaims' || name === 'requests.storage' || name.includes(classSuffix)) {
    return 'persistentvolumeclaims';
  }
  if (name.endsWith(devicesSuffix)) return 'resourceclaims.resource.k8s.io';
  return measures[name] ? name : 'pods';
}

function plainCount(name: string): Measure<never> {
  return () => new Map([[name, one]]);
}

/** A pod that is over uses nothing but its place in `count/pods`. */
function measurePod(pod: Pod, nowMs: number): Map<string, Amount> {
  const usage = new Map<string, Amount>();
  if (isOver(pod, nowMs)) return usage;
  usage.set('pods', one);
  for (const [name, amount] of podAmounts(pod, 'requests')) {
    if (name === 'cpu' || name === 'memory' || name === 'ephemeral-storage' || name.startsWith('hugepages-')) {
      usage.set(name, amount);
    }
    usage.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podAmounts(pod, 'limits')) if (native.has(name)) usage.set(`limits.${name}`, amount);
  return usage;
}

function isOver(pod: Pod, nowMs: number): boolean {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  if (!deletionTimestamp || deletionGracePeriodSeconds === undefined) return false;
  // Past its time, so a node that is gone cannot hold the quota for ever.
  return nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function measureService({ spec }: Service): Map<string, Amount> {
  const usage = new Map<string, Amount>([['services', one]]);
  const ports = BigInt(spec?.ports?.length ?? 0);
  const count = (value: bigint): Amount => ({ nano: value * one.nano, form: 'decimal' });
  if (spec?.type === 'NodePort') usage.set('services.nodeports', count(ports));
  if (spec?.type === 'LoadBalancer') {
    usage.set('services.loadbalancers', one);
    const withPorts = (spec.ports ?? []).filter(port => port.nodePort).length;
    usage.set(
      'services.nodeports',
      spec.allocateLoadBalancerNodePorts === false ? count(BigInt(withPorts)) : count(ports),
    );
  }
  return usage;
}

function measureClaim(claim: PersistentVolumeClaim): Map<string, Amount> {
  const usage = new Map<string, Amount>([['persistentvolumeclaims', one]]);
  const className =
    claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName;
  if (className) usage.set(`${className}${classSuffix}persistentvolumeclaims`, one);
  const storage = claim.spec?.resources?.requests?.['storage'];
  if (storage === undefined) return usage;
  const allocated = toAmounts(claim.status?.allocatedResources).get('storage');
  const asked = wholeAmount(parseAmount(storage));
  const amount = allocated && allocated.nano > asked.nano ? wholeAmount(allocated) : asked;
  usage.set('requests.storage', amount);
  if (className) usage.set(`${className}${classSuffix}requests.storage`, amount);
  return usage;
}

function wholeAmount({ nano, form }: Amount): Amount {
  return { nano: ((nano + one.nano - 1n) / one.nano) * one.nano, form };
}

/** Devices by class; of requests that have alternatives, the most that one of them asks for. */
function measureDevices({ spec }: ResourceClaim): Map<string, Amount> {
  const counts = new Map<string, number>();
  const add = (name: string, count: number) => counts.set(name, (counts.get(name) ?? 0) + count);
  for (const { exactly, firstAvailable = [] } of spec?.devices?.requests ?? []) {
    const most = new Map<string, number>();
    for (const { deviceClassName, allocationMode, count = 0 } of exactly ? [exactly] : firstAvailable) {
      const wanted = allocationMode === 'All' ? maxDevices : allocationMode === 'ExactCount' ? count : 0;
      most.set(deviceClassName, Math.max(most.get(deviceClassName) ?? 0, wanted));
    }
    for (const [name, count] of most) add(name, count);
  }
  const amounts = [...counts].map(([name, count]): [string, Amount] => {
    return [name + devicesSuffix, { nano: BigInt(count) * one.nano, form: 'decimal' }];
  });
  return new Map(amounts);
}

/** The part of `usage` that the quota limits; undefined when the quota does not look at this object. */
export function limitedUsage(quota: ResourceQuota, resource: Resource<KubeObject>, object: KubeObject, usage: Amounts) {
  if (!matchesScopes(quota, resource, object)) return undefined;
  const limited = new Map([...usage].filter(([name]) => quota.spec?.hard?.[name] !== undefined));
  return limited.size > 0 ? limited : undefined;
}

function matchesScopes(quota: ResourceQuota, resource: Resource<KubeObject>, object: KubeObject): boolean {
  const plain = (quota.spec?.scopes ?? []).map(scopeName => ({
    scopeName,
    operator: 'Exists',
    values: [] as string[],
  }));
  const all = [...plain, ...(quota.spec?.scopeSelector?.matchExpressions ?? [])];
  if (all.length === 0) return true;
  // Scopes tell pods apart, and claims by their attributes; nothing else falls under a quota that has one.
  const name = groupResourceOf(resource);
  if (name === 'persistentvolumeclaims') {
    return all.every(({ scopeName, operator, values }) => {
      return (
        scopeName === 'VolumeAttributesClass' &&
        matchesAttributes(object as PersistentVolumeClaim, operator, values ?? [])
      );
    });
  }
  if (name !== 'pods') return false;
  const pod = object as Pod;
  return all.every(({ scopeName, operator, values }) => inScope(pod, scopeName, operator, values ?? []));
}

function inScope(pod: Pod, scope: string, operator: string, values: readonly string[]): boolean {
  switch (scope) {
    case 'Terminating':
      return (pod.spec.activeDeadlineSeconds ?? -1) >= 0;
    case 'NotTerminating':
      return !((pod.spec.activeDeadlineSeconds ?? -1) >= 0);
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass':
      return matchesClass(pod.spec.priorityClassName || undefined, operator, values);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function matchesClass(name: string | undefined, operator: string, values: readonly string[]): boolean {
  if (operator === 'Exists') return name !== undefined;
  if (operator === 'DoesNotExist') return name === undefined;
  if (operator === 'In') return name !== undefined && values.includes(name);
  return operator === 'NotIn' && (name === undefined || !values.includes(name));
}

/** A claim that changes its attributes falls under the old and the new. */
function matchesAttributes(claim: PersistentVolumeClaim, operator: string, values: readonly string[]): boolean {
  const names = [
    claim.spec?.volumeAttributesClassName,
    claim.status?.currentVolumeAttributesClassName,
    claim.status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter(name => !!name);
  if (names.length === 0) return matchesClass(undefined, operator, values);
  return names.some(name => matchesClass(name, operator, values));
}

function crossesNamespaces(pod: Pod): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  return [podAffinity, podAntiAffinity].some(affinity => {
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const terms = [...required, ...preferred.map(weighted => weighted.podAffinityTerm)];
    return terms.some(term => term.namespaces?.length || term.namespaceSelector);
  });
}

/** Compute resources that a quota names must be given by every container (upstream keeps this old rule for these six). */
const demanded = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/** `must specify limits.cpu for: a,b; requests.cpu for: a`; undefined when nothing is missing. */
export function missingFromPod(quota: ResourceQuota, pod: Pod): string | undefined {
  // A pod that says what it takes as a whole need not say it of each container.
  const { requests = {}, limits = {} } = pod.spec.resources ?? {};
  if (Object.keys({ ...requests, ...limits }).some(isPodLevel)) return undefined;
  const names = demanded.filter(name => quota.spec?.hard?.[name] !== undefined).sort();
  const lacking = names.flatMap(name => {
    const part = name.startsWith('limits.') ? 'limits' : 'requests';
    const short = name.split('.').at(-1) ?? name;
    const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
    const found = containers.filter(container => container.resources?.[part]?.[short] === undefined);
    return found.length > 0
      ? [
          `${name} for: ${found
            .map(container => container.name)
            .sort()
            .join(',')}`,
        ]
      : [];
  });
  return lacking.length > 0 ? `must specify ${lacking.join('; ')}` : undefined;
}
