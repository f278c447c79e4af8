import type { UnknownObject } from '#api';
import { apiVersionOf, isCustomKind } from '#api';
import type { FieldOptions, KindName } from '../thread/index.ts';
import { applyConflict, bareRefusal } from './apply-refusals.ts';
import { breathe, isLarge } from './breathe.ts';
import { ignoredBy } from './ignored-fields.ts';
import type { Target } from './target.ts';

/** Large objects have large sets of fields, which are compared in the worker thread; but not those that somebody manages in another version of the kind. */
export function isForThread(target: Target, ...objects: readonly (UnknownObject | undefined)[]): boolean {
  if (!isLarge(target)) return false;
  const own = apiVersionOf(target.kind);
  return objects.every(object => {
    const entries: unknown = object?.metadata?.managedFields ?? [];
    return Array.isArray(entries) && entries.every(entry => entry?.apiVersion === own);
  });
}

/** `recordWrite`, in the thread. */
export async function recordInThread(
  target: Target,
  { draft, old, manager }: { draft: UnknownObject; old: UnknownObject | undefined; manager: string },
): Promise<void> {
  const before = old && JSON.stringify(old);
  await breathe(target);
  const after = JSON.stringify(draft);
  await breathe(target);
  const input = { kind: nameOf(target), before, after, options: optionsOf(target, manager) };
  const { managedFields } = await target.core.thread.run('fields', input);
  setFields(draft, managedFields);
  await breathe(target);
}

/** `applied`, in the thread. */
export async function applyInThread(
  target: Target,
  apply: { live: UnknownObject | undefined; config: UnknownObject; manager: string; force: boolean },
): Promise<UnknownObject> {
  const live = apply.live && JSON.stringify(apply.live);
  await breathe(target);
  const config = JSON.stringify(apply.config);
  await breathe(target);
  const { manager, force } = apply;
  const input = { kind: nameOf(target), live, config, options: optionsOf(target, manager), force };
  const result = await target.core.thread.run('apply', input);
  if ('problem' in result) throw bareRefusal(result.problem);
  if ('conflicts' in result) throw applyConflict(result.conflicts);
  const object = JSON.parse(result.object) as UnknownObject;
  await breathe(target);
  setFields(object, result.managedFields);
  await breathe(target);
  return object;
}

function setFields(object: UnknownObject, managedFields: string | undefined): void {
  const { managedFields: _before, ...metadata } = object.metadata;
  object.metadata = managedFields ? { ...metadata, managedFields: JSON.parse(managedFields) } : metadata;
}

function nameOf({ kind }: Target): KindName {
  const custom = isCustomKind(kind) ? { schema: kind.custom.schemaText() } : undefined;
  return { group: kind.group, version: kind.version, kind: kind.kind, custom };
}

function optionsOf({ core, kind, subresource }: Target, name: string): FieldOptions {
  const manager = { name, apiVersion: apiVersionOf(kind), subresource, nowMs: core.clock.now() };
  return { manager, ignored: ignoredBy(kind, subresource) };
}
