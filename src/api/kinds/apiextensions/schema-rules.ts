import { propertyOf, type Schema } from '../../custom/schema.ts';
import type { FieldError } from '../../kind.ts';
import type { Pace } from '../../pace.ts';
import { forbidden, invalid, notSupported } from '../field-error.ts';
import { type CostScope, checkRulePrograms, inItems, inMember, inValues } from './cost-rules.ts';
import { checkListKeys, checkListType, checkMapType } from './list-rules.ts';
import { checkRuleTexts } from './rule-rules.ts';

/** What is known on the way to a node. */
export interface SchemaScope {
  readonly path: string;
  /** Text after `must not be set`, where defaults may not stand. */
  readonly noDefaults: string | undefined;
  /** Inside apiVersion, kind or metadata of a resource. */
  readonly isInMeta: boolean;
  /** The innermost list or map around whose parts cannot be told from each other over time: oldSelf is of no use below. */
  readonly uncorrelated: string | undefined;
  /** Undefined: rules are not compiled here (inside junctors, or because the schema is not structural). */
  readonly cost: CostScope | undefined;
  readonly pace: Pace | undefined;
}

/** Errors of rules are only of use when the schema around them is right. */
export interface SchemaErrors {
  readonly schema: FieldError[];
  readonly rules: FieldError[];
}

const metaFields: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion']);

/** Everything that a definition's schema must obey beside being structural. Source: ValidateCustomResourceDefinitionOpenAPISchema. */
export function checkSchema(schema: Schema, scope: SchemaScope, isRoot: boolean): SchemaErrors {
  const found: SchemaErrors = { schema: [], rules: [] };
  scope.pace?.check();
  checkKeywords(found.schema, scope, schema);
  checkValues(found, scope, schema);
  checkMembers(found, scope, { schema, isRoot });
  checkJunctors(found, scope, schema);
  checkItems(found, scope, schema);
  const { path } = scope;
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    found.schema.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'));
  }
  checkMapType(found.schema, path, schema);
  checkListType(found.schema, path, schema);
  checkListKeys(found.schema, path, schema);
  if (schema['x-kubernetes-validations']?.length) {
    checkRuleTexts(found.schema, path, schema);
    if (found.schema.length === 0 && scope.cost) checkRulePrograms(found.rules, { ...scope, cost: scope.cost }, schema);
  }
  return found;
}

function into(found: SchemaErrors, part: Schema, scope: SchemaScope): void {
  const { schema, rules } = checkSchema(part, scope, false);
  found.schema.push(...schema);
  found.rules.push(...rules);
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** Keywords that JSONSchemaProps has and definitions may not use. */
const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;

function checkKeywords(errors: FieldError[], { path, noDefaults, isInMeta }: SchemaScope, schema: Schema): void {
  const { type } = schema;
  if (type && !types.includes(type)) errors.push(notSupported(`${path}.type`, type, types));
  if (schema.default !== undefined && schema.default !== null && noDefaults !== undefined) {
    errors.push(forbidden(`${path}.default`, `must not be set ${noDefaults}`));
  }
  const members = schema as unknown as Readonly<Record<string, unknown>>;
  for (const name of unsupported) {
    const value = members[name];
    if (value === undefined || value === null || value === '') continue;
    errors.push(forbidden(`${path}.${name}`, `${name} is not supported`));
  }
  if (type === 'null') {
    errors.push(forbidden(`${path}.type`, 'type cannot be set to null, use nullable as an alternative'));
  }
  if (Array.isArray(schema.items)) {
    errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'));
  }
  if (isInMeta && schema['x-kubernetes-embedded-resource']) {
    errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'));
  }
  if (schema.uniqueItems) {
    const detail = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.push(forbidden(`${path}.uniqueItems`, detail));
  }
}

function checkValues(found: SchemaErrors, scope: SchemaScope, schema: Schema): void {
  const { additionalProperties: values } = schema;
  if (values === undefined || values === null) return;
  const path = `${scope.path}.additionalProperties`;
  if (Object.keys(schema.properties ?? {}).length > 0 && values !== true) {
    found.schema.push(forbidden(path, 'additionalProperties and properties are mutual exclusive'));
  }
  if (typeof values !== 'object') return;
  const noDefaults = scope.isInMeta ? 'inside additionalProperties applying to object metadata' : scope.noDefaults;
  into(found, values, { ...scope, path, noDefaults, cost: scope.cost && inValues(scope.cost, schema, values) });
}

function checkMembers(
  found: SchemaErrors,
  scope: SchemaScope,
  { schema, isRoot }: { schema: Schema; isRoot: boolean },
): void {
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic';
  const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const name of Object.keys(schema.properties ?? {})) {
    const property = propertyOf(schema, name)!;
    const isMeta = isResource && metaFields.has(name);
    into(found, property, {
      path: `${scope.path}.properties[${name}]`,
      noDefaults: isMeta && isRoot ? `in top-level ${name}` : scope.noDefaults,
      isInMeta: isMeta || scope.isInMeta,
      uncorrelated: scope.uncorrelated ?? (isAtomic ? scope.path : undefined),
      cost: scope.cost && inMember(scope.cost, schema, property),
      pace: scope.pace,
    });
  }
}

function checkJunctors(found: SchemaErrors, scope: SchemaScope, schema: Schema): void {
  const plain = { ...scope, cost: undefined };
  if (schema.not) into(found, schema.not, { ...plain, path: `${scope.path}.not` });
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
    schema[name]?.forEach((part, index) => {
      into(found, part, { ...plain, path: `${scope.path}.${name}[${index}]` });
    });
  }
}

function checkItems(found: SchemaErrors, scope: SchemaScope, schema: Schema): void {
  const { items } = schema;
  if (!items || Array.isArray(items)) return;
  const isCorrelated = schema['x-kubernetes-list-type'] === 'map';
  into(found, items, {
    ...scope,
    path: `${scope.path}.items`,
    uncorrelated: scope.uncorrelated ?? (isCorrelated ? undefined : scope.path),
    cost: scope.cost && inItems(scope.cost, schema, items),
  });
}

/** The root of a schema whose status is written by itself may only say what is not lost when its status is taken alone. */
const allowedAtRoot = [
  'Description',
  'Type',
  'Format',
  'Title',
  'Maximum',
  'ExclusiveMaximum',
  'Minimum',
  'ExclusiveMinimum',
  'MaxLength',
  'MinLength',
  'Pattern',
  'MaxItems',
  'MinItems',
  'UniqueItems',
  'MultipleOf',
  'Required',
  'Items',
  'Properties',
  'ExternalDocs',
  'Example',
  'XPreserveUnknownFields',
  'XValidations',
];

const goNames: Readonly<Record<string, string>> = {
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
};

export function checkRoot(
  errors: FieldError[],
  path: string,
  { schema, hasStatus }: { schema: Schema; hasStatus: boolean },
): void {
  if (hasStatus) {
    const isFine = Object.entries(schema).every(([name, value]) => {
      if (value === undefined || value === null || value === false || value === '') return true;
      return allowedAtRoot.includes(goNames[name] ?? `${name[0]?.toUpperCase()}${name.slice(1)}`);
    });
    if (!isFine) {
      const detail = `only [${allowedAtRoot.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`;
      // The schema itself may be large; its value says nothing that the path does not.
      errors.push({ reason: 'FieldValueInvalid', field: path, message: `Invalid value: "": ${detail}` });
    }
    if (schema.type && schema.type !== 'object') {
      const detail =
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      errors.push(invalid(`${path}.type`, schema.type, detail));
    }
  }
  if (schema.nullable) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
}
