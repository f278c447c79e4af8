import type { UnknownObject } from '#api';
import { formatTime } from '#base';
import type { Response } from '#wire';
import { formFor } from '../content/negotiate.ts';
import type { View } from '../content/render.ts';
import { renderItem, renderObject, renderUnstored, servedObject } from '../content/render.ts';
import { conflict } from '../errors.ts';
import type { Item } from '../storage/item.ts';
import { admission } from './admit.ts';
import { copyOfLarge, isLarge, loadOf, noteSize } from './breathe.ts';
import { commit, remove } from './commit.ts';
import { withCurrentItem } from './current-item.ts';
import type { DeleteOptions } from './delete-options.ts';
import { readDeleteOptions } from './delete-options.ts';
import type { Target } from './target.ts';
import { servedItem } from './target.ts';

/** DELETE of one object. */
export async function deleteOne(target: Target): Promise<Response> {
  const { core, exchange, kind } = target;
  const view: View = { core, kind, form: formFor(target), exchange };
  const options = await readDeleteOptions(target);
  const deletion = await deleteObject(target, options);
  if (deletion.item) {
    return renderItem(view, await servedItem(target, deletion.item), options.saidCascade ? 202 : 200);
  }
  if (answersWithObject.has(kind.storagePrefix)) return renderUnstored(view, deletion.object);
  return renderObject(view, successStatus(target, deletion.object));
}

/** Kinds whose last state is the answer; the others answer with a Status. Source: ReturnDeletedObject in upstream's registries. */
const answersWithObject = new Set([
  'csidrivers',
  'csinodes',
  'persistentvolumeclaims',
  'persistentvolumes',
  'pods',
  'podtemplates',
  'resourcequotas',
  'serviceaccounts',
  'services/specs',
  'storageclasses',
  'volumeattachments',
]);

function successStatus({ kind, name }: Target, object: UnknownObject): UnknownObject {
  const { uid } = object.metadata;
  const details = { name, ...(kind.group ? { group: kind.group } : {}), kind: kind.resource, ...(uid ? { uid } : {}) };
  return { kind: 'Status', apiVersion: 'v1', metadata: {} as UnknownObject['metadata'], status: 'Success', details };
}

/** What a deletion led to: an item that still has to wait for something, or the object that is gone. */
export type Deletion = { item: Item; object?: undefined } | { item?: undefined; object: UnknownObject };

/** Deletes now, or marks for deletion what has finalizers or a grace period. Throws 404, 409 and what admission throws. */
export function deleteObject(target: Target, options: DeleteOptions): Promise<Deletion> {
  return withCurrentItem(target, item => deleteOnce(target, options, item));
}

async function deleteOnce(target: Target, options: DeleteOptions, item: Item): Promise<Deletion> {
  const { core, kind, name } = target;
  checkPreconditions(target, options, item);
  noteSize(target, item.length);
  // Held, so that it need not be parsed again.
  const parsed = isLarge(target) ? await loadOf(target, item) : undefined;
  const old = servedObject(kind, await servedItem(target, item));
  const { dryRun } = options;
  const admitted = admission(target, {
    operation: 'DELETE',
    name,
    dryRun,
    object: undefined,
    old,
    options,
  });
  let done = false;
  try {
    await admitted.mutate();
    await admitted.validate();
    const nowMs = core.clock.now();
    const basis = await prepared(target, old, nowMs);
    const change = markForDeletion({ kind, nowMs, old: basis, options });
    if (change === 'unchanged' && basis === old) return { item };
    const marked = change === 'unchanged' ? basis : change;
    if (dryRun) return { object: marked ?? old };
    done = true;
    if (marked) return { item: await commit(target, { name, object: marked, expect: item.revision }) };
    const revision = await remove(target, { name, expect: item.revision });
    return { object: { ...old, metadata: { ...old.metadata, resourceVersion: String(revision) } } };
  } catch (error) {
    done = false;
    throw error;
  } finally {
    void parsed;
    if (done) admitted.settle();
    else admitted.release();
  }
}

/** As it is to be when it is deleted. */
async function prepared(target: Target, old: UnknownObject, nowMs: number): Promise<UnknownObject> {
  const { behaviour } = target.kind;
  if (!behaviour.prepareDelete || old.metadata.deletionTimestamp) return old;
  const draft = await copyOfLarge(target, old);
  behaviour.prepareDelete(draft, { nowMs });
  return draft;
}

