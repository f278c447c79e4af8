import type { Pod, PodTemplateSpec, ReplicaSetCondition, ReplicaSetStatus } from '#api';
import { formatTime } from '#base';
import { withCondition, withoutCondition } from '../conditions.ts';
import { omitZero } from '../omit-zero.ts';
import { isAvailable, isReady } from '../pods.ts';
import { matchesLabels } from '../selector.ts';
import { podsToDelete } from './rank.ts';

/** Upstream's BurstReplicas: at most this many pods are made or deleted in one go. */
const burst = 500;

export interface ReplicasInput {
  replicas: number;
  /** Active pods that the set manages. */
  active: readonly Pod[];
  /** Active pods of all sets of the same owner, for spreading what is deleted. */
  related: readonly Pod[];
  nowMs: number;
}

/** How many pods to create, or which ones to delete; never both. */
export function planReplicas({ replicas, active, related, nowMs }: ReplicasInput): { create: number; remove: Pod[] } {
  const missing = replicas - active.length;
  if (missing >= 0) return { create: Math.min(missing, burst), remove: [] };
  return { create: 0, remove: podsToDelete(active, related, Math.min(-missing, burst), nowMs) };
}

export interface ReplicaStatusInput {
  generation: number | undefined;
  minReadySeconds: number;
  replicas: number;
  template: PodTemplateSpec | undefined;
  old: ReplicaSetStatus | undefined;
  active: readonly Pod[];
  /** Absent where the kind's status does not tell of them. */
  terminating?: readonly Pod[] | undefined;
  /** Why the last attempt to bring the count right failed. */
  failure: string | undefined;
  nowMs: number;
}

/** The status that tells of these pods. */
export function planReplicaStatus(input: ReplicaStatusInput): ReplicaSetStatus {
  const { active, old, template, minReadySeconds, nowMs } = input;
  const ready = active.filter(isReady);
  const labels = template?.metadata?.labels;
  const status: ReplicaSetStatus = {
    ...old,
    replicas: active.length,
    fullyLabeledReplicas: active.filter(pod => matchesLabels(labels, pod.metadata.labels)).length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter(pod => isAvailable(pod, minReadySeconds, nowMs)).length,
    ...(input.terminating ? { terminatingReplicas: input.terminating.length } : {}),
    observedGeneration: input.generation,
    conditions: conditionsOf(input),
  };
  if (!status.conditions?.length) delete status.conditions;
  return omitZero(status, ['replicas', 'terminatingReplicas']);
}

function conditionsOf({ old, failure, replicas, active, nowMs }: ReplicaStatusInput): ReplicaSetCondition[] {
  if (failure === undefined) return withoutCondition(old?.conditions, 'ReplicaFailure');
  return withCondition<ReplicaSetCondition>(old?.conditions, {
    type: 'ReplicaFailure',
    status: 'True',
    reason: replicas > active.length ? 'FailedCreate' : 'FailedDelete',
    message: failure,
    lastTransitionTime: formatTime(nowMs),
  });
}
