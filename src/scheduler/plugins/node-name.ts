import type { SchedulerPlugin } from '../plugin.ts';

/** A pod that names its node fits only there. */
export const nodeName: SchedulerPlugin = {
  name: 'NodeName',
  filter: ({ pod }) =>
    pod.spec.nodeName
      ? {
          check: ({ node }) =>
            node.metadata.name === pod.spec.nodeName
              ? undefined
              : { reasons: ["node(s) didn't match the requested node name"], final: true },
        }
      : undefined,
};
