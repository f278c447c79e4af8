import { matchesNodeTerm, matchesPodNodeSelector } from '#api';
import type { SchedulerPlugin } from '../plugin.ts';

/** nodeSelector and node affinity: required ones refuse, preferred ones add their weight. */
export const nodeAffinity: SchedulerPlugin = {
  name: 'NodeAffinity',
  filter: ({ pod }) =>
    pod.spec.nodeSelector || pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      ? {
          check: ({ node }) =>
            matchesPodNodeSelector(pod, node)
              ? undefined
              : { reasons: ["node(s) didn't match Pod's node affinity/selector"], final: true },
        }
      : undefined,
  score: {
    weight: 2,
    normalize: 'max',
    prepare: ({ pod }) => {
      const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      if (preferred.length === 0) return undefined;
      return {
        score: ({ node }) =>
          preferred
            .filter(({ preference }) => matchesNodeTerm(preference, node))
            .reduce((sum, { weight }) => sum + weight, 0),
      };
    },
  },
};
