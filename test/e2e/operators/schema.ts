/** Structural schemas as generators write them from Go types: types of the API spelt out in full, with documentation on every field. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../../tools/server.ts';

export type Schema = { [keyword: string]: unknown };

interface FieldMarks {
  required?: boolean;
  listType?: string;
  listMapKeys?: string[];
  mapType?: string;
}

interface Type {
  alias?: string;
  mapType?: string;
  fields?: Record<string, [type: string, marks?: FieldMarks]>;
}

const quantity = {
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  pattern:
    '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$',
  'x-kubernetes-int-or-string': true,
};

/** What is written in one way wherever it is used. */
const wellKnown: Record<string, Schema> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': quantity,
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    'x-kubernetes-int-or-string': true,
  },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
    type: 'object',
    properties: {
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      annotations: { type: 'object', additionalProperties: { type: 'string' } },
      name: { type: 'string' },
    },
  },
};

/** Spells types of the API out, each field with a sentence from `sentence`. */
export function createTypeSchemas(sentence: () => string): (type: string) => Schema {
  const types = JSON.parse(readFileSync(join(root, 'src/api/tables/types.json'), 'utf8')) as Record<string, Type>;
  const schemaOf = (type: string, marks: FieldMarks = {}): Schema => {
    if (type.startsWith('[]')) return listOf(schemaOf(type.slice(2)), marks);
    if (type.startsWith('map:')) {
      const atomic = marks.mapType === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {};
      return { type: 'object', additionalProperties: schemaOf(type.slice(4)), ...atomic };
    }
    const known = wellKnown[type];
    if (known) return structuredClone(known);
    const found = types[type];
    if (found?.fields) return objectOf(found);
    const [name, format] = (found?.alias ?? type).split(':');
    if (name === 'any') return { 'x-kubernetes-preserve-unknown-fields': true };
    return { type: name, ...(format ? { format } : {}) };
  };
  const objectOf = ({ fields = {}, mapType }: Type): Schema => {
    const entries = Object.entries(fields);
    const required = entries.filter(([, [, marks]]) => marks?.required).map(([name]) => name);
    return {
      type: 'object',
      properties: Object.fromEntries(
        entries.map(([name, [type, marks]]) => [name, { description: sentence(), ...schemaOf(type, marks) }]),
      ),
      ...(required.length ? { required } : {}),
      ...(mapType === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    };
  };
  return type => schemaOf(type);
}

/** A list with its keys; a key that may be absent has a default, as the API server wants it. */
function listOf(items: Schema, { listType, listMapKeys }: FieldMarks): Schema {
  if (listType !== 'map') return { type: 'array', items, ...(listType ? { 'x-kubernetes-list-type': listType } : {}) };
  const properties = items['properties'] as Record<string, Schema>;
  const required = (items['required'] ?? []) as string[];
  for (const key of listMapKeys ?? []) {
    if (!required.includes(key)) properties[key]!['default'] = key === 'protocol' ? 'TCP' : '';
  }
  return { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': listMapKeys };
}

export const text = (more: Schema = {}): Schema => ({ type: 'string', ...more });
export const whole = (more: Schema = {}): Schema => ({ type: 'integer', ...more });
export const flag = (more: Schema = {}): Schema => ({ type: 'boolean', ...more });
export const list = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more });
export const object = (properties: Record<string, Schema>, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  ...more,
});
export const listMap = (keys: readonly string[], items: Schema, more: Schema = {}): Schema =>
  list(items, { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys, ...more });

/** The conditions that nearly every status has. */
export const conditions = (): Schema =>
  listMap(
    ['type'],
    object(
      {
        type: text({ maxLength: 316, pattern: '^[A-Za-z][A-Za-z0-9./-]*$' }),
        status: text({ enum: ['True', 'False', 'Unknown'] }),
        reason: text({ minLength: 1, maxLength: 1024 }),
        message: text({ maxLength: 32_768 }),
        observedGeneration: whole({ format: 'int64', minimum: 0 }),
        lastTransitionTime: text({ format: 'date-time' }),
      },
      { required: ['type', 'status'] },
    ),
  );

/** The same schema with a sentence on every field that has none, as types of Go come with their comments; metadata must stay bare. */
export function documented(schema: Schema, sentence: () => string): Schema {
  const each = (fields: unknown) =>
    Object.fromEntries(
      Object.entries(fields as Record<string, Schema>).map(([name, field]) => [
        name,
        name === 'metadata' ? field : { description: sentence(), ...documented(field, sentence) },
      ]),
    );
  const { properties, items, additionalProperties } = schema;
  return {
    ...schema,
    ...(properties ? { properties: each(properties) } : {}),
    ...(items ? { items: documented(items as Schema, sentence) } : {}),
    ...(additionalProperties instanceof Object
      ? { additionalProperties: documented(additionalProperties as Schema, sentence) }
      : {}),
  };
}
