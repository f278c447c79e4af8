import type { Column } from './kind.ts';
import { ageColumn, nameColumn } from './kinds/columns.ts';
import type { KubeObject, UnknownObject } from './resource.ts';
import type { Kind } from './scheme.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  /** What of each object goes with its row. */
  includeObject: IncludeObject;
  nowMs: number;
  /** Metadata of the list; absent for one object. */
  listMetadata?: { resourceVersion?: string; continue?: string; remainingItemCount?: number } | undefined;
  /** Without column definitions: second and later events of a watch. */
  withoutColumns?: boolean;
  version?: 'v1' | 'v1beta1';
}

/** A meta.k8s.io Table of objects of one kind, as `kubectl get` asks for. */
export function toTable(kind: Kind, objects: readonly UnknownObject[], options: TableOptions): Record<string, unknown> {
  const columns: readonly Column<UnknownObject>[] = kind.behaviour.columns ?? [
    nameColumn as Column<UnknownObject>,
    ageColumn as Column<UnknownObject>,
  ];
  const metadata = options.listMetadata ?? { resourceVersion: objects[0]?.metadata.resourceVersion };
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version ?? 'v1'}`,
    metadata,
    columnDefinitions: options.withoutColumns ? [] : columns.map(defineColumn),
    rows: objects.map(object => ({
      cells: columns.map(column => column.value(object, options.nowMs)),
      object: part(object, options.includeObject),
    })),
  };
}

function defineColumn(column: Column<UnknownObject>): Record<string, unknown> {
  const { name, type, description, priority } = column;
  return { name, type, format: column.format ?? (name === 'Name' ? 'name' : ''), description, priority };
}

function part(object: UnknownObject, include: IncludeObject): KubeObject | null {
  if (include === 'None') return null;
  if (include === 'Object') return object;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
