import { matchesLabelSelector, type Pod, type PodDisruptionBudget } from '#api';
import { filterNodes } from './cycle.ts';
import { type NodeState, withoutPods } from './node-state.ts';
import type { Cycle, SchedulerPlugin } from './plugin.ts';

export interface Preemption {
  node: string;
  victims: readonly Pod[];
}

/**
 * Which pods of lower priority must go so that the pod fits, on the node where that hurts least: fewest broken disruption budgets, then lowest highest
 * priority, lowest sum of priorities, fewest pods, latest start (upstream's order). Undefined when it helps nowhere. Pure.
 */
export function planPreemption(options: {
  cycle: Cycle;
  helpable: readonly NodeState[];
  plugins: readonly SchedulerPlugin[];
  budgets: readonly PodDisruptionBudget[];
}): Preemption | undefined {
  const { cycle, helpable, plugins, budgets } = options;
  if (cycle.pod.spec.preemptionPolicy === 'Never') return undefined;
  const candidates = helpable.flatMap(state => {
    const victims = victimsOn({ cycle, state, plugins, budgets });
    return victims ? [{ state, victims, cost: costOf(victims, budgets) }] : [];
  });
  const best = candidates.sort((a, b) => compareCosts(a.cost, b.cost))[0];
  return best && { node: best.state.node.metadata.name, victims: best.victims };
}

/** `0/2 nodes are available: 2 No preemption victims found for incoming pod.` */
export function describeNoPreemption(cycle: Cycle, helpable: readonly NodeState[]): string {
  const total = cycle.nodes.length;
  const reasons: string[] = [];
  if (helpable.length) reasons.push(`${helpable.length} No preemption victims found for incoming pod`);
  if (total > helpable.length) reasons.push(`${total - helpable.length} Preemption is not helpful for scheduling`);
  return `preemption: 0/${total} nodes are available: ${reasons.sort().join(', ')}.`;
}

export function priorityOf(pod: Pod): number {
  return pod.spec.priority ?? 0;
}

function victimsOn(options: {
  cycle: Cycle;
  state: NodeState;
  plugins: readonly SchedulerPlugin[];
  budgets: readonly PodDisruptionBudget[];
}): Pod[] | undefined {
  const { cycle, state, plugins, budgets } = options;
  const lower = state.pods.filter(pod => priorityOf(pod) < priorityOf(cycle.pod));
  if (lower.length === 0) return undefined;
  const fits = (gone: readonly Pod[]) => {
    const without = withoutPods(state, gone);
    const nodes = cycle.nodes.map(other => (other === state ? without : other));
    return filterNodes({ ...cycle, nodes }, plugins).feasible.includes(without);
  };
  if (!fits(lower)) return undefined;
  // Spare as many as possible, the important ones (protected by a budget, then by priority) first.
  const victims = new Set(lower);
  const byWorth = [...lower].sort(
    (a, b) => Number(isProtected(b, budgets)) - Number(isProtected(a, budgets)) || priorityOf(b) - priorityOf(a),
  );
  for (const pod of byWorth) {
    victims.delete(pod);
    if (!fits([...victims])) victims.add(pod);
  }
  return [...victims];
}

function isProtected(pod: Pod, budgets: readonly PodDisruptionBudget[]): boolean {
  return budgets.some(
    budget =>
      budget.metadata.namespace === pod.metadata.namespace &&
      budget.spec.selector !== undefined &&
      matchesLabelSelector(budget.spec.selector, pod.metadata.labels ?? {}) &&
      (budget.status?.disruptionsAllowed ?? 0) <= 0,
  );
}

function costOf(victims: readonly Pod[], budgets: readonly PodDisruptionBudget[]): number[] {
  const priorities = victims.map(priorityOf);
  const starts = victims.map(pod => Date.parse(pod.status?.startTime ?? '') || 0);
  return [
    victims.filter(pod => isProtected(pod, budgets)).length,
    Math.max(...priorities),
    priorities.reduce((sum, priority) => sum + priority, 0),
    victims.length,
    -Math.min(...starts),
  ];
}

function compareCosts(a: readonly number[], b: readonly number[]): number {
  const index = a.findIndex((value, position) => value !== b[position]);
  return index < 0 ? 0 : a[index]! - b[index]!;
}
