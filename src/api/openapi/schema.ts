import { type FieldEntry, type TypeEntry, typeTable } from '../tables.ts';

/** OpenAPI 2 and 3 differ in where schemas stand and how they refer to each other. */
export type Style = 'v2' | 'v3';

/** Descriptions of types and fields, by `<type>` and `<type>.<field>`; taken from a package at set-up, absent without it. */
export type Descriptions = Readonly<Record<string, string>>;

type Schema = Record<string, unknown>;

const scalars: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  object: { type: 'object' },
  any: {},
  'integer:int32': { type: 'integer', format: 'int32' },
  'integer:int64': { type: 'integer', format: 'int64' },
  'number:double': { type: 'number', format: 'double' },
  'string:date-time': { type: 'string', format: 'date-time' },
  'string:byte': { type: 'string', format: 'byte' },
};

const prefixes: Record<Style, string> = { v2: '#/definitions/', v3: '#/components/schemas/' };

/** The schema of a type of the tables; undefined when there is none of that name. */
export function schemaOfName(name: string, context: Context): Schema | undefined {
  const entry = typeTable[name];
  return entry && schemaOfType(name, entry, context);
}

interface Context {
  style: Style;
  descriptions: Descriptions;
  /** Is told the names of the types that it refers to. */
  onRef(name: string): void;
}

function schemaOfType(name: string, entry: TypeEntry, context: Context): Schema {
  const description = context.descriptions[name];
  const described = description ? { description } : {};
  if (entry.alias) return { ...described, ...aliasSchema(name, entry.alias, context.style) };
  const fields = Object.entries(entry.fields ?? {});
  const required = fields.filter(([, [, extras]]) => extras?.required).map(([field]) => field);
  const properties = Object.fromEntries(
    fields.map(([field, definition]) => [field, schemaOfField(`${name}.${field}`, definition, context)]),
  );
  return {
    ...described,
    type: 'object',
    ...(required.length && { required }),
    ...(fields.length && { properties }),
    ...(entry.mapType === 'atomic' && { 'x-kubernetes-map-type': 'atomic' }),
    ...(entry.gvk && { 'x-kubernetes-group-version-kind': [parseGvk(entry.gvk)] }),
  };
}

function aliasSchema(name: string, alias: string, style: Style): Schema {
  if (alias !== 'string:int-or-string')
    return name.endsWith('.Quantity') && style === 'v3'
      ? { oneOf: [{ type: 'string' }, { type: 'number' }] }
      : { ...scalars[alias] };
  return style === 'v2'
    ? { type: 'string', format: 'int-or-string' }
    : { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' };
}

function schemaOfField(path: string, [type, extras = {}]: FieldEntry, context: Context): Schema {
  const description = context.descriptions[path];
  const schema = schemaOf(type, context);
  const extra: Schema = {
    ...(description && { description }),
    ...(extras.default !== undefined && { default: extras.default }),
    ...(extras.enum && { enum: extras.enum }),
    ...(extras.listType && { 'x-kubernetes-list-type': extras.listType }),
    ...(extras.listMapKeys && { 'x-kubernetes-list-map-keys': extras.listMapKeys }),
    ...(extras.mapType && { 'x-kubernetes-map-type': extras.mapType }),
    ...(extras.mergeKey && { 'x-kubernetes-patch-merge-key': extras.mergeKey }),
    ...(extras.patchStrategy && { 'x-kubernetes-patch-strategy': extras.patchStrategy }),
  };
  if (!('$ref' in schema) || Object.keys(extra).length === 0) return { ...extra, ...schema };
  // Nothing may stand beside a reference in OpenAPI 3; in OpenAPI 2 upstream writes the description there.
  return context.style === 'v3' ? { ...extra, allOf: [schema] } : { ...extra, ...schema };
}

function schemaOf(type: string, context: Context): Schema {
  if (type.startsWith('[]')) return { type: 'array', items: schemaOf(type.slice(2), context) };
  if (type.startsWith('map:')) return { type: 'object', additionalProperties: schemaOf(type.slice(4), context) };
  if (type === 'string:int-or-string') return aliasSchema('', type, context.style);
  if (scalars[type]) return { ...scalars[type] };
  context.onRef(type);
  return { $ref: prefixes[context.style] + type };
}

export function parseGvk(gvk: string): { group: string; version: string; kind: string } {
  const match = /^(.*)\/(\S+) (\S+)$/.exec(gvk)!;
  return { group: match[1]!, version: match[2]!, kind: match[3]! };
}
