import type { Conflict } from '#api';
import type { Cause } from '../access/refuse.ts';
import { StatusError } from '../errors.ts';

/** Upstream gives these errors no reason. */
export function bareRefusal(message: string): StatusError {
  const refusal = new StatusError({ code: 500, reason: '', message });
  Reflect.deleteProperty(refusal.status, 'reason');
  return refusal;
}

/** Upstream's words: structured-merge-diff conflicts as a Status with a cause each. */
export function applyConflict(conflicts: readonly Conflict[]): StatusError {
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
    const lines = fields.get(manager) ?? [];
    fields.set(manager, lines);
    lines.push(`- ${conflict.field}`);
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
