import type { UnknownObject } from '#api';
import { StoreError } from '#store';
import { StatusError, terminatingDefinition } from '../errors.ts';
import { encodeInSteps, encodeObject, withRevision } from '../storage/encode.ts';
import { Item } from '../storage/item.ts';
import { breathe, isLarge } from './breathe.ts';
import type { Target } from './target.ts';
import { keyOf, storeKeyOf } from './target.ts';

/** The key was changed by someone else; `revision` is what it is at now (0: gone). */
export class WriteConflict extends Error {
  override readonly name = 'WriteConflict';
  readonly revision: number;
  constructor(revision: number) {
    super('the object was changed by someone else');
    this.revision = revision;
  }
}

/**
 * Writes an object if its key is still at revision `expect` (0: absent), and resolves when it is durable and every read shows it. The object belongs to the
 * cache afterwards: the caller must not change it. `encoded` is the same object in the version of the store, where that is known. Rejects with WriteConflict, or 500 when the store cannot write.
 */
export async function commit(
  target: Target,
  write: {
    name: string;
    object: UnknownObject;
    expect: number;
    encoded?: { stored: UnknownObject; bytes: Buffer } | undefined;
  },
): Promise<Item> {
  const { core, kind } = target;
  const { name, object, expect } = write;
  const stored = write.encoded?.stored ?? (await core.versions.store(kind, object));
  // What is made while its definition goes away would be left behind: looked at last, for a webhook may have been waited for.
  if (expect === 0 && core.versions.isTerminating(kind)) throw terminatingDefinition('create');
  const encode = () => (isLarge(target) ? encodeInSteps(stored, () => breathe(target)) : encodeObject(stored));
  const value = write.encoded?.bytes ?? (await encode());
  await breathe(target);
  const volatile = expect === 0 && kind.behaviour.volatile?.(object) === true;
  core.cache.written.set(value, { object: stored, kind });
  const revision = await put(target, { key: storeKeyOf(target, name), value, expect, volatile });
  const key = keyOf(target, name);
  const item = core.cache.of(kind.storagePrefix).get(key);
  // Someone may have written again in between: this write's answer shows this write.
  return item?.revision === revision ? item : new Item(key, revision, withRevision(value, revision));
}

/** Removes an object if it is still at revision `expect`. Resolves with the revision of the deletion. */
export async function remove(target: Target, write: { name: string; expect: number }): Promise<number> {
  return put(target, { key: storeKeyOf(target, write.name), value: undefined, expect: write.expect, volatile: false });
}

async function put(
  target: Target,
  write: { key: string; value: Buffer | undefined; expect: number; volatile: boolean },
): Promise<number> {
  const { store, cache } = target.core;
  let revision: number;
  try {
    ({ revision } = await store.write(write));
  } catch (error) {
    throw await explain(target, error);
  }
  if (cache.revision < revision) await cache.waitFor(revision);
  return revision;
}

async function explain(target: Target, error: unknown): Promise<unknown> {
  if (!(error instanceof StoreError)) return error;
  if (error.code === 'conflict') {
    const { cache, store } = target.core;
    // The next try must see what won.
    await cache.waitFor(error.entry?.revision ?? store.revision());
    return new WriteConflict(error.entry?.revision ?? 0);
  }
  target.core.log.error('the store refused a write', { code: error.code, error });
  return new StatusError({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${error.message}` });
}
