import { isKnownFormat } from '../../custom/formats.ts';
import { propertyOf, readSchema, type Schema, valuesOf } from '../../custom/schema.ts';
import type { CustomResourceDefinition } from '../../types.ts';

/** Formats that nobody checks: they are accepted, and mean nothing. Those that were there before are not spoken of again. */
export function formatWarnings(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): string[] {
  const before = old ? unknownFormats(old) : new Set<string>();
  return [...unknownFormats(definition)].filter(format => !before.has(format)).map(describe);
}

function describe(format: string): string {
  return `unrecognized format ${JSON.stringify(format)}`;
}

function unknownFormats({ spec }: CustomResourceDefinition): Set<string> {
  const found = new Set<string>();
  for (const version of spec.versions ?? []) {
    const schema = version.schema?.openAPIV3Schema;
    if (schema) collect(found, readSchema(schema));
  }
  return found;
}

function collect(found: Set<string>, schema: Schema): void {
  const { format, type } = schema;
  if (format && !isKnownFormat(format, type)) found.add(format);
  for (const part of [schema.items, valuesOf(schema)]) if (part) collect(found, part);
  for (const name of Object.keys(schema.properties ?? {})) collect(found, propertyOf(schema, name)!);
}
