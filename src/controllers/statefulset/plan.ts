import type { Pod, StatefulSet, StatefulSetStatus } from '#api';
import { scaledValue } from '../int-or-percent.ts';
import { omitZero } from '../omit-zero.ts';
import { isAvailable, isFinished, isReady } from '../pods.ts';
import type { Revision } from './identity.ts';
import { buildSetPod, ordinalOf, revisionOf, startOf } from './identity.ts';

export interface StatefulSetInput {
  set: StatefulSet;
  /** Pods that the set manages. */
  pods: readonly Pod[];
  /** What pods were made from before the update under way; the same as `update` when there is none. */
  current: Revision;
  update: Revision;
  nowMs: number;
}

export interface StatefulSetPlan {
  /** Ordinals to create a pod for (and its claims), each with its pod. */
  create: { ordinal: number; pod: Pod }[];
  remove: Pod[];
  /** Removed because the set shrinks: their claims may go with them. */
  condemned: Pod[];
  /** Finished ones among `remove`, which are made anew. */
  recreate: Pod[];
  status: StatefulSetStatus;
}

/** One step of a stateful set: one pod at a time in order, or all at once when it says Parallel. After upstream's updateStatefulSet. */
export function planStatefulSet(input: StatefulSetInput): StatefulSetPlan {
  const { set, pods } = input;
  const replicas = set.spec.replicas ?? 1;
  const [first, end] = [startOf(set), startOf(set) + replicas];
  const byOrdinal = new Map(pods.map(pod => [ordinalOf(set, pod) ?? -1, pod]));
  const isMember = (ordinal: number) => ordinal >= first && ordinal < end;
  const ordinals = Array.from({ length: replicas }, (_, index) => first + index);
  const condemned = pods.filter(pod => !isMember(ordinalOf(set, pod) ?? -1));
  condemned.sort((a, b) => (ordinalOf(set, b) ?? 0) - (ordinalOf(set, a) ?? 0));
  const plan: StatefulSetPlan = { create: [], remove: [], condemned: [], recreate: [], status: planStatus(input) };
  if (set.metadata.deletionTimestamp) return plan;
  const slots: Slots = { ordinals, byOrdinal, condemned };
  const proceed = fill(input, slots, plan) && shrink(input, slots, plan);
  if (proceed && set.spec.updateStrategy?.type !== 'OnDelete') roll(input, slots, plan);
  return plan;
}

interface Slots {
  ordinals: readonly number[];
  byOrdinal: ReadonlyMap<number, Pod>;
  /** Highest ordinal first. */
  condemned: readonly Pod[];
}

const isOrdered = ({ spec }: StatefulSet) => spec.podManagementPolicy !== 'Parallel';

function isHealthy({ set, nowMs }: StatefulSetInput, pod: Pod | undefined): boolean {
  if (!pod || pod.metadata.deletionTimestamp || pod.status?.phase !== 'Running') return false;
  return isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs);
}

/** Creates what is missing, and replaces what has finished. False: the order demands to wait here. */
function fill(input: StatefulSetInput, { ordinals, byOrdinal }: Slots, plan: StatefulSetPlan): boolean {
  const ordered = isOrdered(input.set);
  for (const ordinal of ordinals) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) plan.create.push({ ordinal, pod: buildSetPod(input.set, ordinal, revisionFor(input, ordinal)) });
    else if (isFinished(pod) && !pod.metadata.deletionTimestamp) {
      plan.remove.push(pod);
      plan.recreate.push(pod);
    }
    if (ordered && !isHealthy(input, pod)) return false;
  }
  return true;
}

function revisionFor({ set, current, update }: StatefulSetInput, ordinal: number): Revision {
  const { type = 'RollingUpdate', rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type !== 'RollingUpdate') return update;
  const old = rollingUpdate ? (rollingUpdate.partition ?? 0) : (set.status?.currentReplicas ?? 0);
  return ordinal < startOf(set) + old ? current : update;
}

/** Removes surplus pods, the highest first. False: the order demands to wait here. */
function shrink(input: StatefulSetInput, { condemned }: Slots, plan: StatefulSetPlan): boolean {
  const ordered = isOrdered(input.set);
  for (const pod of condemned) {
    if (!pod.metadata.deletionTimestamp) {
      plan.remove.push(pod);
      plan.condemned.push(pod);
    }
    if (ordered) return false;
  }
  return true;
}

/** Replaces pods of the old revision, from the highest ordinal down to the partition. */
function roll(input: StatefulSetInput, { ordinals, byOrdinal }: Slots, plan: StatefulSetPlan): void {
  const { set, update } = input;
  const { rollingUpdate } = set.spec.updateStrategy ?? {};
  const from = startOf(set) + (rollingUpdate?.partition ?? 0);
  const most = Math.max(1, scaledValue(rollingUpdate?.maxUnavailable ?? 1, ordinals.length, 'up'));
  let unavailable = ordinals.filter(ordinal => !isHealthy(input, byOrdinal.get(ordinal))).length;
  for (const ordinal of ordinals.toReversed()) {
    const pod = byOrdinal.get(ordinal);
    if (ordinal < from || !pod) continue;
    const old = revisionOf(pod) !== update.name && !pod.metadata.deletionTimestamp;
    const broken = !isHealthy(input, pod);
    if (old && (broken || unavailable < most)) {
      plan.remove.push(pod);
      if (!broken) unavailable++;
    }
    if (unavailable >= most) return;
  }
}

function planStatus(input: StatefulSetInput): StatefulSetStatus {
  const { set, pods, current, update, nowMs } = input;
  const { collisionCount, conditions } = set.status ?? {};
  const ready = pods.filter(pod => pod.status?.phase === 'Running' && isReady(pod));
  const count = (name: string) =>
    pods.filter(pod => !pod.metadata.deletionTimestamp && revisionOf(pod) === name).length;
  const status: StatefulSetStatus = {
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter(pod => isAvailable(pod, set.spec.minReadySeconds ?? 0, nowMs)).length,
    currentReplicas: count(current.name),
    updatedReplicas: count(update.name),
    currentRevision: current.name,
    updateRevision: update.name,
    collisionCount: collisionCount ?? 0,
    ...(conditions?.length ? { conditions } : {}),
  };
  const rolling = set.spec.updateStrategy?.type !== 'OnDelete';
  const done = status.updatedReplicas === status.replicas && status.readyReplicas === status.replicas;
  if (rolling && done && status.replicas === (set.spec.replicas ?? 1)) {
    status.currentReplicas = status.updatedReplicas;
    status.currentRevision = update.name;
  }
  return omitZero(status, ['replicas', 'availableReplicas', 'collisionCount']);
}
