import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { createStoreLock, type StoreLock, type StoreLockDeps } from './store-lock.ts';

export interface AcrossServersDeps extends StoreLockDeps {
  /** Resolves when the reader shows everything up to the revision. */
  shown(revision: number): Promise<void>;
}

/** What must be decided by one server at a time: the name of the lock, or undefined when this request is nobody else's business. */
export type LockOf = (request: AdmissionRequest) => string | undefined;

/** Locks lie beside the objects: their events come to the cache in one row with those of the objects. */
const lockPrefix = '/registry/locks/';

/**
 * Makes plugins that count what is stored, and remember only their own server's writes on the way, right for several servers on one store: from their first look
 * to the end of the write, the server holds a lock, and what others wrote before it got the lock is shown by then. Without contention that costs two writes.
 */
export function createAcrossServers(deps: AcrossServersDeps) {
  const locks = new Map<string, StoreLock>();
  const lockNamed = (name: string) => {
    const lock = locks.get(name) ?? createStoreLock(lockPrefix + name, deps);
    locks.set(name, lock);
    return lock;
  };
  return (plugin: AdmissionPlugin, lockOf: LockOf): AdmissionPlugin => {
    const held = new Map<AdmissionRequest, StoreLock>();
    const enter = async (request: AdmissionRequest) => {
      const name = request.dryRun || held.has(request) ? undefined : lockOf(request);
      if (name === undefined) return;
      const lock = lockNamed(name);
      const revision = await lock.enter();
      held.set(request, lock);
      await deps.shown(revision);
    };
    const leave = (request: AdmissionRequest) => {
      held.get(request)?.leave();
      held.delete(request);
    };
    const { mutate, validate } = plugin;
    return {
      ...plugin,
      ...(mutate && {
        mutate: async (request: AdmissionRequest) => {
          await enter(request);
          await mutate(request);
        },
      }),
      ...(validate && {
        validate: async (request: AdmissionRequest) => {
          await enter(request);
          await validate(request);
        },
      }),
      release(request) {
        plugin.release?.(request);
        leave(request);
      },
      settle(request) {
        plugin.settle?.(request);
        leave(request);
      },
    };
  };
}
