import { escapeName } from './escape.ts';
import { maxRequestBytes } from './limits.ts';
import {
  boolType,
  bytesType,
  type CelField,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  objectType,
  stringType,
  timestampType,
} from './types.ts';

/** The part of an OpenAPI v3 schema that decides about CEL types, as in CustomResourceDefinitions. */
export interface CelSchema {
  readonly type?: string;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, CelSchema>>;
  readonly additionalProperties?: boolean | CelSchema;
  readonly items?: CelSchema | readonly CelSchema[];
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

export interface SchemaTypeOptions {
  /** Name of the root object's type; objects inside are named by their path. Default `selfType`. */
  readonly name?: string;
  /** The root is a whole resource: apiVersion, kind, metadata.name and metadata.generateName are always there. */
  readonly resourceRoot?: boolean;
}

/**
 * The CEL type of a structural schema; undefined when it is not exposed to CEL (no type, or lists and maps of such). Sizes are bounded by the
 * schema, else by what fits into a request.
 */
export function typeFromSchema(schema: CelSchema, options: SchemaTypeOptions = {}): CelType | undefined {
  return schemaType(schema, options.name ?? 'selfType', options.resourceRoot === true);
}

function schemaType(schema: CelSchema, name: string, root: boolean): CelType | undefined {
  const type = bareType(root ? withMetadata(schema) : schema, name);
  return type !== undefined && schema.nullable === true ? { ...type, nullable: true } : type;
}

function bareType(schema: CelSchema, name: string): CelType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) {
    return { ...dynType, intOrString: true, maxElements: boundedLength(schema, maxRequestBytes - 2) };
  }
  switch (schema.type) {
    case 'array':
      return arrayType(schema, name);
    case 'object':
      return isSchema(schema.additionalProperties) ? mapOf(schema, name) : objectOf(schema, name);
    case 'string':
      return textType(schema);
    case 'boolean':
      return boolType;
    case 'number':
      return doubleType;
    case 'integer':
      return intType;
    default:
      return undefined;
  }
}

function isSchema(value: unknown): value is CelSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function childType(schema: CelSchema, name: string): CelType | undefined {
  return schemaType(schema, name, schema['x-kubernetes-embedded-resource'] === true);
}

function arrayType(schema: CelSchema, name: string): CelType | undefined {
  if (!isSchema(schema.items)) return undefined;
  const item = childType(schema.items, `${name}.@idx`);
  if (item === undefined) return undefined;
  const fitting = Math.floor((maxRequestBytes - 2) / ((item.minSerializedSize ?? 0) + 1));
  const type = listType(item, atLeastZero(schema.maxItems) ?? fitting);
  const semantics = schema['x-kubernetes-list-type'];
  if (semantics === 'set') return { ...type, listType: 'set' };
  if (semantics !== 'map') return type;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return { ...type, listType: 'map', listMapKeys: keys.map(key => escapeName(key) ?? key) };
}

/** Upstream gives keys no size: what is done with them costs nothing in estimates. */
const keyType: CelType = { ...stringType, maxElements: 0 };

function mapOf(schema: CelSchema, name: string): CelType | undefined {
  const value = childType(schema.additionalProperties as CelSchema, `${name}.@elem`);
  if (value === undefined) return undefined;
  // A key with quotes, colon and comma takes at least six bytes beside its value.
  const fitting = Math.floor((maxRequestBytes - 2) / ((value.minSerializedSize ?? 0) + 6));
  return mapType(keyType, value, atLeastZero(schema.maxProperties) ?? fitting);
}

function objectOf(schema: CelSchema, name: string): CelType {
  const required = new Set(schema.required);
  const fields = new Map<string, CelField>();
  let size = 2;
  for (const [jsonName, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeName(jsonName);
    const type = childType(property, `${name}.${escaped ?? jsonName}`);
    if (type === undefined) continue;
    if (escaped !== undefined) fields.set(escaped, { type, optional: !required.has(jsonName), jsonName });
    const always = required.has(jsonName) && property.default === undefined;
    if (always) size += Buffer.byteLength(jsonName) + (type.minSerializedSize ?? 0) + 4;
  }
  return objectType(name, fields, size);
}

function textType(schema: CelSchema): CelType {
  switch (schema.format) {
    case 'byte':
      return { ...bytesType, maxElements: atLeastZero(schema.maxLength) ?? maxRequestBytes - 2 };
    case 'duration':
      return { ...durationType, maxElements: 32 };
    case 'date':
      return { ...timestampType, maxElements: 12, minSerializedSize: 12, dateOnly: true };
    case 'date-time':
      return { ...timestampType, maxElements: 32 };
    default:
      return { ...stringType, maxElements: boundedLength(schema, enumLength(schema) ?? maxRequestBytes - 2) };
  }
}

/** Sizes count bytes and maxLength code points, of which each may take four. */
function boundedLength(schema: CelSchema, otherwise: number): number {
  const length = atLeastZero(schema.maxLength);
  return length === undefined ? otherwise : length * 4;
}

function enumLength({ enum: values }: CelSchema): number | undefined {
  if (values === undefined || values.length === 0) return undefined;
  return Math.max(0, ...values.map(value => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));
}

function atLeastZero(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.max(0, value);
}

const text: CelSchema = { type: 'string' };

function withMetadata(schema: CelSchema): CelSchema {
  const metadata: CelSchema = { type: 'object', properties: { name: text, generateName: text } };
  const known = schema.properties?.['metadata'];
  const complete = known?.properties?.['name'] !== undefined && known.properties['generateName'] !== undefined;
  const properties = { ...schema.properties, kind: text, apiVersion: text, metadata: complete ? known : metadata };
  return { ...schema, type: schema.type ?? 'object', properties };
}
