import type { Conflict, ManageOptions, OtherVersion, UnknownObject } from '#api';
import { ApplyError, apiVersionOf } from '#api';
import type { Convert } from '../custom/index.ts';
import { withConversions } from '../custom/index.ts';
import { applyConflict, bareRefusal } from './apply-refusals.ts';
import { ignoredBy } from './ignored-fields.ts';
import { applyInThread, isForThread, recordInThread } from './managed-fields-apart.ts';
import type { Target } from './target.ts';

/** Writes down who manages which fields, after a write that is no apply. Changes `draft` in place. */
export async function recordWrite(
  target: Target,
  write: { draft: UnknownObject; old: UnknownObject | undefined; manager: string },
): Promise<void> {
  const { fieldManager, versions } = target.core;
  if (isForThread(target, write.old, write.draft)) return recordInThread(target, write);
  await withConversions(versions, convert =>
    fieldManager.update(write.old, write.draft, manageOptions(target, write.manager, convert)),
  );
}

/**
 * What an apply patch makes of an object (undefined: there is none yet); shares parts with both. Throws 409 when others own what it changes, and upstream's bare
 * 500 when it does not fit the type.
 */
export async function applied(
  target: Target,
  apply: { live: UnknownObject | undefined; config: UnknownObject; manager: string; force: boolean },
): Promise<UnknownObject> {
  const { live, config, force, manager } = apply;
  const { fieldManager, versions } = target.core;
  if (isForThread(target, live)) return applyInThread(target, apply);
  const object = await withConversions(versions, convert =>
    outcomeOf(() => fieldManager.apply(live, config, { ...manageOptions(target, manager, convert), force })),
  );
  return object as UnknownObject;
}

/** The object of an apply, or what it says against it as a Status. */
export function outcomeOf(apply: () => { object: object } | { conflicts: Conflict[] }): object {
  try {
    const result = apply();
    if ('conflicts' in result) throw applyConflict(result.conflicts);
    return result.object;
  } catch (error) {
    throw error instanceof ApplyError ? bareRefusal(error.message) : error;
  }
}

function manageOptions(target: Target, name: string, convert: Convert): ManageOptions {
  const { core, kind, subresource } = target;
  return {
    type: kind.type,
    manager: { name, apiVersion: apiVersionOf(kind), subresource, nowMs: core.clock.now() },
    ignored: ignoredBy(kind, subresource),
    versionOf: apiVersion => versionOf(target, apiVersion, convert),
  };
}

/** Fields may be managed in another version of the kind than the one of the request. */
function versionOf({ core, kind }: Target, apiVersion: string, convert: Convert): OtherVersion | undefined {
  const other = core.versions.versionsOf(kind).get(apiVersion);
  return other && { type: other.type, convert: object => convert(object as UnknownObject, other) };
}
