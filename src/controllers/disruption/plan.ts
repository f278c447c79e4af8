import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from '#api';
import { formatTime } from '#base';
import { withCondition } from '../conditions.ts';
import { scaledValue } from '../int-or-percent.ts';
import { omitZero } from '../omit-zero.ts';
import { isReady } from '../pods.ts';

/** Upstream's DeletionTimeout: an eviction that was granted and not carried out for so long does not count any more. */
const deletionTimeoutMs = 120_000;

export interface DisruptionInput {
  budget: PodDisruptionBudget;
  /** Pods that the budget selects. */
  pods: readonly Pod[];
  /** How many pods the controllers of these pods want, or why that cannot be known; only asked where the budget needs it. */
  expectedScale(): number | { problem: string };
  nowMs: number;
}

export interface DisruptionPlan {
  status: PodDisruptionBudgetStatus;
  /** Evictions that were granted and not carried out. */
  notDeleted: Pod[];
  /** Why nothing is known, for an event; then no disruption is allowed. */
  problem: string | undefined;
  afterMs: number | undefined;
}

/** What a budget allows now. After upstream's trySync. */
export function planDisruption(input: DisruptionInput): DisruptionPlan {
  const { budget, pods } = input;
  const disrupted = stillDisrupted(input);
  const counts = countExpected(input);
  const old = budget.status?.conditions;
  const base = { observedGeneration: budget.metadata.generation, disruptedPods: disrupted.kept };
  const rest = { notDeleted: disrupted.notDeleted, afterMs: disrupted.afterMs };
  if ('problem' in counts) {
    const conditions = [...withCondition(old, conditionOf(input, 'False', 'SyncFailed', counts.problem))];
    const status = { ...base, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, disruptionsAllowed: 0 };
    return { ...rest, problem: counts.problem, status: finish({ ...budget.status, ...status, conditions }) };
  }
  const { expected, desired } = counts;
  const isHealthy = (pod: Pod) =>
    isReady(pod) && !pod.metadata.deletionTimestamp && disrupted.kept[pod.metadata.name] === undefined;
  const currentHealthy = pods.filter(isHealthy).length;
  const disruptionsAllowed = expected <= 0 ? 0 : Math.max(0, currentHealthy - desired);
  const [truth, reason] = disruptionsAllowed > 0 ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods'];
  const conditions = withCondition(old, conditionOf(input, truth, reason, ''));
  const status = {
    ...base,
    currentHealthy,
    desiredHealthy: desired,
    expectedPods: expected,
    disruptionsAllowed,
    conditions,
  };
  return { ...rest, problem: undefined, status: finish(status) };
}

function finish(status: PodDisruptionBudgetStatus): PodDisruptionBudgetStatus {
  const { disruptedPods, ...rest } = status;
  const kept = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const;
  return omitZero({ ...rest, ...(Object.keys(disruptedPods ?? {}).length ? { disruptedPods } : {}) }, kept);
}

function conditionOf({ budget, nowMs }: DisruptionInput, status: string, reason: string, message: string): Condition {
  const { generation } = budget.metadata;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  return { type: 'DisruptionAllowed', status, reason, message, lastTransitionTime: formatTime(nowMs), ...observed };
}

function countExpected({
  budget,
  pods,
  expectedScale,
}: DisruptionInput): { expected: number; desired: number } | { problem: string } {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  if (maxUnavailable === undefined && typeof minAvailable === 'number')
    return { expected: pods.length, desired: minAvailable };
  if (maxUnavailable === undefined && minAvailable === undefined) return { expected: pods.length, desired: 0 };
  const expected = expectedScale();
  if (typeof expected !== 'number') return expected;
  const desired =
    maxUnavailable === undefined
      ? scaledValue(minAvailable, expected, 'up')
      : Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up'));
  return { expected, desired };
}

/** Granted evictions that are still to be carried out: their pods count as gone. */
function stillDisrupted({ budget, pods, nowMs }: DisruptionInput) {
  const kept: Record<string, string> = {};
  const notDeleted: Pod[] = [];
  let afterMs: number | undefined;
  for (const [name, time] of Object.entries(budget.status?.disruptedPods ?? {})) {
    const pod = pods.find(({ metadata }) => metadata.name === name);
    if (!pod || pod.metadata.deletionTimestamp) continue;
    const leftMs = Date.parse(time) + deletionTimeoutMs - nowMs;
    if (leftMs < 0) notDeleted.push(pod);
    else {
      kept[name] = time;
      afterMs = Math.min(afterMs ?? leftMs, leftMs);
    }
  }
  return { kept, notDeleted, afterMs };
}
