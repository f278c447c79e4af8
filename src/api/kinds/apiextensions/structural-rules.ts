import { propertyOf, type Schema } from '../../custom/schema.ts';
import type { FieldError } from '../../kind.ts';
import type { Pace } from '../../pace.ts';
import { compileRe2, RegexError, worstCompileMs } from '../../regex.ts';
import { forbidden, invalid, required } from '../field-error.ts';

type Level = 'root' | 'item' | 'field';

/** Whether a schema is structural: everything is specified once, outside of logical junctors. Sorted, as upstream (pkg/apiserver/schema/validation.go). */
export function checkStructural(path: string, schema: Schema, pace?: Pace): FieldError[] {
  const errors: FieldError[] = [];
  checkNode(errors, path, { schema, level: 'root', pace });
  pace?.check();
  checkComplete(errors, { schema, junction: schema, at: path, of: path });
  const textOf = ({ field, message }: FieldError) => `${field}: ${message}`;
  return errors.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

interface Node {
  readonly schema: Schema;
  readonly level: Level;
  readonly pace: Pace | undefined;
}

function checkNode(errors: FieldError[], path: string, { schema, level, pace }: Node): void {
  if (schema.type === 'array' && !schema.items) errors.push(required(`${path}.items`, 'must be specified'));
  if (schema.items) checkNode(errors, `${path}.items`, { schema: schema.items, level: 'item', pace });
  for (const name of Object.keys(schema.properties ?? {})) {
    checkNode(errors, `${path}.properties[${name}]`, { schema: propertyOf(schema, name)!, level: 'field', pace });
  }
  const { additionalProperties: values } = schema;
  if (values !== undefined && level === 'root') {
    errors.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  }
  if (typeof values === 'object') {
    checkNode(errors, `${path}.additionalProperties`, { schema: values, level: 'field', pace });
  }
  checkExtensions(errors, path, schema);
  checkJunctions(errors, path, {
    schema,
    skipAnyOf: isIntOrString(schema.anyOf),
    skipFirstAllOf: isIntOrString(schema.allOf?.[0]?.anyOf),
    pace,
  });
  checkTypes(errors, path, { schema, level, pace });
  checkResource(errors, path, { schema, level, pace });
}

function checkExtensions(errors: FieldError[], path: string, schema: Schema): void {
  if (!schema['x-kubernetes-int-or-string']) return;
  for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
    if (!schema[name]) continue;
    errors.push(invalid(`${path}.${name}`, true, 'must be false if x-kubernetes-int-or-string is true'));
  }
}

const emptyTypes: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

function checkTypes(errors: FieldError[], path: string, { schema, level }: Node): void {
  const { type } = schema;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const isAny = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields'];
  if (isEmbedded && type !== 'object') {
    const detail = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type ? invalid(`${path}.type`, type, detail) : required(`${path}.type`, detail));
  } else if (!type && !isAny) errors.push(required(`${path}.type`, emptyTypes[level]));
  if (isEmbedded && schema.additionalProperties !== undefined) {
    const detail = 'must not be used if x-kubernetes-embedded-resource is set';
    errors.push(forbidden(`${path}.additionalProperties`, detail));
  }
  if (level === 'root' && type && type !== 'object') {
    errors.push(invalid(`${path}.type`, type, 'must be object at the root'));
  }
}

/** Roots and embedded resources have apiVersion, kind and metadata. */
function checkResource(errors: FieldError[], path: string, { schema, level }: Node): void {
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const isResource = level === 'root' || isEmbedded;
  for (const name of ['kind', 'apiVersion']) {
    const property = propertyOf(schema, name);
    if (!property || !isResource || property.type === 'string') continue;
    errors.push(invalid(`${path}.properties[${name}].type`, property.type ?? '', 'must be string'));
  }
  const metadata = propertyOf(schema, 'metadata');
  if (metadata) {
    const at = `${path}.properties[metadata]`;
    if (isResource && metadata.type !== 'object') {
      errors.push(invalid(`${at}.type`, metadata.type ?? '', 'must be object'));
    }
    if (level === 'root' && !isPlainMetadata(metadata)) {
      const detail = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
      errors.push(forbidden(at, detail));
    }
  }
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (isEmbedded && !isOpen && Object.keys(schema.properties ?? {}).length === 0) {
    const detail =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.push(required(`${path}.properties`, detail));
  }
}

const mayRestrict: ReadonlySet<string> = new Set(['name', 'generateName']);
const mayStand: ReadonlySet<string> = new Set(['type', 'default', 'properties']);