function checkPreconditions({ kind, name }: Target, options: DeleteOptions, item: Item): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  const known = uid && item.metadata().uid;
  if (uid && uid !== known) {
    const why = `the UID in the precondition (${uid}) does not match the UID in record (${known}). The object might have been deleted and then recreated`;
    throw conflict(kind, name, why);
  }
  if (resourceVersion && resourceVersion !== String(item.revision)) {
    const why = `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${item.revision}). The object might have been modified`;
    throw conflict(kind, name, why);
  }
}

interface Marking {
  readonly kind: Target['kind'];
  readonly nowMs: number;
  readonly old: UnknownObject;
  readonly options: DeleteOptions;
}

/** The object as it waits for its deletion; undefined: it can go at once; `unchanged`: it waits already. */
export function markForDeletion({ kind, nowMs, old, options }: Marking): UnknownObject | 'unchanged' | undefined {
  const { metadata } = old;
  const finalizers = finalizersFor(metadata.finalizers ?? [], options.propagationPolicy);
  // Who asks again without a time of his own changes nothing about the time that was given.
  const asked = options.gracePeriodSeconds ?? metadata.deletionGracePeriodSeconds;
  const graceSeconds = kind.behaviour.graceful?.(old, asked) ?? 0;
  const isNamespace = kind.storagePrefix === 'namespaces';
  const ownFinalizers = isNamespace ? (old as { spec?: { finalizers?: string[] } }).spec?.finalizers : undefined;
  const waits = finalizers.length > 0 || (ownFinalizers?.length ?? 0) > 0;
  if (metadata.deletionTimestamp) return hasten({ old, finalizers, graceSeconds, waits, nowMs });
  if (!waits && graceSeconds === 0) return undefined;
  const marked: UnknownObject = {
    ...old,
    metadata: {
      ...metadata,
      finalizers,
      deletionTimestamp: formatTime(nowMs + graceSeconds * 1000),
      deletionGracePeriodSeconds: graceSeconds,
      // As upstream: a deletion is a change of what is wanted.
      ...(metadata.generation ? { generation: metadata.generation + 1 } : {}),
    },
  };
  if (finalizers.length === 0) delete marked.metadata.finalizers;
  if (isNamespace) {
    delete marked.metadata.deletionGracePeriodSeconds;
    marked['status'] = { ...(old['status'] as object), phase: 'Terminating' };
  }
  return marked;
}

/** A second deletion may only shorten the time that is left, or say more about dependents. */
function hasten(parts: {
  old: UnknownObject;
  finalizers: readonly string[];
  graceSeconds: number;
  waits: boolean;
  nowMs: number;
}): UnknownObject | 'unchanged' | undefined {
  const { old, finalizers, graceSeconds, waits, nowMs } = parts;
  const { metadata } = old;
  const left = metadata.deletionGracePeriodSeconds ?? 0;
  const isShorter = graceSeconds < left;
  if (!waits && graceSeconds === 0) return undefined;
  const isSame = finalizers.join() === (metadata.finalizers ?? []).join();
  if (!isShorter && isSame) return 'unchanged';
  const changed: UnknownObject = { ...old, metadata: { ...metadata, finalizers: [...finalizers] } };
  if (finalizers.length === 0) delete changed.metadata.finalizers;
  if (isShorter) {
    const startedMs = Date.parse(metadata.deletionTimestamp!) - left * 1000;
    const untilMs = Math.max(nowMs, startedMs + graceSeconds * 1000);
    changed.metadata.deletionTimestamp = formatTime(untilMs);
    changed.metadata.deletionGracePeriodSeconds = graceSeconds;
  }
  return changed;
}

const orphan = 'orphan';
const foreground = 'foregroundDeletion';

/** The garbage collector's finalizers follow the propagation policy; without one they stay as they are. */
function finalizersFor(finalizers: readonly string[], policy: DeleteOptions['propagationPolicy']): string[] {
  if (policy === undefined) return [...finalizers];
  const others = finalizers.filter(name => name !== orphan && name !== foreground);
  if (policy === 'Orphan') return [...others, orphan];
  return policy === 'Foreground' ? [...others, foreground] : others;
}
