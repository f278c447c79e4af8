import { compileEmbeddedCheck } from '../../custom/embedded.ts';
import { compileListCheck } from '../../custom/list-types.ts';
import { pruneUnknown } from '../../custom/prune.ts';
import { compileRules } from '../../custom/rules.ts';
import { createRun, nowhere } from '../../custom/run.ts';
import { propertyOf, type Schema, valuesOf } from '../../custom/schema.ts';
import { compileCheck } from '../../custom/validate.ts';
import type { FieldError } from '../../kind.ts';
import type { TypeNode } from '../../scheme.ts';
import { invalid } from '../field-error.ts';

/** Defaults must be valid values of what they are defaults of. Source: pkg/apiserver/schema/defaulting/validation.go. */
export function checkDefaults(path: string, schema: Schema, metadataType: TypeNode): FieldError[] {
  const errors: FieldError[] = [];
  checkNode(errors, path, { schema, metadataType, isRoot: true });
  return errors;
}

/** Errors of the class that an update may keep when it was there before. */
export const unprunedDetail = 'must not have unknown fields';

interface Node {
  readonly schema: Schema;
  readonly metadataType: TypeNode;
  readonly isRoot: boolean;
}

function checkNode(errors: FieldError[], path: string, { schema, metadataType, isRoot }: Node): void {
  if (!isRoot && schema.default !== undefined && schema.default !== null) {
    checkDefault(errors, `${path}.default`, { schema, metadataType });
  }
  const visit = (part: Schema, step: string) =>
    checkNode(errors, `${path}.${step}`, { schema: part, metadataType, isRoot: false });
  if (schema.items) visit(schema.items, 'items');
  const values = valuesOf(schema);
  if (values) visit(values, 'additionalProperties');
  for (const name of Object.keys(schema.properties ?? {})) visit(propertyOf(schema, name)!, `properties[${name}]`);
}

function checkDefault(
  errors: FieldError[],
  path: string,
  { schema, metadataType }: { schema: Schema; metadataType: TypeNode },
): void {
  const value = schema.default;
  const isResource = schema['x-kubernetes-embedded-resource'] === true;
  const pruned = pruneUnknown(schema, structuredClone(value), { isRoot: isResource });
  if (pruned.length > 0) errors.push(invalid(path, value, unprunedDetail));
  const run = createRun();
  compileEmbeddedCheck(schema, metadataType, false)?.(value, run);
  compileCheck(schema)(value, undefined, run);
  compileListCheck(schema)?.(value, '', run);
  if (run.errors.length === 0) run.errors.push(...brokenRules(schema, isResource));
  for (const error of run.errors) errors.push({ ...error, field: below(path, error.field) });
}

/** A default comes into objects that have been there, and into new ones. */
function brokenRules(schema: Schema, isResource: boolean): readonly FieldError[] {
  const rules = compileRules(schema, isResource);
  if (!rules) return [];
  const { errors } = rules(schema.default, undefined);
  return errors.length > 0 ? errors : rules(schema.default, schema.default).errors;
}

function below(path: string, field: string): string {
  if (field === nowhere) return path;
  return field.startsWith('[') ? `${path}${field}` : `${path}.${field}`;
}
