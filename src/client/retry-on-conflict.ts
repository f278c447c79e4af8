import { isConflict } from './errors.ts';

/** Upstream's retry.DefaultRetry. */
const defaultAttempts = 5;

/**
 * Runs `attempt` again, at most `attempts` times in all, as long as it rejects with a conflict. `attempt` must read the object itself, so that
 * each try starts from the newest state. Any other rejection, or the last conflict, is passed on.
 */
export async function retryOnConflict<R>(attempt: () => Promise<R>, attempts = defaultAttempts): Promise<R> {
  for (let left = attempts; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left <= 1 || !isConflict(error)) throw error;
    }
  }
}
