import type { Pod } from '#api';
import { isFinished } from '../pods.ts';

/** Upstream's quarantine: a node is only believed to be gone after this long. */
export const quarantineMs = 40_000;

export interface PodGcInput {
  pods: readonly Pod[];
  hasNode(name: string): boolean;
  /** Since when a node is missed; the plan's answer of the last time. */
  missing: ReadonlyMap<string, number>;
  terminatedLimit: number;
  nowMs: number;
}

export interface PodGcPlan {
  /** Finished ones beyond the limit, oldest first. */
  terminated: Pod[];
  /** Being deleted and never scheduled: no kubelet will end them. */
  unscheduled: Pod[];
  /** On nodes that have been missed for long enough; to be checked with the server. */
  orphaned: Pod[];
  missing: Map<string, number>;
}

/** Which pods nobody else will delete. After upstream's podgc. */
export function planPodGc({ pods, hasNode, missing, terminatedLimit, nowMs }: PodGcInput): PodGcPlan {
  const finished = pods.filter(pod => isFinished(pod) && !pod.metadata.deletionTimestamp);
  const surplus = terminatedLimit > 0 ? Math.max(0, finished.length - terminatedLimit) : 0;
  const terminated = finished.sort(byCreation).slice(0, surplus);
  const gone = new Set(pods.map(pod => pod.spec.nodeName ?? '').filter(name => name && !hasNode(name)));
  const since = new Map(Array.from(gone, name => [name, missing.get(name) ?? nowMs]));
  return {
    terminated,
    unscheduled: pods.filter(pod => pod.metadata.deletionTimestamp && !pod.spec.nodeName),
    orphaned: pods.filter(pod => nowMs - (since.get(pod.spec.nodeName ?? '') ?? nowMs) >= quarantineMs),
    missing: since,
  };
}

const byCreation = (a: Pod, b: Pod): number => {
  const [first, second] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return first < second ? -1 : first > second ? 1 : a.metadata.name < b.metadata.name ? -1 : 1;
};
