import type { Pod } from '#api';
import { type Amounts, podRequests } from '../amounts.ts';
import type { NodeState } from '../node-state.ts';
import type { SchedulerPlugin } from '../plugin.ts';

/** What a container without requests is taken to need when nodes are compared (upstream: 100m, 200 MB). */
const assumed = { cpu: 100, memory: 200 * 1024 * 1024 } as const;
const compared = ['cpu', 'memory'] as const;

/** A node must have room for what the pod requests; the emptier node is the better one. */
export const resourcesFit: SchedulerPlugin = {
  name: 'NodeResourcesFit',
  filter: ({ pod }) => {
    const requests = podRequests(pod);
    return {
      check: state => {
        const lacking = [...requests].filter(([name, amount]) => amount > 0 && amount > free(state, name));
        if (lacking.length === 0) return undefined;
        const final = lacking.some(([name, amount]) => amount > (state.allocatable.get(name) ?? 0));
        const reasons = lacking.map(([name]) => (name === 'pods' ? 'Too many pods' : `Insufficient ${name}`));
        return { reasons, final };
      },
    };
  },
  score: {
    weight: 1,
    normalize: 'none',
    prepare: ({ pod }) => ({
      score: state => {
        const parts = usedParts(state, pod).map(part => Math.max(0, 1 - part) * 100);
        return Math.floor(parts.reduce((sum, part) => sum + part, 0) / parts.length);
      },
    }),
  },
};

/** The better node is the one whose cpu and memory are used to the same degree afterwards. */
export const balancedAllocation: SchedulerPlugin = {
  name: 'NodeResourcesBalancedAllocation',
  score: {
    weight: 1,
    normalize: 'none',
    prepare: ({ pod }) => ({
      score: state => {
        const parts = usedParts(state, pod).map(part => Math.min(1, part));
        const mean = parts.reduce((sum, part) => sum + part, 0) / parts.length;
        const variance = parts.reduce((sum, part) => sum + (part - mean) ** 2, 0) / parts.length;
        return Math.floor((1 - Math.sqrt(variance)) * 100);
      },
    }),
  },
};

function free(state: NodeState, name: string): number {
  return (state.allocatable.get(name) ?? 0) - (state.requested.get(name) ?? 0);
}

/** Part of cpu and memory that would be used with the pod on the node. */
function usedParts(state: NodeState, pod: Pod): number[] {
  const wanted = nonZero(podRequests(pod));
  return compared.map(name => {
    const allocatable = state.allocatable.get(name) ?? 0;
    return allocatable === 0 ? 1 : ((state.requested.get(name) ?? 0) + wanted(name)) / allocatable;
  });
}

function nonZero(requests: Amounts): (name: (typeof compared)[number]) => number {
  return name => requests.get(name) || assumed[name];
}
