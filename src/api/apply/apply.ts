import { isObject } from '../patch/merge.ts';
import type { TypeNode } from '../scheme.ts';
import type { ManagedFieldsEntry } from '../types.ts';
import {
  type FieldSet,
  formatPath,
  intersect,
  isEmptySet,
  pathsOf,
  readFieldSet,
  subtract,
  unite,
} from './field-set.ts';
import { compareFields, createShapes, fieldsOf, isSame, keyOfItem, keyOfValue, type Shape } from './walk.ts';

type Fields = Record<string, unknown>;
interface Managed extends Fields {
  metadata: Fields & { managedFields?: ManagedFieldsEntry[] };
}

/** Who writes, and how. */
export interface Manager {
  name: string;
  /** Group and version that the client wrote in. */
  apiVersion: string;
  /** Empty for the object itself. */
  subresource: string;
  nowMs: number;
}

export interface Conflict {
  manager: string;
  apiVersion: string;
  /** `.spec.replicas` */
  field: string;
  /** For messages: when and how the other manager wrote. */
  subresource: string;
  time: string | undefined;
  operation: string;
}

export interface FieldManager {
  /**
   * Server-side apply: the object that results from `live` (undefined: none yet) and the applied configuration, with its managedFields; or the conflicts, when
   * others own fields with other values and `force` is not set. Neither argument is changed. Source: KEP-555, structured-merge-diff.
   */
  apply(
    live: object | undefined,
    applied: object,
    options: { type: TypeNode; manager: Manager; force: boolean },
  ): { object: Fields } | { conflicts: Conflict[] };
  /** After any other write: sets managedFields of `after` (in place) from those of `before` and what has changed. */
  update(before: object | undefined, after: object, options: { type: TypeNode; manager: Manager }): void;
}

/** Fields that nobody manages. */
const unmanaged: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:clusterName': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
    'f:deletionTimestamp': {},
    'f:deletionGracePeriodSeconds': {},
    'f:generateName': {},
  },
};

/** Upstream keeps this many Update entries; older ones are joined under this name. */
const maxUpdateManagers = 10;
const ancient = 'ancient-changes';

export function createFieldManager(): FieldManager {
  const shapeOf = createShapes();
  return {
    apply(live, applied, { type, manager, force }) {
      return applyConfiguration({
        live: live as Managed | undefined,
        applied: applied as Managed,
        shape: shapeOf(type),
        manager,
        force,
      });
    },
    update(before, after, { type, manager }) {
      updateManagers(before as Managed | undefined, after as Managed, shapeOf(type), manager);
    },
  };
}

interface ApplyRequest {
  live: Managed | undefined;
  applied: Managed;
  shape: Shape;
  manager: Manager;
  force: boolean;
}

function applyConfiguration({
  live,
  applied,
  shape,
  manager,
  force,
}: ApplyRequest): { object: Fields } | { conflicts: Conflict[] } {
  const entries = live?.metadata.managedFields ?? [];
  const own = entries.find(entry => isOwnApply(entry, manager));
  const config = withoutUnmanaged(applied);
  const wanted = subtract(fieldsOf(config, shape), unmanaged);
  const merged = mergeApplied(live ?? {}, config, shape) as Managed;
  const changed = subtract(compareFields(live ?? {}, merged, shape).changed, unmanaged);
  const conflicts: Conflict[] = [];
  const others: ManagedFieldsEntry[] = [];
  for (const entry of entries.filter(candidate => candidate !== own)) {
    const owned = readFieldSet(entry.fieldsV1);
    const disputed = intersect(owned, intersect(changed, wanted));
    if (isEmptySet(disputed)) {
      others.push(entry);
    } else if (force) {
      const left = subtract(owned, disputed);
      if (!isEmptySet(left)) others.push({ ...entry, fieldsV1: left });
    } else {
      conflicts.push(...pathsOf(disputed).map(path => describeConflict(entry, path)));
    }
  }
  if (conflicts.length) return { conflicts };
  // What the manager owned before, wants no longer, and nobody else owns, goes.
  const dropped = subtract(readFieldSet(own?.fieldsV1), wanted);
  const ownedByOthers = others.reduce<FieldSet>((all, entry) => unite(all, readFieldSet(entry.fieldsV1)), {});
  const object = removeFields(merged, subtract(dropped, ownedByOthers), shape) as Managed;
  const isSameSet = own && isSame(readFieldSet(own.fieldsV1), wanted);
  const entry =
    isSameSet && live && isSame(withoutManaged(live), withoutManaged(object))
      ? own
      : newEntry(manager, 'Apply', wanted);
  setEntries(object, isEmptySet(wanted) ? others : sortEntries([...others, entry]));
  return { object };
}

