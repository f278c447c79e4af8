import type { Node, Pod } from '#api';
import { resources } from '#api';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import type { ObjectReader } from '../reader.ts';
import { parseAmount } from './amounts.ts';
import { podAmounts } from './pod-amounts.ts';
import { draftOf, isAbout, oldOf, refuse } from './request.ts';

/** A resize that the pod's node could never do is refused at once, instead of being found infeasible there. Source: plugin/pkg/admission/podresize of 1.36. */
export function createPodResizeValidator(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'PodResizeValidator',
    validate(request) {
      if (request.operation !== 'UPDATE' || !isAbout(request, resources.pods, 'resize')) return;
      const [pod, old] = [draftOf<Pod>(request), oldOf<Pod>(request)];
      if (!pod?.spec.nodeName || old?.metadata.generation === pod.metadata.generation) return;
      const node = reader.get(resources.nodes, undefined, pod.spec.nodeName);
      if (!node) throw refuse(request, `node ${JSON.stringify(pod.spec.nodeName)} not found`);
      checkAllocatable(request, pod, node);
      checkLinux(request, node);
    },
  };
}

/** Upstream counts processor time in thousandths and memory in bytes. */
const units: readonly (readonly [string, bigint])[] = [
  ['cpu', 1_000_000n],
  ['memory', 1_000_000_000n],
];

function checkAllocatable(request: AdmissionRequest, pod: Pod, node: Node): void {
  const requested = podAmounts({ spec: pod.spec }, 'requests');
  const excesses = units.flatMap(([name, unit]) => {
    const count = (nano: bigint) => (nano + unit - 1n) / unit;
    const wanted = count(requested.get(name)?.nano ?? 0n);
    const there = count(parseAmount(node.status?.allocatable?.[name] ?? '0').nano);
    return wanted > there ? [`${name}, requested: ${wanted}, allocatable: ${there}`] : [];
  });
  if (excesses.length === 0) return;
  const why = `Node didn't have enough allocatable resources: ${excesses.join('; ')}`;
  throw refuse(request, why, [{ reason: 'NodeCapacity' }]);
}

function checkLinux(request: AdmissionRequest, node: Node): void {
  const os = node.metadata.labels?.['kubernetes.io/os'] ?? '';
  if (os === 'linux') return;
  const name = JSON.stringify(node.metadata.name);
  const why = `pod resize is only supported on linux nodes, node ${name} is ${JSON.stringify(os)}`;
  throw refuse(request, why, [{ reason: 'UnsupportedPlatform' }]);
}
