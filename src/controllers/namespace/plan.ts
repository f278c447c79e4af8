import type { KubeObject, NamespaceCondition } from '#api';
import { formatTime } from '#base';
import { withCondition } from '../conditions.ts';

/** What was found and done in a namespace that is going away. */
export interface ContentReport {
  /** Per resource that still has objects: how many, and their finalizers. */
  remaining: readonly { group: string; resource: string; objects: readonly KubeObject[] }[];
  /** Per group version, or one for all: why it is not known what there is. */
  discoveryErrors: readonly string[];
  /** Per resource that could not be emptied. */
  deletionErrors: readonly string[];
}

type Row = Pick<NamespaceCondition, 'type' | 'status' | 'reason' | 'message'>;

/** The conditions that tell why a namespace is not gone yet, worded as upstream's. */
export function planNamespaceConditions(
  old: readonly NamespaceCondition[] | undefined,
  report: ContentReport,
  nowMs: number,
): NamespaceCondition[] {
  const rows = [discovery(report), parsing(), deletion(report), remains(report), finalizers(report)];
  const lastTransitionTime = formatTime(nowMs);
  return rows.reduce(
    (conditions, row) => withCondition<NamespaceCondition>(conditions, { ...row, lastTransitionTime }),
    [...(old ?? [])],
  );
}

function discovery({ discoveryErrors }: ContentReport): Row {
  const type = 'NamespaceDeletionDiscoveryFailure';
  if (discoveryErrors.length) {
    const all = `unable to retrieve the complete list of server APIs: ${discoveryErrors.join(', ')}`;
    const message = `Discovery failed for some groups, ${discoveryErrors.length} failing: ${all}`;
    return { type, status: 'True', reason: 'DiscoveryFailed', message };
  }
  return { type, status: 'False', reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' };
}

function parsing(): Row {
  const message = 'All legacy kube types successfully parsed';
  return {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    status: 'False',
    reason: 'ParsedGroupVersions',
    message,
  };
}

function deletion({ deletionErrors }: ContentReport): Row {
  const type = 'NamespaceDeletionContentFailure';
  if (deletionErrors.length) {
    const message = `Failed to delete all resource types, ${deletionErrors.length} remaining: ${deletionErrors.join(', ')}`;
    return { type, status: 'True', reason: 'ContentDeletionFailed', message };
  }
  const message = 'All content successfully deleted, may be waiting on finalization';
  return { type, status: 'False', reason: 'ContentDeleted', message };
}

function remains({ remaining }: ContentReport): Row {
  const type = 'NamespaceContentRemaining';
  if (!remaining.length)
    return { type, status: 'False', reason: 'ContentRemoved', message: 'All content successfully removed' };
  const each = remaining.map(
    ({ group, resource, objects }) => `${resource}.${group} has ${objects.length} resource instances`,
  );
  const message = `Some resources are remaining: ${each.sort().join(', ')}`;
  return { type, status: 'True', reason: 'SomeResourcesRemain', message };
}

function finalizers({ remaining }: ContentReport): Row {
  const type = 'NamespaceFinalizersRemaining';
  const counts = new Map<string, number>();
  for (const { objects } of remaining) {
    for (const finalizer of objects.flatMap(object => object.metadata.finalizers ?? [])) {
      counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
    }
  }
  if (!counts.size) {
    return {
      type,
      status: 'False',
      reason: 'ContentHasNoFinalizers',
      message: 'All content-preserving finalizers finished',
    };
  }
  const each = [...counts].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
  const message = `Some content in the namespace has finalizers remaining: ${each.sort().join(', ')}`;
  return { type, status: 'True', reason: 'SomeFinalizersRemain', message };
}
