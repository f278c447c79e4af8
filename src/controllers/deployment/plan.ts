import type { Deployment, DeploymentStatus, Pod, ReplicaSet } from '#api';
import { findCondition, withCondition } from '../conditions.ts';
import { isFinished } from '../pods.ts';
import {
  buildReplicaSet,
  byCreation,
  desiredAnnotation,
  findNewReplicaSet,
  newSetAnnotations,
  nextRevision,
  replicasAnnotations,
  revisionAnnotation,
  revisionOf,
} from './revisions.ts';
import type { Sizes } from './sizes.ts';
import {
  annotationNumber,
  isRolling,
  isSaturated,
  maxReplicasOf,
  newSetSize,
  oldSetSizes,
  proportionalSizes,
  replicasOf,
} from './sizes.ts';
import { condition, hasDeadline, isComplete, planRolloutStatus, planStatus, setCondition } from './status.ts';

export interface DeploymentInput {
  deployment: Deployment;
  /** Sets that the deployment manages. */
  sets: readonly ReplicaSet[];
  /** All pods of these sets. */
  podsOf(set: ReplicaSet): readonly Pod[];
  nowMs: number;
}

/** One step. The next one follows when the informers show what this one did. */
export interface DeploymentPlan {
  create?: ReplicaSet;
  /** Sets as they are to be written; with `from` where the size changes, for the event. */
  update: { set: ReplicaSet; from?: number }[];
  remove: ReplicaSet[];
  status: DeploymentStatus;
  /** The deployment's own revision annotation. */
  revision: string | undefined;
}

/** What brings a deployment one step nearer to what it asks for. After upstream's syncDeployment. */
export function planDeployment(input: DeploymentInput): DeploymentPlan {
  const deployment = withPauseCondition(input.deployment, input.nowMs);
  const current = findNewReplicaSet(deployment, input.sets);
  const old = input.sets.filter(set => set !== current);
  const view: View = { ...input, deployment, current, old };
  const revision = revisionAfter(view);
  const plan = (parts: Partial<DeploymentPlan>): DeploymentPlan => ({
    ...{ update: [], remove: [], revision, status: planRolloutStatus(view) },
    ...parts,
  });
  if (deployment.metadata.deletionTimestamp) return plan({ status: planStatus(view), revision: undefined });
  const annotate = current && !isAnnotated(view) ? [{ set: withRevision(view) }] : [];
  if (annotate.length) return plan({ update: annotate, status: noteFound(view) });
  if (deployment.spec.paused || isScaling(view)) {
    const update = planScale(view);
    const remove = deployment.spec.paused && !update.length ? planCleanup(view) : [];
    return plan({ update, remove, status: planStatus(view) });
  }
  const step = isRolling(deployment) ? planRolling(view) : planRecreate(view);
  if (step.create) return plan({ ...step, status: noteCreated(view, step.create) });
  if (step.update?.length) return plan(step);
  const done = isComplete(deployment, planStatus(view));
  return plan({ ...step, remove: done ? planCleanup(view) : [] });
}

interface View extends DeploymentInput {
  current: ReplicaSet | undefined;
  old: readonly ReplicaSet[];
}

/** Says in Progressing that a rollout is paused or goes on again, so that its deadline starts anew. */
function withPauseCondition(deployment: Deployment, nowMs: number): Deployment {
  if (!hasDeadline(deployment)) return deployment;
  const old = findCondition(deployment.status?.conditions, 'Progressing');
  const { paused = false } = deployment.spec;
  const wasPaused = old?.reason === 'DeploymentPaused';
  if (old?.reason === 'ProgressDeadlineExceeded' || paused === wasPaused) return deployment;
  const next = condition(nowMs, {
    ...{ type: 'Progressing', status: 'Unknown' },
    ...(paused
      ? { reason: 'DeploymentPaused', message: 'Deployment is paused' }
      : { reason: 'DeploymentResumed', message: 'Deployment is resumed' }),
  });
  return {
    ...deployment,
    status: { ...deployment.status, conditions: setCondition(deployment.status?.conditions, next) },
  };
}

function revisionAfter({ current, old, deployment }: View): string | undefined {
  if (!current) return deployment.spec.paused ? undefined : nextRevision(old);
  return newSetAnnotations(deployment, current, nextRevision(old))[revisionAnnotation];
}

/** Has the new set the annotations and readiness time that the deployment now gives it? */
function isAnnotated(view: View): boolean {
  const { metadata, spec } = view.current!;
  const wanted = withRevision(view);
  const same = Object.entries(wanted.metadata.annotations ?? {}).every(([key, v]) => metadata.annotations?.[key] === v);
  return same && (spec.minReadySeconds ?? 0) === (view.deployment.spec.minReadySeconds ?? 0);
}

