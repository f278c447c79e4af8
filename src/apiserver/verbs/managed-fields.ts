import type { Conflict, FieldSet, Kind, ManageOptions, OtherVersion, UnknownObject } from '#api';
import { ApplyError, apiVersionOf } from '#api';
import type { Cause } from '../access/refuse.ts';
import type { Convert } from '../custom/index.ts';
import { withConversions } from '../custom/index.ts';
import { StatusError } from '../errors.ts';
import type { Target } from './target.ts';

/** Writes down who manages which fields, after a write that is no apply. Changes `draft` in place. */
export async function recordWrite(
  target: Target,
  write: { draft: UnknownObject; old: UnknownObject | undefined; manager: string },
): Promise<void> {
  const { fieldManager, versions } = target.core;
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

/** Upstream gives these errors no reason. */
function bareRefusal(message: string): StatusError {
  const refusal = new StatusError({ code: 500, reason: '', message });
  Reflect.deleteProperty(refusal.status, 'reason');
  return refusal;
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

const onlyStatus: FieldSet = { 'f:status': {} };
const metadataAndStatus: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/** What a write of this part cannot change: nobody comes to own that by it (upstream: GetResetFields of the strategies). */
function ignoredBy(kind: Kind, subresource: string): FieldSet | undefined {
  if (!kind.subresources.has('status')) return undefined;
  if (subresource !== 'status') return onlyStatus;
  const names = ['spec', ...(kind.type.fields?.keys() ?? [])].filter(name => !metadataAndStatus.has(name));
  return Object.fromEntries(names.map(name => [`f:${name}`, {}]));
}

/** Fields may be managed in another version of the kind than the one of the request. */
function versionOf({ core, kind }: Target, apiVersion: string, convert: Convert): OtherVersion | undefined {
  const other = core.versions.versionsOf(kind).get(apiVersion);
  return other && { type: other.type, convert: object => convert(object as UnknownObject, other) };
}

/** Upstream's words: structured-merge-diff conflicts as a Status with a cause each. */
function applyConflict(conflicts: readonly Conflict[]): StatusError {
  const causes: Cause[] = conflicts.map(conflict => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${describeManager(conflict)}`,
    field: conflict.field,
  }));
  return new StatusError({ code: 409, reason: 'Conflict', message: describeConflicts(conflicts), details: { causes } });
}

function describeConflicts(conflicts: readonly Conflict[]): string {
  const [only] = conflicts;
  if (only && conflicts.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${describeManager(only)}: ${only.field}`;
  }
  const fields = new Map<string, string[]>();
  for (const conflict of conflicts) {
    const manager = describeManager(conflict);
    fields.set(manager, [...(fields.get(manager) ?? []), `- ${conflict.field}`]);
  }
  const texts = [...fields]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([manager, lines]) => `conflicts with ${manager}:\n${lines.join('\n')}`);
  return `Apply failed with ${conflicts.length} conflicts: ${texts.join('\n')}`;
}

function describeManager({ manager, subresource, operation, apiVersion }: Conflict): string {
  const who = JSON.stringify(manager) + (subresource ? ` with subresource ${JSON.stringify(subresource)}` : '');
  return operation === 'Update' ? `${who} using ${apiVersion}` : who;
}
