import type { Job } from '#api';
import { resources } from '#api';
import { isNotFound, refOf } from '#client';
import { hasCondition } from '../conditions.ts';
import type { ControllerSpec } from '../controller.ts';
import { startLoop } from '../loop.ts';
import { refOfKey } from '../owners.ts';

const { jobs } = resources;

/** When a job is to be deleted; undefined when it is not finished or has no time to live. */
export function expiryMs({ spec, status }: Job): number | undefined {
  const end = status?.conditions?.find(
    ({ type, status: truth }) => /^(Complete|Failed)$/.test(type) && truth === 'True',
  );
  if (!end || spec.ttlSecondsAfterFinished === undefined) return undefined;
  return Date.parse(end.lastTransitionTime ?? '') + spec.ttlSecondsAfterFinished * 1000;
}

/** Deletes finished jobs some time after their end, where they say so. */
export const ttlAfterFinished: ControllerSpec = {
  name: 'ttl-after-finished-controller',
  serviceAccount: 'ttl-after-finished-controller',
  reads: [jobs],
  writes: [{ resource: jobs, verbs: ['delete'] }],
  async start(deps) {
    const all = deps.informers.of(jobs);
    const sync = async (key: string) => {
      const ref = refOfKey(key);
      const cached = all.get(ref.namespace, ref.name);
      const atMs = cached && !cached.metadata.deletionTimestamp ? expiryMs(cached) : undefined;
      if (!cached || atMs === undefined) return;
      if (atMs > deps.clock.now()) return { afterMs: atMs - deps.clock.now() };
      const { uid, resourceVersion } = cached.metadata;
      try {
        // The version keeps a time to live that was changed just now from being missed.
        const preconditions = { uid, resourceVersion };
        await deps.client.delete(jobs, refOf(cached), { propagationPolicy: 'Foreground', preconditions });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return;
    };
    const loop = startLoop(deps, { name: 'ttl-after-finished', informers: [all], sync });
    loop.on(all, ({ type, object }) =>
      type !== 'deleted' && hasEnd(object) ? [`${object.metadata.namespace}/${object.metadata.name}`] : [],
    );
    return loop;
  },
};

const hasEnd = ({ status, spec }: Job) =>
  spec.ttlSecondsAfterFinished !== undefined &&
  (hasCondition(status?.conditions, 'Complete') || hasCondition(status?.conditions, 'Failed'));
