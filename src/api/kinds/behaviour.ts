import type { KindBehaviour } from '../kind.ts';
import type { KubeObject, UnknownObject } from '../resource.ts';
import { semanticallyEqual } from './equality.ts';

/** Forgets the type of a behaviour's objects, so that one map can hold all kinds. The only cast of this room. */
export function behaviour<T extends KubeObject>(kind: KindBehaviour<T>): KindBehaviour<UnknownObject> {
  return kind as unknown as KindBehaviour<UnknownObject>;
}

/** Objects that have the usual two halves. */
export interface SpecAndStatus extends KubeObject {
  spec?: unknown;
  status?: unknown;
}

/** Sets `status` as it was: a write of the main resource never changes it. */
export function keepStatus<T extends SpecAndStatus>(draft: T, old: T): void {
  if (old.status === undefined) delete draft.status;
  else draft.status = old.status;
}

/** One more than before when the spec differs, else as before. */
export function countGeneration<T extends SpecAndStatus>(draft: T, old: T): void {
  setGeneration(draft, old, !semanticallyEqual(draft.spec, old.spec));
}

/** As countGeneration, for kinds that count other changes too. */
export function setGeneration(draft: KubeObject, old: KubeObject, changed: boolean): void {
  const before = old.metadata.generation ?? 0;
  const generation = changed ? before + 1 : before;
  if (generation > 0) draft.metadata.generation = generation;
  else delete draft.metadata.generation;
}

/** The create and update rules of most kinds with a controller: status is not the user's, generation counts specs. */
export function specStrategy<T extends SpecAndStatus>(): Required<
  Pick<KindBehaviour<T>, 'prepareCreate' | 'prepareUpdate' | 'prepareSubresource'>
> {
  return {
    prepareCreate(draft) {
      delete draft.status;
      draft.metadata.generation = 1;
    },
    prepareUpdate(draft, old) {
      keepStatus(draft, old);
      countGeneration(draft, old);
    },
    prepareSubresource(draft, old, subresource) {
      if (subresource === 'status') keepAllButStatus(draft, old);
    },
  };
}

/**
 * What a write of the status may change: the status, and metadata. Upstream's status strategies of most kinds let labels and annotations
 * through, and conformance tests rely on it.
 */
export function keepAllButStatus<T extends SpecAndStatus>(draft: T, old: T): void {
  const target = draft as unknown as Record<string, unknown>;
  const source = old as unknown as Record<string, unknown>;
  for (const key of Object.keys(target)) if (!(key in source) && !writable.has(key)) delete target[key];
  for (const key of Object.keys(source)) if (!writable.has(key)) target[key] = source[key];
  setGeneration(draft, old, false);
}

const writable: ReadonlySet<string> = new Set(['status', 'metadata', 'apiVersion', 'kind']);

const kept = ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const;

/** For kinds of which a write of the status changes nothing but that (upstream's ResetObjectMetaForStatus); `parts`: only so much of the metadata. */
export function keepMetadata(draft: KubeObject, old: KubeObject, parts: readonly (typeof kept)[number][] = kept): void {
  const target = draft.metadata as unknown as Record<string, unknown>;
  for (const part of parts) {
    if (old.metadata[part] === undefined) delete target[part];
    else target[part] = old.metadata[part];
  }
}
