import type { ManagedFieldsEntry } from '../types.ts';
import { isSame } from './compare.ts';
import { type Context, type Fields, identity, type ManagedObject, type ManageOptions } from './context.ts';
import {
  type FieldSet,
  formatPath,
  isEmptySet,
  isWithin,
  leaf,
  pathsOf,
  setOf,
  subtractBelow,
  unite,
} from './field-set.ts';
import { lastAppliedFields, syncLastApplied } from './last-applied.ts';
import {
  capUpdaters,
  idOf,
  type Managed,
  ManagedFieldsError,
  type Managers,
  putOrDelete,
  readManagers,
  timeOf,
  withoutServerFields,
  writeManagers,
} from './managers.ts';
import { mergeApplied } from './merge.ts';
import { settleOthers } from './others.ts';
import { prune } from './prune.ts';
import { createShapes } from './shapes.ts';
import { fieldsOf, formatProblems, typeProblems } from './typed.ts';

export interface Conflict {
  manager: string;
  apiVersion: string;
  /** `.spec.replicas` */
  field: string;
  subresource: string;
  operation: string;
}

/** A configuration that does not fit its type, or managed fields that cannot be read. The text is upstream's, which answers it with a bare 500. */
export class ApplyError extends Error {
  override readonly name = 'ApplyError';
}

export interface FieldManager {
  /**
   * Server-side apply: the object that results from `live` (undefined: none yet) and the applied configuration, with its managedFields; or the conflicts, when
   * others own fields with other values and `force` is not set. Neither argument is changed; the result shares parts with both. Throws ApplyError. Source: KEP-555,
   * structured-merge-diff, apimachinery's managedfields.
   */
  apply(
    live: object | undefined,
    applied: object,
    options: ManageOptions & { force: boolean },
  ): { object: Fields } | { conflicts: Conflict[] };
  /** After any other write: sets managedFields of `after` (in place) from those of `before` and what has changed. */
  update(before: object | undefined, after: object, options: ManageOptions): void;
}

export function createFieldManager(): FieldManager {
  const shapeOf = createShapes();
  const contextOf = (options: ManageOptions): Context => ({ ...options, shape: shapeOf(options.type), shapeOf });
  return {
    apply: (live, applied, options) =>
      applyConfiguration(live as ManagedObject | undefined, applied as ManagedObject, {
        ...contextOf(options),
        force: options.force,
      }),
    update: (before, after, options) =>
      recordUpdate(before as ManagedObject | undefined, after as ManagedObject, contextOf(options)),
  };
}

type ApplyContext = Context & { readonly force: boolean };

/** Stands for everybody who wrote before fields were tracked. */
const beforeFirstApply = 'before-first-apply';
/** Only kubectl's default manager moves from the annotation of client-side apply. */
const kubectl = 'kubectl';
function applyConfiguration(
  live: ManagedObject | undefined,
  applied: ManagedObject,
  context: ApplyContext,
): { object: Fields } | { conflicts: Conflict[] } {
  const problems = typeProblems(applied, context.shape);
  if (problems.length > 0) {
    throw new ApplyError(`failed to create typed patch object (${nameOf(applied)}): ${formatProblems(problems)}`);
  }
  const managers = liveManagers(live, context);
  const before = withoutManagedFields(live ?? {});
  let result = tryApply({ before, applied, managers, context });
  if ('conflicts' in result && context.manager.name === kubectl) {
    const allowed = lastAppliedFields(before, context);
    if (allowed && result.disputed.every(set => isWithin(set, allowed))) {
      result = tryApply({ before, applied, managers, context: { ...context, force: true } });
    } else if (allowed) {
      return { conflicts: result.conflicts.filter(({ path }) => !isWithin(setOf(path), allowed)).map(withoutPath) };
    }
  }
  if ('conflicts' in result) return { conflicts: result.conflicts.map(withoutPath) };
  const object = withManagedFields(result.object, writeManagers(result.managers));
  if (context.manager.name === kubectl) syncLastApplied(object, applied);
  return { object };
}

/** Owners so far; of an object that nobody tracks, all that it has belongs to whoever was before. */
function liveManagers(live: ManagedObject | undefined, context: Context): Managers {
  let managers: Managers;
  try {
    managers = readManagers(live?.metadata?.managedFields, true);
  } catch (error) {
    if (!(error instanceof ManagedFieldsError)) throw error;
    throw new ApplyError(`failed to decode managed fields: ${error.message}`);
  }
  if (live && managers.size === 0) {
    const manager = { ...context.manager, name: beforeFirstApply };
    updateManagers({ before: {}, after: withoutManagedFields(live), managers, context: { ...context, manager } });
  }
  return managers;
}

interface ApplyStep {
  readonly before: ManagedObject;
  readonly applied: ManagedObject;
  readonly managers: Managers;
  readonly context: ApplyContext;
}

type Found = Conflict & { readonly path: readonly string[] };

function withoutPath({ path: _path, ...conflict }: Found): Conflict {
  return conflict;
}

