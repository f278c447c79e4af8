import type { ManagedFieldsEntry } from '../types.ts';
import { type FieldSet, hasPath, isEmptySet, setOf, subtract } from './field-set.ts';
import { idOf, type Managers, readManagers, writeManagers } from './managers.ts';

/** Where `scale` keeps its number. */
const replicasInScale: readonly string[] = ['f:spec', 'f:replicas'];
const scaleVersion = 'autoscaling/v1';

/** Where an object keeps its number of replicas, by version: `['f:spec', 'f:replicas']`. Undefined: no such version is served. */
export type ReplicasPath = (apiVersion: string) => readonly string[] | undefined;

/** Owners of an object's replicas as owners of its `scale`. Source: apimachinery's managedfields/scalehandler.go. */
export function toScaleOwners(
  entries: readonly ManagedFieldsEntry[] | undefined,
  pathOf: ReplicasPath,
): ManagedFieldsEntry[] | undefined {
  const owners: Managers = new Map();
  for (const [, managed] of readManagers(entries)) {
    const path = pathOf(managed.apiVersion);
    if (!path || !hasPath(managed.set, path)) continue;
    const owner = { ...managed, apiVersion: scaleVersion, set: setOf(replicasInScale) };
    owners.set(idOf(owner), owner);
  }
  return writeManagers(owners);
}

/** Owners of an object after a write of its `scale`: who no longer owns the number there owns the object's no longer. */
export function fromScaleOwners(
  entries: readonly ManagedFieldsEntry[] | undefined,
  scale: readonly ManagedFieldsEntry[] | undefined,
  { apiVersion, pathOf }: { apiVersion: string; pathOf: ReplicasPath },
): ManagedFieldsEntry[] | undefined {
  const scalers = readManagers(scale);
  const owners: Managers = new Map();
  for (const [id, managed] of readManagers(entries)) {
    const path = pathOf(managed.apiVersion);
    if (!path || !hasPath(managed.set, path)) {
      owners.set(id, managed);
      continue;
    }
    const scaleId = idOf({ ...managed, apiVersion: scaleVersion });
    const stays = scalers.delete(scaleId);
    const set: FieldSet = stays ? managed.set : subtract(managed.set, setOf(path));
    if (!isEmptySet(set)) owners.set(id, { ...managed, set });
  }
  const path = pathOf(apiVersion);
  for (const managed of scalers.values()) {
    if (!path || !hasPath(managed.set, replicasInScale)) continue;
    // As upstream: the time of a write to `scale` is not kept.
    const owner = { ...managed, apiVersion, time: undefined, entry: undefined, set: setOf(path) };
    owners.set(idOf(owner), owner);
  }
  return writeManagers(owners);
}
