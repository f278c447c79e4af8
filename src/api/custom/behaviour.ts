import type { KindBehaviour } from '../kind.ts';
import { setGeneration } from '../kinds/behaviour.ts';
import { checkQualifiedName } from '../kinds/name-rules.ts';
import type { UnknownObject } from '../resource.ts';
import type { CustomResourceDefinitionNames, CustomResourceDefinitionVersion } from '../types.ts';
import { createColumns, createSelectableFields } from './columns.ts';
import { jsonEqual } from './equal.ts';
import type { Outcome, Validation } from './validation.ts';

export interface BehaviourOptions {
  readonly names: CustomResourceDefinitionNames;
  readonly version: CustomResourceDefinitionVersion;
  defaults(object: UnknownObject): void;
  /** Compiled when the first object is written. */
  validation(): Validation;
}

/** The rules of custom resources. Source: registry/customresource/{strategy,status_strategy}.go. */
export function createBehaviour({
  names,
  version,
  defaults,
  validation,
}: BehaviourOptions): KindBehaviour<UnknownObject> {
  const hasStatus = version.subresources?.status !== undefined;
  const statusDefault = version.schema?.openAPIV3Schema?.properties?.['status']?.default;
  const warned = new WeakMap<object, readonly string[]>();
  const settle = (object: UnknownObject, { errors, warnings }: Outcome) => {
    if (warnings.length > 0) warned.set(object, warnings);
    return errors;
  };
  return {
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    singular: names.singular || names.kind.toLowerCase(),
    columns: createColumns(version),
    selectableFields: createSelectableFields(version),
    unconditionalUpdate: false,
    defaults,
    prepareCreate(draft) {
      if (hasStatus) delete draft['status'];
      // Upstream's store fills in defaults once more, and with them a status that nobody wrote.
      if (hasStatus && statusDefault !== undefined) defaults(draft);
      draft.metadata.generation = 1;
    },
    prepareUpdate(draft, old) {
      if (hasStatus) keepMember(draft, old, 'status');
      setGeneration(draft, old, !sameButMetadata(draft, old));
    },
    prepareSubresource(draft, old, subresource) {
      if (subresource === 'status') keepAllButStatus(draft, old);
    },
    validateCreate: (object, pace) => settle(object, validation().validate(object, undefined, pace)),
    validateUpdate: (object, old, pace) => settle(object, validation().validate(object, old, pace)),
    validateSubresource: (object, old, subresource, pace) =>
      subresource === 'status' ? settle(object, validation().validateStatus(object, old, pace)) : [],
    warnings: (object, old) => [...finalizerWarnings(object, old), ...(warned.get(object) ?? [])],
  };
}

function keepMember(draft: UnknownObject, old: UnknownObject, name: string): void {
  if (Object.hasOwn(old, name)) draft[name] = old[name];
  else delete draft[name];
}

/** Everything counts but metadata. */
function sameButMetadata(draft: UnknownObject, old: UnknownObject): boolean {
  const { metadata: _new, ...now } = draft;
  const { metadata: _old, ...before } = old;
  return jsonEqual(now, before);
}

/** A write of the status changes nothing but it. */
function keepAllButStatus(draft: UnknownObject, old: UnknownObject): void {
  const { managedFields, resourceVersion } = draft.metadata;
  for (const name of Object.keys(draft)) if (name !== 'status' && !Object.hasOwn(old, name)) delete draft[name];
  for (const name of Object.keys(old)) if (name !== 'status') draft[name] = old[name];
  draft.metadata = { ...old.metadata, resourceVersion };
  if (managedFields) draft.metadata.managedFields = managedFields;
}

const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function finalizerWarnings(object: UnknownObject, old: UnknownObject | undefined): string[] {
  const before = new Set(old?.metadata.finalizers);
  const added = [...new Set(object.metadata.finalizers)].filter(name => !before.has(name)).sort();
  return added.flatMap(name => {
    const texts = checkQualifiedName(name);
    const better = name.includes('.') ? 'name including a path (/)' : 'name';
    const advice = `prefer a domain-qualified finalizer ${better} to avoid accidental conflicts with other finalizer writers`;
    const all = name.includes('/') || standardFinalizers.has(name) ? texts : [...texts, advice];
    return all.map(text => `metadata.finalizers: ${JSON.stringify(name)}: ${text}`);
  });
}
