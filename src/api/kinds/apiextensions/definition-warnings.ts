import { isKnownFormat } from '../../custom/formats.ts';
import { readSchema, type Schema, SchemaError, valuesOf } from '../../custom/schema.ts';
import type { CustomResourceDefinition } from '../../types.ts';

/**
 * What is accepted and yet does not do what it says: formats that nobody checks, sets of what is no scalar. What was there before is not spoken
 * of again. Source: pkg/registry/customresourcedefinition/strategy.go.
 */
export function definitionWarnings(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): string[] {
  const { formats, sets } = collect(definition);
  if (formats.size === 0 && sets.size === 0) return [];
  const before = old ? collect(old) : nothing;
  return [
    ...[...formats].filter(format => !before.formats.has(format)).map(describeFormat),
    ...[...sets]
      .filter(type => !before.sets.has(type))
      .sort()
      .map(describeSet),
  ];
}

function describeFormat(format: string): string {
  return `unrecognized format ${JSON.stringify(format)}`;
}

function describeSet(type: string): string {
  return `x-kubernetes-list-type: set for items of type ${JSON.stringify(type)} is not supported by server-side apply or CEL validation rules`;
}

interface Found {
  readonly formats: ReadonlySet<string>;
  readonly sets: ReadonlySet<string>;
}
const nothing: Found = { formats: new Set(), sets: new Set() };

function collect({ spec }: CustomResourceDefinition): Found {
  const found = { formats: new Set<string>(), sets: new Set<string>() };
  for (const version of spec.versions ?? []) {
    const schema = readable(version.schema?.openAPIV3Schema);
    if (schema) visit(found, schema);
  }
  return found;
}

/** A schema that cannot be read was refused, or is from before there were limits: there is nothing to say of it. */
function readable(schema: unknown): Schema | undefined {
  if (!schema) return undefined;
  try {
    return readSchema(schema);
  } catch (error) {
    if (error instanceof SchemaError) return undefined;
    throw error;
  }
}

function visit(found: { formats: Set<string>; sets: Set<string> }, schema: Schema): void {
  const { format, type, items } = schema;
  if (format && !isKnownFormat(format, type)) found.formats.add(format);
  const isSet = schema['x-kubernetes-list-type'] === 'set';
  if (isSet && (items?.type === 'object' || items?.type === 'array')) found.sets.add(items.type);
  if (items) visit(found, items);
  const values = valuesOf(schema);
  if (values) visit(found, values);
  for (const name in schema.properties) visit(found, schema.properties[name]!);
}
