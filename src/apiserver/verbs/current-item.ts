import { modified, notFound } from '../errors.ts';
import type { Item } from '../storage/item.ts';
import { WriteConflict } from './commit.ts';
import { freshEnough } from './freshness.ts';
import type { Target } from './target.ts';
import { keyOf } from './target.ts';

/** Somebody else always wins: then the client hears about it. */
const maxTries = 100;

/** Works on the target's object as it is now, and again on the newer one when somebody wrote in between. Throws 404, 409 and what the work throws. */
export async function withCurrentItem<T>(target: Target, work: (item: Item) => Promise<T>): Promise<T> {
  const { core, kind, name } = target;
  const waiting = freshEnough(core, undefined);
  if (waiting) await waiting;
  for (let attempt = 1; ; attempt++) {
    const item = core.cache.of(kind.storagePrefix).get(keyOf(target));
    if (!item) throw notFound(kind, name);
    try {
      return await work(item);
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      if (attempt === maxTries) throw modified(kind, name);
    }
  }
}
