import type { Container, Pod } from '#api';
import { quantityToMilli as milliOf, qosClassOf, quantityToNumber as unitsOf } from '#api';
import type { CgroupLimits } from '#host';
import type { LinuxResources } from '#wire';

import { containersOf } from '../pods/pod-spec.ts';

/** The kernel's smallest share and quota; 100 ms period as upstream. */
const [minShares, maxShares, minQuotaUs, periodUs] = [2, 262144, 1000, 100_000];

export function milliToShares(milliCpu: number): number {
  return milliCpu === 0 ? minShares : Math.min(maxShares, Math.max(minShares, Math.floor((milliCpu * 1024) / 1000)));
}

/** Microseconds of each period. */
export function milliToQuota(milliCpu: number): number {
  return Math.max(minQuotaUs, Math.floor((milliCpu * periodUs) / 1000));
}

/** What the runtime is to enforce for one container. Source: upstream's kuberuntime_container_linux.go. */
export function containerResources(
  pod: Pod,
  container: Container,
  node: { memoryBytes: number; cgroupVersion: 1 | 2 },
): LinuxResources {
  const { requests = {}, limits = {} } = container.resources ?? {};
  const cpuLimit = milliOf(limits['cpu']);
  const cpuRequest = requests['cpu'] === undefined ? cpuLimit : milliOf(requests['cpu']);
  const memoryLimit = unitsOf(limits['memory']);
  const hugepages = Object.entries(limits).filter(([name]) => name.startsWith('hugepages-'));
  return {
    cpuShares: milliToShares(cpuRequest),
    ...(cpuLimit > 0 && { cpuQuota: milliToQuota(cpuLimit), cpuPeriod: periodUs }),
    ...(memoryLimit > 0 && { memoryLimitInBytes: memoryLimit }),
    oomScoreAdj: oomScoreAdj(pod, container, node.memoryBytes),
    ...(hugepages.length > 0 && {
      hugepageLimits: hugepages.map(([name, amount]) => ({
        pageSize: name.slice('hugepages-'.length).replace(/i$/, 'B'),
        limit: unitsOf(amount),
      })),
    }),
    ...(node.cgroupVersion === 2 && { unified: { 'memory.oom.group': '1' } }),
  };
}

/** Who is killed first when memory runs out: the less was asked for, the earlier. Source: upstream's pkg/kubelet/qos/policy.go. */
export function oomScoreAdj(pod: Pod, container: Container, nodeMemoryBytes: number): number {
  // Without these the node is lost.
  if (pod.spec.priorityClassName === 'system-node-critical') return -997;
  const qos = qosClassOf(pod.spec);
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const askedBy = ({ resources }: Container) =>
    unitsOf(resources?.requests?.['memory'] ?? resources?.limits?.['memory']);
  // A sidecar outlives the main containers, so it is not killed before them.
  const isSidecar = containersOf(pod).some(one => one.role === 'sidecar' && one.container.name === container.name);
  const least = isSidecar ? Math.min(...pod.spec.containers.map(askedBy)) : 0;
  const asked = Math.max(askedBy(container), least);
  const score = 1000 - Math.floor((1000 * asked) / nodeMemoryBytes);
  return Math.min(999, Math.max(3, score));
}

/** The pod's group below the root of all pods. */
export function podCgroup(pod: Pod, config: { driver: 'cgroupfs' | 'systemd'; root: string }): string {
  const qos = qosClassOf(pod.spec).toLowerCase();
  const uid = pod.metadata.uid ?? '';
  if (config.driver === 'cgroupfs') {
    return [config.root, ...(qos === 'guaranteed' ? [] : [qos]), `pod${uid}`].join('/');
  }
  const base = config.root.replace(/^\//, '').replaceAll('/', '-');
  const slice = [base, ...(qos === 'guaranteed' ? [] : [qos]), `pod${uid.replaceAll('-', '_')}`].join('-');
  return `${slice}.slice`;
}

/** Limits of the pod as a whole: the sum of its containers', when all of them have one. */
export function podLimits(pod: Pod): CgroupLimits {
  const all = containersOf(pod).filter(one => one.role !== 'ephemeral');
  const main = all.filter(one => one.role !== 'init');
  const init = all.filter(one => one.role === 'init');
  const amount = (list: 'requests' | 'limits', name: 'cpu' | 'memory', read: (text: string | undefined) => number) => {
    const own = pod.spec.resources?.[list]?.[name];
    if (own !== undefined) return read(own);
    const of = (one: (typeof all)[number]) => {
      const { requests, limits } = one.container.resources ?? {};
      return read(list === 'requests' ? (requests?.[name] ?? limits?.[name]) : limits?.[name]);
    };
    if (list === 'limits' && all.some(one => of(one) === 0)) return 0;
    const sum = main.reduce((total, one) => total + of(one), 0);
    return Math.max(sum, ...init.map(of));
  };
  const cpuLimit = amount('limits', 'cpu', milliOf);
  const memoryLimit = amount('limits', 'memory', unitsOf);
  return {
    cpuShares: milliToShares(amount('requests', 'cpu', milliOf)),
    ...(cpuLimit > 0 && { cpuQuotaUs: milliToQuota(cpuLimit), cpuPeriodUs: periodUs }),
    ...(memoryLimit > 0 && { memoryBytes: memoryLimit }),
  };
}
