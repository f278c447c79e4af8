import type { FieldError } from '../kind.ts';
import { propertyOf, type Schema, valuesOf } from './schema.ts';

/** Runs the rules (x-kubernetes-validations) of a schema on an object; `old` is undefined for a create. */
export type Rules = (object: unknown, old: unknown) => { errors: FieldError[]; warnings: string[] };

/** Undefined where the schema has no rules. */
export function compileRules(schema: Schema): Rules | undefined {
  if (!hasRules(schema)) return undefined;
  return () => ({
    errors: [
      {
        reason: 'InternalError',
        field: '<nil>',
        message: 'Internal error: x-kubernetes-validations are not evaluated yet',
      },
    ],
    warnings: [],
  });
}

export function hasRules(schema: Schema): boolean {
  if (schema['x-kubernetes-validations']?.length) return true;
  const values = valuesOf(schema);
  const parts = [
    schema.items,
    values,
    ...(schema.allOf ?? []),
    ...Object.keys(schema.properties ?? {}).map(name => propertyOf(schema, name)),
  ];
  return parts.some(part => part !== undefined && hasRules(part));
}
