import type { KubeObject, OwnerReference } from '#api';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** Is the object waiting for its dependents to be deleted first? */
export function isDeletingDependents({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(foregroundFinalizer) === true;
}

/** Is the object to leave its dependents behind before it goes? */
export function isOrphaning({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(orphanFinalizer) === true;
}

/** How an owner stands: there, there but waiting for its dependents to go, or not there (any more). */
export type OwnerState = 'solid' | 'waiting' | 'absent';

export interface OwnedObject {
  object: KubeObject;
  stateOf(owner: OwnerReference): OwnerState;
  dependents: readonly KubeObject[];
}

export type GarbageStep =
  | { do: 'nothing' }
  /** Some owners are gone and others stay: only the references go. */
  | { do: 'dropOwners'; ownerReferences: OwnerReference[] }
  | {
      do: 'delete';
      policy: 'Orphan' | 'Foreground' | 'Background';
      /** A circle of blocking references would never end: these do not block any more. */
      unblock: OwnerReference[] | undefined;
    };

/** What becomes of an object by the state of its owners. After upstream's attemptToDeleteItem. */
export function planGarbage({ object, stateOf, dependents }: OwnedObject): GarbageStep {
  const { ownerReferences = [], deletionTimestamp, finalizers } = object.metadata;
  if (!ownerReferences.length || deletionTimestamp) return { do: 'nothing' };
  const solid = ownerReferences.filter(ref => stateOf(ref) === 'solid');
  if (solid.length === ownerReferences.length) return { do: 'nothing' };
  if (solid.length) return { do: 'dropOwners', ownerReferences: solid };
  const waiting = ownerReferences.some(ref => stateOf(ref) === 'waiting');
  if (waiting && dependents.length) {
    const circle = dependents.some(isDeletingDependents);
    const unblock = circle ? ownerReferences.map(ref => ({ ...ref, blockOwnerDeletion: false })) : undefined;
    return { do: 'delete', policy: 'Foreground', unblock };
  }
  const policy = finalizers?.includes(orphanFinalizer)
    ? 'Orphan'
    : finalizers?.includes(foregroundFinalizer)
      ? 'Foreground'
      : 'Background';
  return { do: 'delete', policy, unblock: undefined };
}

/** Dependents that the owner's deletion has to wait for. */
export function blockingDependents(owner: KubeObject, dependents: readonly KubeObject[]): KubeObject[] {
  const blocks = (ref: OwnerReference) => ref.uid === owner.metadata.uid && ref.blockOwnerDeletion;
  return dependents.filter(({ metadata }) => metadata.ownerReferences?.some(blocks));
}
