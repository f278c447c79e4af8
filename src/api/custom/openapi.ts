import type { Steps } from '#base';
import { isSmall } from '#base';
import type { CustomKind } from './kinds.ts';
import { propertyOf, type Schema, valuesOf } from './schema.ts';

type Json = Record<string, unknown>;
type Style = 'v2' | 'v3';

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const prefixes: Readonly<Record<Style, string>> = { v2: '#/definitions/', v3: '#/components/schemas/' };

/** Texts that upstream gives the fields of every object. */
const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md';
const apiVersion: Json = {
  description: `APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: ${conventions}#resources`,
  type: 'string',
};
const kindField: Json = {
  description: `Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: ${conventions}#types-kinds`,
  type: 'string',
};

/** Types of the tables that these schemas refer to. */
export const referredTypes: readonly string[] = [`${metaPackage}ObjectMeta`, `${metaPackage}ListMeta`];

/** `example.com/v1 Widget` as a name of a schema: `com.example.v1.Widget`. */
export function schemaName({ group, version, kind }: { group: string; version: string; kind: string }): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`;
}

/** Names of the schemas of a custom kind and of its list. */
export function customSchemaNames({ group, version, kind, listKind }: CustomKind): readonly [string, string] {
  return [schemaName({ group, version, kind }), schemaName({ group, version, kind: listKind })];
}

/**
 * The schemas of a custom kind and of its list, by name, for OpenAPI documents and `kubectl explain`. OpenAPI 2 has no junctors and no nullable;
 * what it cannot say is left out, so that kubectl does not refuse what the server takes. Source: pkg/controller/openapi/{builder,v2}.
 */
export function* customSchemaSteps(kind: CustomKind, style: Style): Steps<Record<string, Json>> {
  const { group, version } = kind;
  const fields = Object.keys(kind.behaviour.selectableFields ?? {}).map(fieldPath => ({ fieldPath }));
  const gvk = (name: string) => ({
    'x-kubernetes-group-version-kind': [{ group, version, kind: name }],
    ...(fields.length > 0 && { 'x-kubernetes-selectable-fields': fields }),
  });
  const [name, listName] = customSchemaNames(kind);
  return {
    [name]: { ...(yield* rootSchema(kind.custom.schema, style)), ...gvk(kind.kind) },
    [listName]: { ...listSchema(kind, style), ...gvk(kind.listKind) },
  };
}

function* rootSchema(schema: Schema, style: Style): Steps<Json> {
  // Were a single field listed, kubectl would take all others for mistakes.
  if (style === 'v2' && schema['x-kubernetes-preserve-unknown-fields']) return { type: 'object' };
  const json = yield* publishSteps(schema, style, new Map());
  const metadata = {
    ...metaRef('ObjectMeta', style),
    ...describe(`Standard object's metadata. More info: ${conventions}#metadata`),
  };
  return {
    ...json,
    type: 'object',
    properties: {
      ...(json['properties'] as Json | undefined),
      apiVersion,
      kind: kindField,
      metadata: beside(metadata, style),
    },
  };
}

function describe(description: string): Json {
  return { description };
}

function metaRef(name: string, style: Style): Json {
  return { $ref: `${prefixes[style]}${metaPackage}${name}` };
}

/** Nothing may stand beside a reference in OpenAPI 3. */
function beside({ $ref, ...others }: Json, style: Style): Json {
  return style === 'v2' ? { ...others, $ref } : { ...others, allOf: [{ $ref }] };
}

