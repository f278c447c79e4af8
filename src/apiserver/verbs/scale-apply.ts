import type { ReplicasPath, UnknownObject } from '#api';
import { apiVersionOf, fromScaleOwners, toScaleOwners } from '#api';
import { replicasFieldPath } from './custom-scale.ts';
import { outcomeOf } from './managed-fields.ts';
import type { Target } from './target.ts';
import type { WriteOptions } from './write-options.ts';

const scaleVersion = 'autoscaling/v1';

/** A Scale with an applied configuration laid over it; who owns the number in the object owns it here. Throws as `applied`. */
export function appliedScale(
  target: Target,
  apply: { scale: UnknownObject; old: UnknownObject; config: UnknownObject; options: WriteOptions },
): UnknownObject {
  const { core } = target;
  const { scale, old, config, options } = apply;
  const live = structuredClone(scale);
  setOwners(live, toScaleOwners(old.metadata.managedFields, replicasPathOf(target)));
  const manager = {
    name: options.fieldManager,
    apiVersion: scaleVersion,
    subresource: target.subresource,
    nowMs: core.clock.now(),
  };
  const type = core.scheme().typeOf('autoscaling', 'v1', 'Scale')!;
  const { force = false } = options;
  return outcomeOf(() => core.fieldManager.apply(live, config, { type, manager, force })) as unknown as UnknownObject;
}

/** Owners of the object after the write of its Scale. */
export function scaleOwnersOf(target: Target, old: UnknownObject, scale: UnknownObject) {
  const pathOf = replicasPathOf(target);
  const apiVersion = apiVersionOf(target.kind);
  return fromScaleOwners(old.metadata.managedFields, scale.metadata.managedFields, { apiVersion, pathOf });
}

export function setOwners(object: UnknownObject, owners: UnknownObject['metadata']['managedFields']): void {
  if (owners) object.metadata.managedFields = owners;
  else delete object.metadata.managedFields;
}

function replicasPathOf({ core, kind }: Target): ReplicasPath {
  const versions = core.versions.versionsOf(kind);
  return apiVersion => {
    const version = versions.get(apiVersion);
    return version && replicasFieldPath(version);
  };
}
