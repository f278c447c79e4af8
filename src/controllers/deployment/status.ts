import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '#api';
import { formatTime } from '#base';
import { findCondition, withoutCondition } from '../conditions.ts';
import { omitZero } from '../omit-zero.ts';
import { fenceposts, replicasOf, total } from './sizes.ts';

/** No limit: what a missing progressDeadlineSeconds and upstream's MaxInt32 both mean. */
const noDeadline = 2147483647;

export interface StatusInput {
  deployment: Deployment;
  sets: readonly ReplicaSet[];
  current: ReplicaSet | undefined;
  nowMs: number;
}

/** Counts, and whether enough is available. */
export function planStatus({ deployment, sets, current, nowMs }: StatusInput): DeploymentStatus {
  const sum = (of: (set: ReplicaSet) => number | undefined) => sets.reduce((all, set) => all + (of(set) ?? 0), 0);
  const availableReplicas = sum(set => set.status?.availableReplicas);
  const { collisionCount } = deployment.status ?? {};
  const enough = availableReplicas >= replicasOf(deployment) - fenceposts(deployment).maxUnavailable;
  const available = condition(nowMs, {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
  });
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata.generation,
    replicas: sum(set => set.status?.replicas),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sum(set => set.status?.readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(0, total(sets) - availableReplicas),
    terminatingReplicas: sum(set => set.status?.terminatingReplicas),
    conditions: setCondition(deployment.status?.conditions, available),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  return omitZero(status, ['terminatingReplicas', 'collisionCount']);
}

/** The status of a rollout under way: with progress and the sets' failures. */
export function planRolloutStatus(input: StatusInput): DeploymentStatus {
  const { deployment, sets, current, nowMs } = input;
  const status = planStatus(input);
  let conditions = status.conditions;
  const progressing = findCondition(deployment.status?.conditions, 'Progressing');
  const complete =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && progressing?.reason === 'NewReplicaSetAvailable';
  if (!hasDeadline(deployment)) conditions = withoutCondition(conditions, 'Progressing');
  else if (!complete) conditions = withProgress(input, status);
  const failure = [...(current ? [current] : []), ...sets]
    .map(set => findCondition(set.status?.conditions, 'ReplicaFailure'))
    .find(found => found !== undefined);
  conditions = failure
    ? setCondition(conditions, condition(nowMs, failure))
    : withoutCondition(conditions, 'ReplicaFailure');
  return { ...status, conditions };
}

function withProgress({ deployment, current, nowMs }: StatusInput, status: DeploymentStatus): DeploymentCondition[] {
  const subject = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const old = findCondition(status.conditions, 'Progressing');
  const say = (truth: string, reason: string, text: string) =>
    condition(nowMs, { type: 'Progressing', status: truth, reason, message: `${subject} ${text}` });
  if (isComplete(deployment, status)) {
    return setCondition(status.conditions, say('True', 'NewReplicaSetAvailable', 'has successfully progressed.'));
  }
  if (hasProgressed(deployment, status)) {
    const next = say('True', 'ReplicaSetUpdated', 'is progressing.');
    if (old?.status === 'True') next.lastTransitionTime = old.lastTransitionTime;
    return [...withoutCondition(status.conditions, 'Progressing'), next];
  }
  if (untilDeadlineMs(deployment, status, nowMs) < 0) {
    return setCondition(status.conditions, say('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'));
  }
  return status.conditions ?? [];
}

/** All replicas are of the new template and available, and nothing old is left. */
export function isComplete({ metadata, spec }: Deployment, status: DeploymentStatus): boolean {
  const replicas = spec.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}

function hasProgressed({ status: old = {} }: Deployment, now: DeploymentStatus): boolean {
  const oldPods = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    oldPods(now) < oldPods(old) ||
    (now.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  );
}

export function hasDeadline({ spec }: Deployment): boolean {
  return (spec.progressDeadlineSeconds ?? noDeadline) !== noDeadline;
}

/** Milliseconds that the rollout may still stand still, negative when it has for too long; NaN where no deadline applies. */
export function untilDeadlineMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number {
  const progressing = findCondition(status.conditions, 'Progressing');
  if (!progressing || progressing.reason === 'NewReplicaSetAvailable') return Number.NaN;
  if (progressing.reason === 'ProgressDeadlineExceeded') return Number.NEGATIVE_INFINITY;
  const deadlineMs = (deployment.spec.progressDeadlineSeconds ?? noDeadline) * 1000;
  return Date.parse(progressing.lastUpdateTime ?? '') + deadlineMs - nowMs;
}

/** As upstream: a condition of the same status and reason is left alone, and the transition time moves only with the status. */
export function setCondition(
  conditions: readonly DeploymentCondition[] | undefined,
  next: DeploymentCondition,
): DeploymentCondition[] {
  const old = findCondition(conditions, next.type);
  if (old && old.status === next.status && old.reason === next.reason) return [...(conditions ?? [])];
  const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : next.lastTransitionTime;
  return [...withoutCondition(conditions, next.type), { ...next, lastTransitionTime }];
}

/** A condition that was seen now. */
export function condition(
  nowMs: number,
  { type, status, reason, message }: Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>,
): DeploymentCondition {
  const now = formatTime(nowMs);
  return { type, status, reason, message, lastUpdateTime: now, lastTransitionTime: now };
}