function isOwnApply(entry: ManagedFieldsEntry, manager: Manager): boolean {
  return (
    entry.operation === 'Apply' && entry.manager === manager.name && (entry.subresource ?? '') === manager.subresource
  );
}

function describeConflict(entry: ManagedFieldsEntry, path: readonly string[]): Conflict {
  const { manager = '', apiVersion = '', subresource = '', time, operation = '' } = entry;
  return { manager, apiVersion, field: formatPath(path), subresource, time, operation };
}

/** Lays the configuration over the live object: what it does not mention stays. */
function mergeApplied(live: unknown, config: unknown, shape: Shape): unknown {
  if (shape.kind === 'fields' && isObject(config)) {
    const result: Fields = isObject(live) ? { ...live } : {};
    for (const [name, part] of Object.entries(config))
      result[name] = mergeApplied(result[name], part, shape.fieldOf(name));
    return result;
  }
  if (shape.kind === 'keyed' && Array.isArray(config)) {
    return mergeItems(live, config, {
      keyOf: item => keyOfItem(item, shape),
      merge: (old, now) => mergeApplied(old, now, shape.item),
    });
  }
  if (shape.kind === 'set' && Array.isArray(config))
    return mergeItems(live, config, { keyOf: keyOfValue, merge: (_, now) => now });
  return structuredClone(config);
}

/** Applied items in the order of the configuration; live items that it does not name keep their place after those that stood before them. */
function mergeItems(
  live: unknown,
  config: readonly unknown[],
  by: { keyOf(item: unknown): string; merge(old: unknown, now: unknown): unknown },
): unknown[] {
  const old = Array.isArray(live) ? live : [];
  const oldByKey = new Map(old.map(item => [by.keyOf(item), item]));
  const wanted = new Set(config.map(by.keyOf));
  const result: unknown[] = config.map(item => by.merge(oldByKey.get(by.keyOf(item)), item));
  let place = 0;
  for (const item of old) {
    const key = by.keyOf(item);
    if (wanted.has(key))
      place = Math.max(
        place,
        config.findIndex(candidate => by.keyOf(candidate) === key) + 1 + (result.length - config.length),
      );
    else result.splice(place++, 0, item);
  }
  return result;
}

/** The value without the members of the set. Containers that become empty through it go too, unless they were set by somebody. */
function removeFields(value: unknown, set: FieldSet, shape: Shape): unknown {
  if (isEmptySet(set)) return value;
  if (shape.kind === 'fields' && isObject(value)) {
    const result: Fields = { ...value };
    for (const [key, below] of Object.entries(set)) removePart(result, key, below, shape);
    return result;
  }
  if (shape.kind === 'keyed' && Array.isArray(value)) {
    return value.flatMap(item => {
      const below = set[keyOfItem(item, shape)];
      if (!below) return [item];
      const isGone = '.' in below || isEmptySet(below);
      return isGone ? [] : [removeFields(item, below, shape.item)];
    });
  }
  if (shape.kind === 'set' && Array.isArray(value)) return value.filter(item => !(keyOfValue(item) in set));
  return value;
}

