import type { Pod } from '#api';
import { isReady, readySinceMs } from '../pods.ts';

const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * The `count` pods that are missed least, in upstream's order (ActivePodsWithRanks): not assigned, pending, not ready, cheaper by annotation, more of
 * the set on its node, ready more recently, restarted more often, newer. `related` are the pods of all sets of the same owner.
 */
export function podsToDelete(pods: readonly Pod[], related: readonly Pod[], count: number, nowMs: number): Pod[] {
  if (count >= pods.length) return [...pods];
  const onNode = new Map<string, number>();
  for (const { spec } of related) if (spec.nodeName) onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1);
  const doubled = (pod: Pod) => onNode.get(pod.spec.nodeName ?? '') ?? 0;
  return [...pods].sort((a, b) => compare(a, b, doubled, nowMs)).slice(0, count);
}

function compare(a: Pod, b: Pod, doubled: (pod: Pod) => number, nowMs: number): number {
  const bothReady = isReady(a) && isReady(b);
  return (
    Number(!!a.spec.nodeName) - Number(!!b.spec.nodeName) ||
    (phaseRank[a.status?.phase ?? ''] ?? 0) - (phaseRank[b.status?.phase ?? ''] ?? 0) ||
    Number(isReady(a)) - Number(isReady(b)) ||
    costOf(a) - costOf(b) ||
    doubled(b) - doubled(a) ||
    (bothReady ? compareAges(readySinceMs(a)!, readySinceMs(b)!, nowMs) : 0) ||
    restartsOf(b) - restartsOf(a) ||
    compareAges(createdMs(a), createdMs(b), nowMs) ||
    ((a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1)
  );
}

/** Younger first, where ages count as equal within a power of two: among alike pods, chance decides, not the last rollout. */
function compareAges(aMs: number, bMs: number, nowMs: number): number {
  const magnitude = (ms: number) => (nowMs - ms <= 0 ? -1 : Math.floor(Math.log2((nowMs - ms) * 1_000_000)));
  return magnitude(aMs) - magnitude(bMs);
}

function costOf(pod: Pod): number {
  const text = pod.metadata.annotations?.[costAnnotation] ?? '0';
  return /^-?\d+$/.test(text) ? Number(text) : 0;
}

const createdMs = (pod: Pod): number => Date.parse(pod.metadata.creationTimestamp ?? '') || 0;

function restartsOf(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(status => status.restartCount));
}
