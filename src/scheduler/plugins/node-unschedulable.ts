import { tolerates } from '#api';
import type { SchedulerPlugin } from '../plugin.ts';

const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Cordoned nodes take only pods that tolerate it. */
export const nodeUnschedulable: SchedulerPlugin = {
  name: 'NodeUnschedulable',
  filter: ({ pod }) => ({
    check: ({ node }) =>
      node.spec.unschedulable && !(pod.spec.tolerations ?? []).some(toleration => tolerates(toleration, taint))
        ? { reasons: ['node(s) were unschedulable'], final: true }
        : undefined,
  }),
};
