import type { TypeNode } from '../scheme.ts';
import { escapeName } from './escape.ts';
import {
  boolType,
  bytesType,
  type CelField,
  type CelType,
  doubleType,
  dynType,
  intType,
  listType,
  mapType,
  objectType,
  stringType,
  timestampType,
} from './types.ts';

/**
 * The CEL type of a built-in kind's shape, for checking policies. A shape may contain itself (JSONSchemaProps): such a place, and what
 * is any JSON, is dyn. Objects are named as in the tables; `name` is for one that has none.
 */
export function typeFromNode(node: TypeNode, name = 'object'): CelType {
  return convert(node, name, []);
}

const scalars: Partial<Record<TypeNode['kind'], CelType>> = {
  string: stringType,
  integer: intType,
  number: doubleType,
  boolean: boolType,
  any: dynType,
  'int-or-string': { ...dynType, intOrString: true },
  quantity: stringType,
  time: timestampType,
  microtime: timestampType,
  bytes: bytesType,
};

function convert(node: TypeNode, name: string, outer: readonly TypeNode[]): CelType {
  if (outer.includes(node)) return dynType;
  const inside = [...outer, node];
  if (node.kind === 'list') return withListType(listType(convert(node.items!, `${name}.@idx`, inside)), node);
  if (node.kind === 'map') return mapType(stringType, convert(node.items!, `${name}.@elem`, inside));
  if (node.kind !== 'object') return scalars[node.kind] ?? dynType;
  if (node.fields === undefined || (node.preserveUnknown === true && node.fields.size === 0)) return dynType;
  const own = node.name ?? name;
  const fields = new Map<string, CelField>();
  for (const [jsonName, field] of node.fields) {
    const escaped = escapeName(jsonName);
    if (escaped === undefined) continue;
    const type = convert(field.type, `${own}.${escaped}`, inside);
    fields.set(escaped, { type: withListType(type, field), optional: !field.required, jsonName });
  }
  return objectType(own, fields);
}

function withListType(type: CelType, semantics: Pick<TypeNode, 'listType' | 'listMapKeys'>): CelType {
  if (type.kind !== 'list') return type;
  if (semantics.listType === 'set') return { ...type, listType: 'set' };
  if (semantics.listType !== 'map') return type;
  return { ...type, listType: 'map', listMapKeys: (semantics.listMapKeys ?? []).map(key => escapeName(key) ?? key) };
}