function listSchema(kind: CustomKind, style: Style): Json {
  const item = `${prefixes[style]}${schemaName(kind)}`;
  const metadata = {
    ...metaRef('ListMeta', style),
    ...describe(`Standard list metadata. More info: ${conventions}#types-kinds`),
  };
  return {
    description: `${kind.listKind} is a list of ${kind.kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion,
      items: {
        description: `List of ${kind.resource}. More info: ${conventions}`,
        type: 'array',
        items: { $ref: item },
      },
      kind: kindField,
      metadata: beside(metadata, style),
    },
  };
}

/** Keywords that are published as they are. */
const plain = [
  'description',
  'type',
  'format',
  'title',
  'default',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'multipleOf',
  'maxProperties',
  'minProperties',
  'enum',
  'required',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-map-type',
  'x-kubernetes-validations',
] as const;

const intOrString: readonly Schema[] = [{ type: 'integer' }, { type: 'string' }];

/** What was published of schemas before those around them. */
type Published = Map<Schema, Json>;

/** `publish` in steps, for large schemas: from the inside out. */
function* publishSteps(schema: Schema, style: Style, done: Published): Steps<Json> {
  if (!isSmall(schema)) {
    for (const part of partsOf(schema, style)) {
      done.set(part, yield* publishSteps(part, style, done));
      yield;
    }
  }
  return publish(schema, style, done);
}

/** The schemas in it that are published with it. */
function* partsOf(schema: Schema, style: Style): Generator<Schema> {
  if (schema.items) yield schema.items;
  const values = valuesOf(schema);
  if (values) yield values;
  for (const name in schema.properties) yield schema.properties[name]!;
  if (style === 'v2') return;
  for (const name of junctors) yield* schema[name] ?? [];
  if (schema.not) yield schema.not;
}

function publish(schema: Schema, style: Style, done: Published): Json {
  const known = done.get(schema);
  if (known) return known;
  const json: Json = {};
  for (const name of plain) {
    const value = schema[name];
    if (value !== undefined && value !== null && value !== '') json[name] = value;
  }
  if (schema.items) json['items'] = publish(schema.items, style, done);
  const values = valuesOf(schema);
  if (values) json['additionalProperties'] = publish(values, style, done);
  else if (schema.additionalProperties === true) json['additionalProperties'] = true;
  const names = Object.keys(schema.properties ?? {});
  if (names.length > 0) {
    json['properties'] = Object.fromEntries(names.map(name => [name, publish(propertyOf(schema, name)!, style, done)]));
  }
  if (style === 'v2') return reduce(json, schema);
  addJunctors(json, schema, done);
  if (schema.nullable) json['nullable'] = true;
  return withEnvelope(json, schema, style);
}

const junctors = ['allOf', 'anyOf', 'oneOf'] as const;

function addJunctors(json: Json, schema: Schema, done: Published): void {
  for (const name of junctors) {
    if (schema[name]?.length) json[name] = schema[name].map(part => publish(part, 'v3', done));
  }
  if (
    schema['x-kubernetes-int-or-string'] &&
    !saysIntOrString(schema.anyOf) &&
    !saysIntOrString(schema.allOf?.[0]?.anyOf)
  ) {
    if (!json['anyOf']) json['anyOf'] = intOrString;
    else json['allOf'] = [{ anyOf: intOrString }, ...((json['allOf'] as Json[] | undefined) ?? [])];
  }
  if (schema.not) json['not'] = publish(schema.not, 'v3', done);
}

function saysIntOrString(anyOf: readonly Schema[] | undefined): boolean {
  return anyOf?.length === 2 && anyOf[0]?.type === 'integer' && anyOf[1]?.type === 'string';
}

/** What OpenAPI 2, and kubectl with it, cannot take. */
function reduce(json: Json, schema: Schema): Json {
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const names = Object.keys(schema.properties ?? {});
  if (schema.nullable || isOpen) {
    delete json['items'];
    delete json['properties'];
    if (schema.nullable || json['type'] === 'object') delete json['type'];
  }
  if (json['type'] === 'array' && !json['items']) delete json['type'];
  const nullable = new Set(names.filter(name => propertyOf(schema, name)!.nullable));
  const required = (schema.required ?? []).filter(name => !nullable.has(name));
  if (required.length > 0 && !valuesOf(schema)?.nullable) json['required'] = required;
  else delete json['required'];
  return isOpen ? json : withEnvelope(json, schema, 'v2');
}

function withEnvelope(json: Json, schema: Schema, style: Style): Json {
  if (!schema['x-kubernetes-embedded-resource']) return json;
  const metadata = {
    ...metaRef('ObjectMeta', style),
    ...describe(`Standard object's metadata. More info: ${conventions}#metadata`),
  };
  json['properties'] = {
    ...(json['properties'] as Json | undefined),
    apiVersion,
    kind: kindField,
    metadata: beside(metadata, style),
  };
  json['required'] = [...new Set([...(schema.required ?? []), 'kind', 'apiVersion'])];
  return json;
}
