import type { FieldSet, Kind } from '#api';

const onlyStatus: FieldSet = { 'f:status': {} };
const metadataAndStatus: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'status']);

/** What a write of this part cannot change: nobody comes to own that by it (upstream: GetResetFields of the strategies). */
export function ignoredBy(kind: Kind, subresource: string): FieldSet | undefined {
  if (!kind.subresources.has('status')) return undefined;
  if (subresource !== 'status') return onlyStatus;
  const names = ['spec', ...(kind.type.fields?.keys() ?? [])].filter(name => !metadataAndStatus.has(name));
  return Object.fromEntries(names.map(name => [`f:${name}`, {}]));
}
