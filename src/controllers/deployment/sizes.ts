import type { Deployment, ReplicaSet } from '#api';
import { scaledValue } from '../int-or-percent.ts';
import { byCreation, desiredAnnotation, maxAnnotation } from './revisions.ts';

export const replicasOf = (object: { spec: { replicas?: number | undefined } }): number => object.spec.replicas ?? 1;

export const total = (sets: readonly ReplicaSet[]): number => sets.reduce((sum, set) => sum + replicasOf(set), 0);

export const isRolling = (deployment: Deployment): boolean => deployment.spec.strategy?.type !== 'Recreate';

/** How many pods a rollout may have too many and too few; never both none, or it could not go on. */
export function fenceposts(deployment: Deployment): { maxSurge: number; maxUnavailable: number } {
  const replicas = replicasOf(deployment);
  const { rollingUpdate } = deployment.spec.strategy ?? {};
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const maxSurge = scaledValue(rollingUpdate?.maxSurge ?? '25%', replicas, 'up');
  const resolved = scaledValue(rollingUpdate?.maxUnavailable ?? '25%', replicas, 'down');
  const maxUnavailable = maxSurge === 0 && resolved === 0 ? 1 : resolved;
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) };
}

/** Pods that a deployment may have at most while it rolls. */
export const maxReplicasOf = (deployment: Deployment): number =>
  replicasOf(deployment) + fenceposts(deployment).maxSurge;

/** Size of the new set in the next step of a rollout; `current` is undefined when it is still to be made. */
export function newSetSize(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
): number {
  const replicas = replicasOf(deployment);
  if (!isRolling(deployment)) return replicas;
  const size = current ? replicasOf(current) : 0;
  const room = maxReplicasOf(deployment) - total(sets);
  return room <= 0 ? size : size + Math.max(0, Math.min(room, replicas - size));
}

export type Sizes = Map<ReplicaSet, number>;

/** Next sizes of the old sets in a rolling update: first what is not available anyway, then as much as availability allows. */
export function oldSetSizes(deployment: Deployment, old: readonly ReplicaSet[], current: ReplicaSet): Sizes {
  const all = [...old, current];
  const sizes: Sizes = new Map();
  const minAvailable = replicasOf(deployment) - fenceposts(deployment).maxUnavailable;
  const newUnavailable = replicasOf(current) - (current.status?.availableReplicas ?? 0);
  const maxDown = total(all) - minAvailable - newUnavailable;
  if (total(old) === 0 || maxDown <= 0) return sizes;
  const sorted = [...old].sort(byCreation);
  const size = (set: ReplicaSet) => sizes.get(set) ?? replicasOf(set);
  let unhealthy = 0;
  for (const set of sorted) {
    const broken = Math.min(maxDown - unhealthy, size(set) - (set.status?.availableReplicas ?? 0));
    if (size(set) > 0 && broken > 0) sizes.set(set, size(set) - broken);
    unhealthy += Math.max(0, broken);
  }
  let spare = all.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0) - minAvailable;
  for (const set of sorted) {
    const down = Math.min(size(set), spare);
    if (down <= 0) continue;
    sizes.set(set, size(set) - down);
    spare -= down;
  }
  return sizes;
}

/** Sizes after a change of the replicas in the middle of a rollout: each active set in proportion to its part. */
export function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const allowed = replicasOf(deployment) > 0 ? maxReplicasOf(deployment) : 0;
  const change = allowed - total(active);
  const newestFirst = change >= 0;
  const sorted = [...active].sort(
    (a, b) => replicasOf(b) - replicasOf(a) || (newestFirst ? byCreation(b, a) : byCreation(a, b)),
  );
  const sizes: Sizes = new Map();
  let added = 0;
  for (const set of sorted) {
    const part = proportionOf(deployment, set, change, added);
    sizes.set(set, replicasOf(set) + part);
    added += part;
  }
  const [largest] = sorted;
  if (largest && change !== 0) sizes.set(largest, Math.max(0, sizes.get(largest)! + change - added));
  return sizes;
}

function proportionOf(deployment: Deployment, set: ReplicaSet, change: number, added: number): number {
  if (replicasOf(set) === 0 || change === 0 || change === added) return 0;
  const fraction = fractionOf(deployment, set);
  return change > 0 ? Math.min(fraction, change - added) : Math.max(fraction, change - added);
}

function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const size = replicasOf(set);
  if (replicasOf(deployment) === 0) return -size;
  const before = annotationNumber(set, maxAnnotation) || deployment.status?.replicas || 0;
  if (!before) return 0;
  return Math.round((size * maxReplicasOf(deployment)) / before) - size;
}

export function annotationNumber(set: ReplicaSet, name: string): number | undefined {
  const text = set.metadata.annotations?.[name];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The set has all the replicas that the deployment wants, and all are available. */
export function isSaturated(deployment: Deployment, set: ReplicaSet | undefined): boolean {
  const replicas = replicasOf(deployment);
  return (
    set !== undefined &&
    annotationNumber(set, desiredAnnotation) === replicas &&
    replicasOf(set) === replicas &&
    set.status?.availableReplicas === replicas
  );
}
