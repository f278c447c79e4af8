import { StoreError } from '#store';
import type { Core } from '../core.ts';
import { internalError, tooLargeResourceVersion } from '../errors.ts';

/** How long a read waits for a state that it asks for and that is not there yet, as upstream. */
const maxWaitMs = 3000;

/**
 * Makes the cache as fresh as a read demands: undefined means every acknowledged write, 0 anything, else at least that revision. Undefined (no promise)
 * when it is so already, which is the usual case. Where several servers share the store, it is asked what the others have written. Rejects with 504 when
 * the wanted state does not come, and with 500 when the store does not answer.
 */
export function freshEnough(core: Core, atLeast: number | undefined): Promise<void> | undefined {
  const { cache, store } = core;
  if (store.current && (atLeast === undefined || cache.revision < atLeast)) return catchUp(core, atLeast);
  const wanted = atLeast ?? store.revision();
  if (cache.revision >= wanted) return undefined;
  return waitFor(core, wanted);
}

/** Asking also makes the store see to it that its watch gets there. */
async function catchUp(core: Core, atLeast: number | undefined): Promise<void> {
  let current: number;
  try {
    current = await core.store.current!();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    core.log.warn('the store does not say how new it is', { error });
    throw internalError(error.message);
  }
  const wanted = atLeast ?? current;
  if (core.cache.revision < wanted) await waitFor(core, wanted);
}

async function waitFor(core: Core, revision: number): Promise<void> {
  const late = new AbortController();
  const timer = core.clock.timer(maxWaitMs, () => late.abort(), { unref: true });
  try {
    await core.cache.waitFor(revision, late.signal);
  } catch {
    // The only reason for a rejection is that the time is over.
    throw tooLargeResourceVersion(revision, core.cache.revision);
  } finally {
    timer[Symbol.dispose]();
  }
}
