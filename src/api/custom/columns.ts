import type { Column } from '../kind.ts';
import { nameColumn, since } from '../kinds/columns.ts';
import type { UnknownObject } from '../resource.ts';
import type { CustomResourceDefinitionVersion } from '../types.ts';
import { type JsonPath, JsonPathError, parseJsonPath } from './json-path.ts';

type Cell = string | number | boolean | null;

/** What a definition says of `kubectl get`: Name, then its own columns; without any: Age. Source: registry/customresource/tableconvertor. */
export function createColumns(version: CustomResourceDefinitionVersion): Column<UnknownObject>[] {
  const name = nameColumn as unknown as Column<UnknownObject>;
  const own = version.additionalPrinterColumns ?? [];
  if (own.length === 0) return [name, ageColumn];
  return [
    name,
    ...own.map((column): Column<UnknownObject> => {
      const find = lazyPath(column.jsonPath);
      return {
        name: column.name,
        type: column.type,
        ...(column.format && { format: column.format }),
        priority: column.priority ? 1 : 0,
        description: column.description || `Custom resource definition column (in JSONPath format): ${column.jsonPath}`,
        value: (object, nowMs) => cellOf(column.type, find(object), nowMs),
      };
    }),
  ];
}

const ageColumn: Column<UnknownObject> = {
  name: 'Age',
  type: 'date',
  priority: 0,
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
  value: (object, nowMs) => since(object.metadata.creationTimestamp, nowMs),
};

/** Parsed when first used; a path that cannot be read finds nothing. */
function lazyPath(path: string): JsonPath {
  let parsed: JsonPath | undefined;
  return object => {
    parsed ??= readPath(path);
    return parsed(object);
  };
}

function readPath(path: string): JsonPath {
  try {
    return parseJsonPath(path);
  } catch (error) {
    if (error instanceof JsonPathError) return () => [];
    throw error;
  }
}

function cellOf(type: string, found: readonly unknown[], nowMs: number): Cell {
  const [value] = found;
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'string':
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return value && Number.isNaN(Date.parse(value)) ? '<invalid>' : since(value, nowMs);
    default:
      return null;
  }
}

/** Values that field selectors compare: `spec.color` for `.spec.color`. */
export function createSelectableFields(
  version: CustomResourceDefinitionVersion,
): Record<string, (object: UnknownObject) => string> {
  return Object.fromEntries(
    (version.selectableFields ?? []).map(({ jsonPath }) => {
      const find = lazyPath(jsonPath);
      return [jsonPath.replace(/^\./, ''), (object: UnknownObject) => textOf(find(object)[0])];
    }),
  );
}

function textOf(value: unknown): string {
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}