function withRevision({ deployment, current, old }: View): ReplicaSet {
  const set = current!;
  const annotations = newSetAnnotations(deployment, set, nextRevision(old));
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  return { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, minReadySeconds } };
}

function noteFound(view: View): DeploymentStatus {
  const status = planRolloutStatus(view);
  const known = findCondition(status.conditions, 'Progressing');
  if (known || !hasDeadline(view.deployment)) return status;
  return noteProgress(view, status, 'FoundNewReplicaSet', `Found new replica set "${view.current!.metadata.name}"`);
}

function noteCreated(view: View, set: ReplicaSet): DeploymentStatus {
  const status = planStatus(view);
  if (!hasDeadline(view.deployment)) return status;
  return noteProgress(view, status, 'NewReplicaSetCreated', `Created new replica set "${set.metadata.name}"`);
}

function noteProgress({ nowMs }: View, status: DeploymentStatus, reason: string, message: string): DeploymentStatus {
  const progress = condition(nowMs, { type: 'Progressing', status: 'True', reason, message });
  return { ...status, conditions: withCondition(status.conditions, progress) };
}

/** The replicas changed since the sets were last sized. */
function isScaling({ deployment, sets }: View): boolean {
  return sets
    .filter(set => replicasOf(set) > 0)
    .some(set => {
      const desired = annotationNumber(set, desiredAnnotation);
      return desired !== undefined && desired !== replicasOf(deployment);
    });
}

function planScale(view: View): DeploymentPlan['update'] {
  const { deployment, current, old, sets } = view;
  const active = sets.filter(set => replicasOf(set) > 0);
  const newest = current ?? [...old].sort(byCreation).at(-1);
  const only = active.length === 0 ? newest : active.length === 1 ? active[0] : undefined;
  if (only) {
    return replicasOf(only) === replicasOf(deployment) &&
      annotationNumber(only, desiredAnnotation) === replicasOf(deployment)
      ? []
      : resize(deployment, new Map([[only, replicasOf(deployment)]]));
  }
  if (isSaturated(deployment, current)) return resize(deployment, zero(old));
  return isRolling(deployment) ? resize(deployment, proportionalSizes(deployment, active)) : [];
}

function planRolling(view: View): Partial<DeploymentPlan> {
  const { deployment, sets, current, old } = view;
  if (!current) return { create: newSet(view) };
  const replicas = replicasOf(deployment);
  const size = replicasOf(current) > replicas ? replicas : newSetSize(deployment, sets, current);
  const grown = resize(deployment, new Map([[current, size]]));
  if (grown.length) return { update: grown };
  const active = old.filter(set => replicasOf(set) > 0);
  return { update: resize(deployment, oldSetSizes(deployment, active, current)) };
}

function planRecreate(view: View): Partial<DeploymentPlan> {
  const { deployment, current, old, podsOf } = view;
  const shrunk = resize(deployment, zero(old));
  if (shrunk.length) return { update: shrunk };
  const running = old.some(set => (set.status?.replicas ?? 0) > 0 || podsOf(set).some(pod => !isFinished(pod)));
  if (running) return {};
  if (!current) return { create: newSet(view) };
  return { update: resize(deployment, new Map([[current, replicasOf(deployment)]])) };
}

function newSet({ deployment, sets, old }: View): ReplicaSet {
  return buildReplicaSet({
    deployment,
    replicas: newSetSize(deployment, sets, undefined),
    maxReplicas: maxReplicasOf(deployment),
    revision: nextRevision(old),
  });
}

const zero = (sets: readonly ReplicaSet[]): Sizes =>
  new Map(sets.filter(set => replicasOf(set) > 0).map(set => [set, 0]));

/** The sets whose size or whose note of the deployment's size has to change. */
function resize(deployment: Deployment, sizes: Sizes): DeploymentPlan['update'] {
  const notes = replicasAnnotations(replicasOf(deployment), maxReplicasOf(deployment));
  return [...sizes].flatMap(([set, size]) => {
    const annotations = { ...set.metadata.annotations, ...notes };
    const noted = Object.entries(notes).every(([key, value]) => set.metadata.annotations?.[key] === value);
    const from = replicasOf(set);
    if (from === size && noted) return [];
    const next = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas: size } };
    return [from === size ? { set: next } : { set: next, from }];
  });
}

/** Old sets beyond the history limit that have nothing left in them. */
function planCleanup({ deployment, old }: View): ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === 2147483647) return [];
  const candidates = old.filter(set => !set.metadata.deletionTimestamp);
  const surplus = candidates.length - limit;
  if (surplus <= 0) return [];
  return [...candidates]
    .sort((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    .slice(0, surplus)
    .filter(({ metadata, spec, status }) => {
      const settled = (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0);
      return spec.replicas === 0 && (status?.replicas ?? 0) === 0 && settled;
    });
}