function isPlainMetadata(metadata: Schema): boolean {
  const members = Object.entries(metadata).filter(([, value]) => !isZero(value));
  return (
    members.every(([name]) => mayStand.has(name)) &&
    Object.keys(metadata.properties ?? {}).every(name => mayRestrict.has(name))
  );
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return Array.isArray(value) && value.length === 0;
}

/** `anyOf: [{type: integer}, {type: string}]`: the one exception to the rule that junctors have no types. */
function isIntOrString(anyOf: readonly Schema[] | undefined): boolean {
  if (anyOf?.length !== 2) return false;
  const [first, second] = anyOf as [Schema, Schema];
  const isOnly = (schema: Schema) => Object.values(schema).filter(value => !isZero(value)).length === 1;
  return first.type === 'integer' && second.type === 'string' && isOnly(first) && isOnly(second);
}

interface Junctions {
  readonly schema: Schema;
  readonly skipAnyOf: boolean;
  readonly skipFirstAllOf: boolean;
  readonly pace: Pace | undefined;
}

function checkJunctions(errors: FieldError[], path: string, at: Junctions): void {
  const { schema, skipAnyOf, skipFirstAllOf, pace } = at;
  const nested = (name: string) => (part: Schema, index: number) => {
    checkNested(errors, `${path}.${name}[${index}]`, { schema: part, pace });
  };
  if (!skipAnyOf) schema.anyOf?.forEach(nested('anyOf'));
  schema.allOf?.forEach((part, index) => {
    checkNested(errors, `${path}.allOf[${index}]`, { schema: part, pace, skipAnyOf: skipFirstAllOf && index === 0 });
  });
  schema.oneOf?.forEach(nested('oneOf'));
  if (schema.not) checkNested(errors, `${path}.not`, { schema: schema.not, pace });
  if (!schema.pattern) return;
  pace?.check(worstCompileMs(schema.pattern));
  checkPattern(errors, `${path}.pattern`, schema.pattern);
}

function checkPattern(errors: FieldError[], field: string, pattern: string): void {
  try {
    compileRe2(pattern);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    errors.push(invalid(field, pattern, `must be a valid regular expression, but isn't: ${error.message}`));
  }
}

/** What a part of a junctor may not say, and the word for it. */
const forbiddenInside: readonly (readonly [keyof Schema, string])[] = [
  ['type', 'empty'],
  ['additionalProperties', 'undefined'],
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['externalDocs', 'undefined'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
];

interface Nested {
  readonly schema: Schema;
  readonly pace: Pace | undefined;
  readonly skipAnyOf?: boolean;
}

function checkNested(errors: FieldError[], path: string, { schema, pace, skipAnyOf = false }: Nested): void {
  pace?.check();
  checkJunctions(errors, path, { schema, skipAnyOf, skipFirstAllOf: false, pace });
  if (schema.items) checkNested(errors, `${path}.items`, { schema: schema.items, pace });
  for (const name of Object.keys(schema.properties ?? {})) {
    checkNested(errors, `${path}.properties[${name}]`, { schema: propertyOf(schema, name)!, pace });
  }
  for (const [name, what] of forbiddenInside) {
    const value = schema[name];
    if (name === 'additionalProperties' ? value === undefined || value === null : isZero(value)) continue;
    errors.push(forbidden(`${path}.${name}`, `must be ${what} to be structural`));
  }
  if (propertyOf(schema, 'metadata')) {
    errors.push(forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context'));
  }
}

interface Completeness {
  readonly schema: Schema | undefined;
  readonly junction: Schema;
  readonly at: string;
  readonly of: string;
}

/** Every field and list that a junctor speaks of is also specified outside of it. */
function checkComplete(errors: FieldError[], { schema, junction, at, of }: Completeness): void {
  const nested = (part: Schema, where: string) =>
    checkNestedComplete(errors, { schema, junction: part, at, of: where });
  if (junction.not) nested(junction.not, `${of}.not`);
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    junction[name]?.forEach((part, index) => {
      nested(part, `${of}.${name}[${index}]`);
    });
  }
}

function checkNestedComplete(errors: FieldError[], { schema, junction, at, of }: Completeness): void {
  if (!schema) {
    errors.push(required(at, `because it is defined in ${of}`));
    return;
  }
  checkComplete(errors, { schema, junction, at, of });
  if (junction.items) {
    checkNestedComplete(errors, {
      schema: schema.items,
      junction: junction.items,
      at: `${at}.items`,
      of: `${of}.items`,
    });
  }
  for (const name of Object.keys(junction.properties ?? {})) {
    const step = `properties[${name}]`;
    const part = { schema: propertyOf(schema, name), junction: propertyOf(junction, name)! };
    checkNestedComplete(errors, { ...part, at: `${at}.${step}`, of: `${of}.${step}` });
  }
}
