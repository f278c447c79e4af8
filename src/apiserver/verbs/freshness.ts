import type { Core } from '../core.ts';
import { tooLargeResourceVersion } from '../errors.ts';

/** How long a read waits for a state that it asks for and that is not there yet, as upstream. */
const maxWaitMs = 3000;

/**
 * Makes the cache as fresh as a read demands: undefined means every acknowledged write, 0 anything, else at least that revision. Undefined (no promise)
 * when it is so already, which is the usual case. Rejects with 504 when the wanted state does not come.
 */
export function freshEnough(core: Core, atLeast: number | undefined): Promise<void> | undefined {
  const { cache, store } = core;
  const wanted = atLeast ?? store.revision();
  if (cache.revision >= wanted) return undefined;
  return waitFor(core, wanted);
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
