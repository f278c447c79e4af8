import type { IncludeObject, Kind, UnknownObject } from '#api';
import { toTable } from '#api';
import type { Core } from '../core.ts';
import { badRequest } from '../errors.ts';

/** An object's metadata as PartialObjectMetadata. */
export function partialMetadata(metadata: UnknownObject['metadata'], version: string): UnknownObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata };
}

export interface TableParts {
  readonly core: Core;
  readonly kind: Kind;
  readonly query: URLSearchParams;
  readonly objects: readonly UnknownObject[];
  readonly metadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number } | undefined;
  readonly version: string;
  readonly withoutColumns?: boolean;
}

/** Objects as a table, with as much of each as `includeObject` asks for. Throws 400 for an unknown one. */
export function tableOf(parts: TableParts): UnknownObject {
  const { core, kind, objects, metadata, version } = parts;
  const table = toTable(kind, objects, {
    includeObject: includeOf(parts.query),
    nowMs: core.clock.now(),
    listMetadata: metadata,
    withoutColumns: parts.withoutColumns ?? false,
    version: version === 'v1beta1' ? 'v1beta1' : 'v1',
  });
  return table as unknown as UnknownObject;
}

function includeOf(query: URLSearchParams): IncludeObject {
  const asked = query.get('includeObject') ?? '';
  if (asked === '') return 'Metadata';
  if (asked === 'None' || asked === 'Metadata' || asked === 'Object') return asked;
  throw badRequest(`unrecognized includeObject value: ${JSON.stringify(asked)}`);
}
