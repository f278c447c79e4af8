import { propertyOf, type Schema } from '../../custom/schema.ts';
import type { FieldError } from '../../kind.ts';
import { forbidden, invalid, notSupported, required } from '../field-error.ts';

/** Details that an update may keep when they were there before. */
export const keptDetails = {
  atomicSet: 'must be atomic as item of a list with x-kubernetes-list-type=set',
  nullableItems: 'cannot be nullable when x-kubernetes-list-type is ',
  keyDefault: 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
  keyNullable: 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable',
} as const;

export function checkMapType(errors: FieldError[], path: string, schema: Schema): void {
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined || mapType === null) return;
  checkType(errors, path, { schema, type: 'object', detail: 'must be object if x-kubernetes-map-type is specified' });
  if (mapType !== 'atomic' && mapType !== 'granular') {
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  }
}

function checkType(
  errors: FieldError[],
  path: string,
  { schema, type, detail }: { schema: Schema; type: string; detail: string },
): void {
  if (schema.type === type) return;
  errors.push(schema.type ? invalid(`${path}.type`, schema.type, detail) : required(`${path}.type`, detail));
}

export function checkListType(errors: FieldError[], path: string, schema: Schema): void {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === undefined || listType === null) return;
  checkType(errors, path, { schema, type: 'array', detail: 'must be array if x-kubernetes-list-type is specified' });
  if (schema.type === 'array' && listType === 'set' && schema.items) checkSetItems(errors, path, schema.items);
  if (listType !== 'atomic' && listType !== 'set' && listType !== 'map') {
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']));
  }
  if ((listType === 'set' || listType === 'map') && schema.items?.nullable) {
    errors.push(forbidden(`${path}.items.nullable`, `${keptDetails.nullableItems}${listType}`));
  }
}

/** What is in a set is compared as a whole. */
function checkSetItems(errors: FieldError[], path: string, items: Schema): void {
  const listType = items['x-kubernetes-list-type'];
  if (items.type === 'array' && listType && listType !== 'atomic') {
    errors.push(invalid(`${path}.items.x-kubernetes-list-type`, listType, keptDetails.atomicSet));
  }
  const mapType = items['x-kubernetes-map-type'];
  if (items.type === 'object' && mapType !== 'atomic') {
    errors.push(invalid(`${path}.items.x-kubernetes-map-type`, mapType, keptDetails.atomicSet));
  }
}

export function checkListKeys(errors: FieldError[], path: string, schema: Schema): void {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const listType = schema['x-kubernetes-list-type'];
  const field = `${path}.x-kubernetes-list-type`;
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(listType ? invalid(field, listType, detail) : required(field, detail));
  }
  if (listType !== 'map') return;
  if (keys.length === 0) {
    const detail = 'must not be empty if x-kubernetes-list-type is map';
    errors.push(required(`${path}.x-kubernetes-list-map-keys`, detail));
  }
  const { items } = schema;
  if (!items) errors.push(required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'));
  else if (items.type !== 'object') {
    const detail = "must be object if parent array's x-kubernetes-list-type is map";
    errors.push(invalid(`${path}.items.type`, items.type ?? '', detail));
  } else checkKeys(errors, path, { keys, items });
}

function checkKeys(
  errors: FieldError[],
  path: string,
  { keys, items }: { keys: readonly string[]; items: Schema },
): void {
  const seen = new Set<string>();
  for (const key of keys) {
    const field = `${path}.x-kubernetes-list-map-keys`;
    const property = propertyOf(items, key);
    if (!property) errors.push(invalid(field, keys, 'entries must all be names of item properties'));
    else checkKey(errors, `${path}.items.properties[${key}]`, { key, property, items });
    if (seen.has(key)) errors.push(invalid(field, keys, 'must not contain duplicate entries'));
    seen.add(key);
  }
}

function checkKey(
  errors: FieldError[],
  path: string,
  { key, property, items }: { key: string; property: Schema; items: Schema },
): void {
  if (property.type === 'array' || property.type === 'object') {
    const detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
    errors.push(invalid(`${path}.type`, items.type, detail));
  }
  const hasDefault = property.default !== undefined && property.default !== null;
  if (!hasDefault && !items.required?.includes(key)) {
    errors.push(required(`${path}.default`, keptDetails.keyDefault));
  }
  if (property.nullable) errors.push(forbidden(`${path}.nullable`, keptDetails.keyNullable));
}
