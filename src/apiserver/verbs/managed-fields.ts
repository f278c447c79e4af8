import type { Conflict, Manager, UnknownObject } from '#api';
import { apiVersionOf } from '#api';
import type { Cause } from '../access/refuse.ts';
import { StatusError } from '../errors.ts';
import type { Target } from './target.ts';

/** Writes down who manages which fields, after a write that is no apply. Changes `draft` in place. */
export function recordWrite(
  target: Target,
  write: { draft: UnknownObject; old: UnknownObject | undefined; manager: string },
): void {
  const { core, kind } = target;
  core.fieldManager.update(write.old, write.draft, { type: kind.type, manager: managerOf(target, write.manager) });
}

/** What an apply patch makes of an object (undefined: there is none yet). Throws 409 when others own what it changes. */
export function applied(
  target: Target,
  apply: { live: UnknownObject | undefined; config: UnknownObject; manager: string; force: boolean },
): UnknownObject {
  const { core, kind } = target;
  const { live, config, force } = apply;
  const manager = managerOf(target, apply.manager);
  const result = core.fieldManager.apply(live, config, { type: kind.type, manager, force });
  if ('conflicts' in result) throw applyConflict(result.conflicts);
  return result.object as unknown as UnknownObject;
}

function managerOf({ core, kind, subresource }: Target, name: string): Manager {
  return { name, apiVersion: apiVersionOf(kind), subresource, nowMs: core.clock.now() };
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

function describeManager({ manager, subresource, operation, apiVersion, time }: Conflict): string {
  const who = JSON.stringify(manager) + (subresource ? ` with subresource ${JSON.stringify(subresource)}` : '');
  if (operation !== 'Update') return who;
  return `${who} using ${apiVersion}${time ? ` at ${time}` : ''}`;
}
