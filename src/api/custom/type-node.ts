import type { FieldNode, TypeNode } from '../scheme.ts';
import { isLargeSchema } from './members.ts';
import { propertyOf, type Schema, valuesOf } from './schema.ts';

const scalars: Readonly<Record<string, TypeNode['kind']>> = {
  string: 'string',
  integer: 'integer',
  number: 'number',
  boolean: 'boolean',
};

/** The shape that a schema describes, as server-side apply and other walks over types need it. */
export function toTypeNode(schema: Schema, metadataType: TypeNode): TypeNode {
  if (schema['x-kubernetes-int-or-string']) return { kind: 'int-or-string' };
  switch (schema.type) {
    case 'array':
      return listNode(schema, metadataType);
    case 'object':
      return objectNode(schema, metadataType);
    default: {
      const kind = scalars[schema.type ?? ''];
      if (!kind) return { kind: 'any' };
      return schema.format ? { kind, format: schema.format } : { kind };
    }
  }
}

function listNode(schema: Schema, metadataType: TypeNode): TypeNode {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  return {
    kind: 'list',
    items: schema.items ? toTypeNode(schema.items, metadataType) : { kind: 'any' },
    listType: listType === 'set' || listType === 'map' ? listType : 'atomic',
    ...(keys && { listMapKeys: keys }),
  };
}

function objectNode(schema: Schema, metadataType: TypeNode): TypeNode {
  const mapType = schema['x-kubernetes-map-type'] === 'atomic' ? 'atomic' : 'granular';
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const names = Object.keys(schema.properties ?? {});
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const values = valuesOf(schema);
  if (names.length === 0 && values && !isEmbedded) {
    return { kind: 'map', items: toTypeNode(values, metadataType), mapType };
  }
  const isLarge = isLargeSchema(schema);
  const fieldOf = (name: string) => fieldNode(schema, name, { metadataType, isLarge });
  const fields = new Map(names.map(name => [name, fieldOf(name)]));
  if (isEmbedded) addEnvelope(fields, metadataType);
  const isOpen = keepsUnknown || schema.additionalProperties === true;
  return { kind: 'object', fields, mapType, ...(isOpen && { preserveUnknown: true }) };
}

function fieldNode(
  parent: Schema,
  name: string,
  { metadataType, isLarge }: { metadataType: TypeNode; isLarge: boolean },
): FieldNode {
  const schema = propertyOf(parent, name)!;
  const others = {
    required: parent.required?.includes(name) ?? false,
    ...(schema.default !== undefined && schema.default !== null && { default: schema.default }),
  };
  if (!isLarge) return { type: toTypeNode(schema, metadataType), ...others };
  let made: TypeNode | undefined;
  return {
    get type() {
      made ??= toTypeNode(schema, metadataType);
      return made;
    },
    ...others,
  };
}

/** The fields that a resource has, whatever its schema says of them. */
export function addEnvelope(fields: Map<string, FieldNode>, metadataType: TypeNode): void {
  const text: FieldNode = { type: { kind: 'string' }, required: false };
  fields.set('apiVersion', text);
  fields.set('kind', text);
  fields.set('metadata', { type: metadataType, required: false });
}
