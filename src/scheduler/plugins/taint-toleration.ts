import { tolerates, untolerated } from '#api';
import type { SchedulerPlugin } from '../plugin.ts';

/** Taints keep pods away (NoSchedule, NoExecute) or make a node less wanted (PreferNoSchedule). */
export const taintToleration: SchedulerPlugin = {
  name: 'TaintToleration',
  filter: ({ pod }) => ({
    check: ({ node }) =>
      untolerated(node.spec.taints, pod.spec.tolerations, ['NoSchedule', 'NoExecute'])
        ? { reasons: ['node(s) had untolerated taint(s)'], final: true }
        : undefined,
  }),
  score: {
    weight: 3,
    normalize: 'reverse',
    prepare: ({ pod }) => {
      const soft = (pod.spec.tolerations ?? []).filter(t => !t.effect || t.effect === 'PreferNoSchedule');
      return {
        score: ({ node }) =>
          (node.spec.taints ?? []).filter(
            taint => taint.effect === 'PreferNoSchedule' && !soft.some(toleration => tolerates(toleration, taint)),
          ).length,
      };
    },
  },
};
