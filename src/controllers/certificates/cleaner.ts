import type { CertificateSigningRequest } from '#api';
import { resources } from '#api';
import { isNotFound, refOf } from '#client';
import type { ControllerSpec } from '../controller.ts';
import { startLoop } from '../loop.ts';
import { certificateEndMs } from './request.ts';

const { certificatesigningrequests } = resources;
const hourMs = 60 * 60 * 1000;
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;

/** When a request is of no more use: an hour after it was decided, a day after it was made when nobody did, and when its certificate ends. */
export async function uselessAtMs(object: CertificateSigningRequest): Promise<number | undefined> {
  const { metadata, status } = object;
  const conditions = status?.conditions ?? [];
  if (!conditions.length) return Date.parse(metadata.creationTimestamp ?? '') + pendingMs;
  const ends = conditions
    .filter(({ type }) => type === 'Denied' || type === 'Failed' || (type === 'Approved' && status?.certificate))
    .map(({ lastUpdateTime }) => Date.parse(lastUpdateTime ?? '') + decidedMs);
  const endMs = await certificateEndMs(object);
  if (endMs !== undefined) ends.push(endMs);
  return ends.length ? Math.min(...ends) : undefined;
}

/** Deletes requests that are of no more use. */
export const certificateCleaner: ControllerSpec = {
  name: 'certificatesigningrequest-cleaner-controller',
  serviceAccount: 'certificate-controller',
  reads: [certificatesigningrequests],
  writes: [{ resource: certificatesigningrequests, verbs: ['delete'] }],
  async start(deps) {
    const all = deps.informers.of(certificatesigningrequests);
    const sync = async (name: string) => {
      const cached = all.get(undefined, name);
      const atMs = cached && (await uselessAtMs(cached));
      if (!cached || atMs === undefined) return;
      // Timers end at 24.8 days: a certificate's end is looked at again before that.
      if (atMs > deps.clock.now()) return { afterMs: Math.min(atMs - deps.clock.now(), pendingMs) };
      const { uid, resourceVersion } = cached.metadata;
      try {
        await deps.client.delete(certificatesigningrequests, refOf(cached), {
          preconditions: { uid, resourceVersion },
        });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return;
    };
    const loop = startLoop(deps, { name: 'certificate-cleaner', informers: [all], sync });
    loop.on(all, ({ type, object }) => (type === 'deleted' ? [] : [object.metadata.name]));
    return loop;
  },
};
