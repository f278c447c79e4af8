import type { KubeObject, OwnerReference, Pod, PodTemplateSpec } from '#api';
import { findCondition, hasCondition } from './conditions.ts';

/** Neither finished nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && !pod.metadata.deletionTimestamp;
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Being deleted and not finished yet. */
export function isTerminating(pod: Pod): boolean {
  return !isFinished(pod) && !!pod.metadata.deletionTimestamp;
}

export function isReady(pod: Pod): boolean {
  return hasCondition(pod.status?.conditions, 'Ready');
}

/** When the pod became ready, in milliseconds; undefined when it is not. */
export function readySinceMs(pod: Pod): number | undefined {
  const ready = findCondition(pod.status?.conditions, 'Ready');
  return ready?.status === 'True' ? Date.parse(ready.lastTransitionTime ?? '') || 0 : undefined;
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const sinceMs = readySinceMs(pod);
  return sinceMs !== undefined && (minReadySeconds === 0 || sinceMs + minReadySeconds * 1000 <= nowMs);
}

/** Milliseconds until the next ready pod becomes available; undefined when there is none to wait for. */
export function untilAvailableMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  const waits = pods
    .filter(pod => isReady(pod) && !isAvailable(pod, minReadySeconds, nowMs))
    .map(pod => readySinceMs(pod)! + minReadySeconds * 1000 - nowMs);
  return waits.length ? Math.max(0, Math.min(...waits)) : undefined;
}

/** Names made from longer prefixes would be cut by the server in a place that cannot be chosen. */
const maxPrefix = 58;

/** A pod after a template, named by the server after its owner. */
export function podFromTemplate(template: PodTemplateSpec | undefined, owner: KubeObject, ref: OwnerReference): Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  const generateName = `${owner.metadata.name}-`.slice(0, maxPrefix);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: '',
      namespace: owner.metadata.namespace,
      generateName,
      labels: { ...labels },
      annotations: { ...annotations },
      ...(finalizers?.length ? { finalizers: [...finalizers] } : {}),
      ownerReferences: [ref],
    },
    spec: structuredClone(template?.spec ?? { containers: [] }),
  };
}
