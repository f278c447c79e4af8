import type { Random } from '#base';
import type { NodeState } from './node-state.ts';
import { type Cycle, PodRefusal, type Refusal, type SchedulerPlugin } from './plugin.ts';

export type CycleOutcome =
  | { node: string }
  /** Nobody takes the pod: the text of the event, and the nodes where removing pods might help. */
  | { refused: string; helpable: readonly NodeState[] };

export interface CycleOptions {
  cycle: Cycle;
  plugins: readonly SchedulerPlugin[];
  random: Random;
}

/** Finds the best node for the pod: filters, then weighted scores, ties by chance. Pure but for `random`. */
export function planCycle({ cycle, plugins, random }: CycleOptions): CycleOutcome {
  if (cycle.nodes.length === 0) return { refused: 'no nodes available to schedule pods', helpable: [] };
  try {
    const { feasible, refusals } = filterNodes(cycle, plugins);
    if (feasible.length === 0) {
      const helpable = cycle.nodes.filter(state => refusals.get(state)?.final === false);
      return { refused: describeRefusals(cycle.nodes.length, [...refusals.values()]), helpable };
    }
    return { node: pickNode({ cycle, plugins, random }, feasible).node.metadata.name };
  } catch (error) {
    if (!(error instanceof PodRefusal)) throw error;
    const { length } = cycle.nodes;
    return { refused: `0/${length} nodes are available: ${error.message}.`, helpable: [] };
  }
}

/** Which nodes take the pod, and why the others do not (the first plugin that refuses). */
export function filterNodes(cycle: Cycle, plugins: readonly SchedulerPlugin[]) {
  const filters = plugins.flatMap(plugin => plugin.filter?.(cycle) ?? []);
  const feasible: NodeState[] = [];
  const refusals = new Map<NodeState, Refusal>();
  for (const state of cycle.nodes) {
    const refusal = firstRefusal(filters, state);
    if (refusal) refusals.set(state, refusal);
    else feasible.push(state);
  }
  return { feasible, refusals };
}

function firstRefusal(filters: readonly { check(state: NodeState): Refusal | undefined }[], state: NodeState) {
  for (const filter of filters) {
    const refusal = filter.check(state);
    if (refusal) return refusal;
  }
  return undefined;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export function describeRefusals(nodeCount: number, refusals: readonly Refusal[]): string {
  const counts = new Map<string, number>();
  for (const reason of refusals.flatMap(refusal => refusal.reasons)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodeCount} nodes are available: ${reasons.join(', ')}.`;
}

function pickNode({ cycle, plugins, random }: CycleOptions, feasible: readonly NodeState[]): NodeState {
  if (feasible.length === 1) return feasible[0]!;
  const totals = new Array<number>(feasible.length).fill(0);
  for (const { score } of plugins) {
    const prepared = score?.prepare({ ...cycle, nodes: cycle.nodes });
    if (!score || !prepared) continue;
    const scores = normalize(
      feasible.map(state => prepared.score(state)),
      score.normalize,
    );
    for (const [index, value] of scores.entries()) totals[index]! += value * score.weight;
  }
  const best = Math.max(...totals);
  const winners = feasible.filter((_, index) => totals[index] === best);
  return winners[Math.floor(random.next() * winners.length)]!;
}

function normalize(scores: readonly number[], how: 'none' | 'max' | 'reverse' | 'min-max'): readonly number[] {
  const [lowest, highest] = [Math.min(...scores), Math.max(...scores)];
  switch (how) {
    case 'none':
      return scores;
    case 'max':
      return scores.map(score => (highest === 0 ? 0 : Math.floor((score * 100) / highest)));
    case 'reverse':
      return scores.map(score => (highest === 0 ? 100 : 100 - Math.floor((score * 100) / highest)));
    case 'min-max':
      return scores.map(score => (highest === lowest ? 0 : Math.floor(((score - lowest) * 100) / (highest - lowest))));
  }
}