function tryApply(
  step: ApplyStep,
): { object: ManagedObject; managers: Managers } | { conflicts: Found[]; disputed: FieldSet[] } {
  const { before, applied, context } = step;
  const { shape, manager } = context;
  const managers: Managers = new Map(step.managers);
  const own = identity(manager, 'Apply');
  const id = idOf(own);
  const last = managers.get(id);
  const merged = mergeApplied(before, applied, shape) as ManagedObject;
  const wanted = subtractBelow(fieldsOf(applied, shape), context.ignored ?? leaf);
  managers.set(id, { ...own, time: last?.time, set: wanted });
  const object = last ? prune(merged, { managers, last, context }) : merged;
  const others = settleOthers({ before, after: object, managers, workflow: id, context });
  if (others.conflicts.length > 0 && !context.force) {
    return { conflicts: others.conflicts.flatMap(conflictsOf), disputed: others.conflicts.map(({ set }) => set) };
  }
  const set = withoutServerFields(wanted);
  const isChanged = object !== before && !isSame(before, object);
  const time = isChanged ? timeOf(manager.nowMs) : last?.time;
  const isSameEntry = last && !isChanged && last.apiVersion === own.apiVersion && isSame(last.set, set);
  const next = isSameEntry ? last : isEmptySet(set) ? undefined : { ...own, time, set };
  putOrDelete(others.managers, id, next);
  return { object, managers: others.managers };
}

function conflictsOf({ managed, set }: { managed: Managed; set: FieldSet }): Found[] {
  const { manager, apiVersion, subresource, operation } = managed;
  return pathsOf(set).map(path => ({
    manager,
    apiVersion,
    subresource,
    operation,
    field: formatPath(path),
    path,
  }));
}

function recordUpdate(before: ManagedObject | undefined, after: ManagedObject, context: Context): void {
  const managers = sentManagers(before, after, context);
  const live = withoutManagedFields(before ?? {});
  // An object that exists and that nobody tracks stays so until somebody applies to it.
  if (managers.size > 0 || !before) {
    updateManagers({ before: live, after: withoutManagedFields(after), managers, context });
    capUpdaters(managers);
  }
  const entries = writeManagers(managers);
  const { managedFields: _sent, ...metadata } = after.metadata ?? {};
  after.metadata = entries ? { ...metadata, managedFields: entries } : metadata;
}

/** The owners that a client sent, for clients may change them; those of the live object when it sent none, or nonsense; nobody when it wants to start over. */
function sentManagers(before: ManagedObject | undefined, after: ManagedObject, { manager }: Context): Managers {
  const sent = manager.subresource === '' ? after.metadata?.managedFields : undefined;
  if (sent && isReset(sent)) return new Map();
  return readable(sent) ?? readable(before?.metadata?.managedFields, true) ?? new Map();
}

function isReset(sent: readonly ManagedFieldsEntry[]): boolean {
  return sent.length === 0 || (sent.length === 1 && Object.keys(sent[0] ?? {}).length === 0);
}

function readable(entries: readonly ManagedFieldsEntry[] | undefined, isStored = false): Managers | undefined {
  if (!entries?.length) return undefined;
  try {
    return readManagers(entries, isStored);
  } catch (error) {
    if (error instanceof ManagedFieldsError) return undefined;
    throw error;
  }
}

/** Gives the manager what the write has changed, and takes it from the others; in place. */
function updateManagers(step: { before: object; after: object; managers: Managers; context: Context }): void {
  const { before, after, managers, context } = step;
  const { manager, ignored = leaf } = context;
  const settled = settleOthers({ before, after, managers, workflow: undefined, context });
  const { added, modified } = settled.comparison;
  const taken = withoutServerFields(subtractBelow(unite(modified, added), ignored));
  managers.clear();
  for (const [id, managed] of settled.managers) managers.set(id, managed);
  if (isEmptySet(taken)) return;
  const own = identity(manager, 'Update');
  const previous = managers.get(idOf(own));
  // As upstream: the time of a write to `scale` is not kept.
  const time = manager.subresource === 'scale' ? undefined : timeOf(manager.nowMs);
  managers.set(idOf(own), { ...own, time, set: previous ? unite(taken, previous.set) : taken });
}

function nameOf(object: ManagedObject): string {
  const { namespace = '', name = '' } = object.metadata ?? {};
  return `${String(namespace)}/${String(name)}; ${describeKind(object)}`;
}

/** `apps/v1, Kind=Deployment`; `/v1, Kind=Secret` for the core group. */
export function describeKind(object: { apiVersion?: unknown; kind?: unknown }): string {
  const apiVersion = String(object.apiVersion ?? '');
  const version = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
  return `${version}, Kind=${String(object.kind ?? '')}`;
}

function withoutManagedFields(object: ManagedObject): ManagedObject {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _managed, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function withManagedFields(object: ManagedObject, managedFields: ManagedFieldsEntry[] | undefined): ManagedObject {
  const { managedFields: _managed, ...metadata } = object.metadata ?? {};
  return { ...object, metadata: managedFields ? { ...metadata, managedFields } : metadata };
}