function removePart(result: Fields, key: string, below: FieldSet, shape: Shape & { kind: 'fields' }): void {
  if (!key.startsWith('f:')) return;
  const name = key.slice(2);
  if (!(name in result)) return;
  if (isEmptySet(below)) {
    delete result[name];
    return;
  }
  const left = removeFields(result[name], below, shape.fieldOf(name));
  const isEmptied = (Array.isArray(left) && left.length === 0) || (isObject(left) && Object.keys(left).length === 0);
  if (isEmptied) delete result[name];
  else result[name] = left;
}

function updateManagers(before: Managed | undefined, after: Managed, shape: Shape, manager: Manager): void {
  const sent = after.metadata.managedFields;
  // A client that sends an empty list wants to start over (upstream's reset).
  const isReset =
    before !== undefined &&
    Array.isArray(sent) &&
    (sent.length === 0 || (sent.length === 1 && isEmptySet(readFieldSet(sent[0]?.fieldsV1)) && !sent[0]?.manager));
  const entries = isReset ? [] : (before?.metadata.managedFields ?? []);
  const { changed, removed } = compareFields(before ?? {}, after, shape);
  const mine = subtract(changed, unmanaged);
  const gone = subtract(removed, unmanaged);
  if (isReset || (isEmptySet(mine) && isEmptySet(gone))) {
    setEntries(after, entries);
    return;
  }
  const others: ManagedFieldsEntry[] = [];
  let owned: FieldSet = {};
  for (const entry of entries) {
    const set = readFieldSet(entry.fieldsV1);
    if (isOwnUpdate(entry, manager)) {
      owned = subtract(set, gone);
      continue;
    }
    const left = subtract(subtract(set, mine), gone);
    if (!isEmptySet(left)) others.push(isSame(left, set) ? entry : { ...entry, fieldsV1: left });
  }
  const all = unite(owned, mine);
  const next = isEmptySet(all) ? others : [...others, newEntry(manager, 'Update', all)];
  setEntries(after, capUpdates(sortEntries(next)));
}

function isOwnUpdate(entry: ManagedFieldsEntry, manager: Manager): boolean {
  return (
    entry.operation === 'Update' &&
    entry.manager === manager.name &&
    entry.apiVersion === manager.apiVersion &&
    (entry.subresource ?? '') === manager.subresource
  );
}

function newEntry(manager: Manager, operation: 'Apply' | 'Update', fields: FieldSet): ManagedFieldsEntry {
  return {
    manager: manager.name,
    operation,
    apiVersion: manager.apiVersion,
    time: new Date(manager.nowMs).toISOString().slice(0, 19) + 'Z',
    fieldsType: 'FieldsV1',
    fieldsV1: fields,
    ...(manager.subresource && { subresource: manager.subresource }),
  };
}

/** Applies before updates, then by time, then by name. */
function sortEntries(entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const key = (entry: ManagedFieldsEntry) =>
    `${entry.operation === 'Apply' ? 0 : 1} ${entry.time ?? ''} ${entry.manager ?? ''} ${entry.subresource ?? ''}`;
  return [...entries].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function capUpdates(entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const updates = entries.filter(entry => entry.operation === 'Update' && !entry.subresource);
  if (updates.length <= maxUpdateManagers) return entries;
  const oldest = updates.slice(0, updates.length - maxUpdateManagers + 1);
  const fields = oldest.reduce<FieldSet>((all, entry) => unite(all, readFieldSet(entry.fieldsV1)), {});
  const joined: ManagedFieldsEntry = { ...oldest.at(-1)!, manager: ancient, fieldsV1: fields };
  return sortEntries([...entries.filter(entry => !oldest.includes(entry)), joined]);
}

function setEntries(object: Managed, entries: readonly ManagedFieldsEntry[]): void {
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  object.metadata = entries.length ? { ...metadata, managedFields: [...entries] } : metadata;
}

function withoutUnmanaged(config: Managed): Managed {
  const { managedFields: _managed, resourceVersion: _revision, ...metadata } = config.metadata ?? {};
  return { ...config, metadata };
}

function withoutManaged(object: Managed): Fields {
  const { managedFields: _managed, resourceVersion: _revision, ...metadata } = object.metadata;
  return { ...object, metadata };
}
