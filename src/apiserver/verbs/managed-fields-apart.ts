import type { ManagedFieldsEntry, UnknownObject } from '#api';
import { apiVersionOf, isCustomKind } from '#api';
import type { FieldOptions, KindName } from '../threads/index.ts';
import { applyConflict, bareRefusal } from './apply-refusals.ts';
import { breathe, isLarge, parseLarge, textOf } from './breathe.ts';
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
  const before = old && (await textOf(target, old));
  const after = await textOf(target, draft);
  const input = { kind: nameOf(target), before, after, options: optionsOf(target, manager) };
  const { managedFields } = await target.core.threads.run('fields', input, target.exchange.user.name);
  await setFields(target, draft, managedFields);
  await breathe(target);
}

/** `applied`, in the thread. */
export async function applyInThread(
  target: Target,
  apply: { live: UnknownObject | undefined; config: UnknownObject; manager: string; force: boolean },
): Promise<UnknownObject> {
  const live = apply.live && (await textOf(target, apply.live));
  const config = await textOf(target, apply.config);
  const { manager, force } = apply;
  const input = { kind: nameOf(target), live, config, options: optionsOf(target, manager), force };
  const result = await target.core.threads.run('apply', input, target.exchange.user.name);
  if ('problem' in result) throw bareRefusal(result.problem);
  if ('conflicts' in result) throw applyConflict(result.conflicts);
  const object = (await parseLarge(target, result.object)) as UnknownObject;
  await setFields(target, object, result.managedFields);
  await breathe(target);
  return object;
}

async function setFields(target: Target, object: UnknownObject, text: string | undefined): Promise<void> {
  const { managedFields: _before, ...metadata } = object.metadata;
  const managedFields = text && ((await parseLarge(target, text)) as ManagedFieldsEntry[]);
  object.metadata = managedFields ? { ...metadata, managedFields } : metadata;
}

function nameOf({ kind }: Target): KindName {
  const custom = isCustomKind(kind) ? { schema: kind.custom.schemaText() } : undefined;
  return { group: kind.group, version: kind.version, kind: kind.kind, custom };
}

function optionsOf({ core, kind, subresource }: Target, name: string): FieldOptions {
  const manager = { name, apiVersion: apiVersionOf(kind), subresource, nowMs: core.clock.now() };
  return { manager, ignored: ignoredBy(kind, subresource) };
}
