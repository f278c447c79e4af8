import type { DaemonSet, Node, Pod, Toleration } from '#api';
import { matchesPodNodeSelector, resources, untolerated } from '#api';
import { controllerRefTo } from '../owners.ts';
import { podFromTemplate } from '../pods.ts';

export const revisionLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';

/** Daemons stay on nodes that are in trouble, or drained. Source: AddOrUpdateDaemonPodTolerations of pkg/controller/daemon. */
const tolerated: readonly (readonly [key: string, effect: string, onlyOnHostNetwork?: boolean])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
  ['node.kubernetes.io/network-unavailable', 'NoSchedule', true],
];

/** The pod for one node: the scheduler brings it there by its name. */
export function buildDaemonPod(set: DaemonSet, nodeName: string, hash: string): Pod {
  const pod = podFromTemplate(set.spec.template, set, controllerRefTo(resources.daemonsets, set));
  const generation = set.metadata.annotations?.[generationAnnotation];
  const { spec, metadata } = pod;
  const onNode = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] };
  const required = { nodeSelectorTerms: [onNode] };
  const nodeAffinity = {
    ...spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: required,
  };
  const labels = { ...metadata.labels, [revisionLabel]: hash, ...(generation && { [generationLabel]: generation }) };
  return {
    ...pod,
    metadata: { ...metadata, labels },
    spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity }, tolerations: tolerationsOf(set) },
  };
}

function tolerationsOf({ spec: { template } }: DaemonSet): Toleration[] {
  const { tolerations = [], hostNetwork = false } = template.spec ?? {};
  const added = tolerated
    .filter(([, , onlyOnHostNetwork]) => !onlyOnHostNetwork || hostNetwork)
    .map(([key, effect]) => ({ key, operator: 'Exists', effect }));
  const isNew = ({ key, effect }: Toleration) =>
    !tolerations.some(one => one.key === key && one.effect === effect && one.operator === 'Exists');
  return [...tolerations, ...added.filter(isNew)];
}

/** The node that a pod of a daemon set is on or is meant for. */
export function targetOf({ spec }: Pod): string {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const fields = terms.flatMap(term => term.matchFields ?? []);
  return fields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')?.values?.[0] ?? '';
}

/** Whether a node shall get a pod of the set, and whether one that is there may stay. */
export function fitOf(set: DaemonSet, { metadata, spec, ...node }: Node): { shouldRun: boolean; mayStay: boolean } {
  const template = set.spec.template.spec ?? { containers: [] };
  const pod: Pod = { metadata: { name: '' }, spec: template };
  const named = !template.nodeName || template.nodeName === metadata.name;
  if (!named || !matchesPodNodeSelector(pod, { ...node, metadata, spec })) return { shouldRun: false, mayStay: false };
  const blockedBy = (...effects: string[]) => untolerated(spec.taints, tolerationsOf(set), effects) !== undefined;
  return { shouldRun: !blockedBy('NoSchedule', 'NoExecute'), mayStay: !blockedBy('NoExecute') };
}
