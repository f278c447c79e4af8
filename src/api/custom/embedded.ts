import type { FieldError } from '../kind.ts';
import { invalid, required } from '../kinds/field-error.ts';
import { validateMetadata } from '../kinds/metadata.ts';
import { checkLabel1035 } from '../kinds/name-rules.ts';
import type { TypeNode } from '../scheme.ts';
import { createShapeCheck, type ShapeCheck, ShapeError } from '../shape.ts';
import type { ObjectMeta } from '../types.ts';
import { compileMembers } from './members.ts';
import { addError, type Run } from './run.ts';
import { isObject, type Schema, valuesOf } from './schema.ts';

type Resource = Record<string, unknown>;
type Visit = (value: unknown, path: string, onResource: (resource: Resource, path: string) => void) => void;

/** Finds the resources below the root of a value; undefined where the schema has none. */
function compileVisit(schema: Schema, isRoot: boolean): Visit | undefined {
  const isEmbedded = !isRoot && schema['x-kubernetes-embedded-resource'] === true;
  const items = schema.items && compileVisit(schema.items, false);
  const valueSchema = valuesOf(schema);
  const values = valueSchema && compileVisit(valueSchema, false);
  const members = compileMembers(schema, property => compileVisit(property, false));
  if (!isEmbedded && !items && !values && members.isEmpty) return undefined;
  return (value, path, onResource) => {
    if (Array.isArray(value)) {
      if (items)
        for (let index = 0; index < value.length; index++) items(value[index], `${path}[${index}]`, onResource);
    } else if (isObject(value)) {
      if (isEmbedded) onResource(value, path);
      for (const name in value) {
        const member = members.get(name);
        if (member) member(value[name], path ? `${path}.${name}` : name, onResource);
        else if (values) values(value[name], `${path}[${name}]`, onResource);
      }
    }
  };
}

/** Judges the resources inside a value. */
export type CheckEmbedded = (value: unknown, run: Run) => void;

/**
 * The checks of x-kubernetes-embedded-resource below the root: apiVersion, kind and metadata are those of an object. Undefined where the schema
 * has none. Source: pkg/apiserver/schema/objectmeta.
 */
export function compileEmbeddedCheck(schema: Schema, metadataType: TypeNode, isRoot = true): CheckEmbedded | undefined {
  const visit = compileVisit(schema, isRoot);
  if (!visit) return undefined;
  const checkShape = createShapeCheck({ fill: false });
  return (value, run) => {
    visit(value, '', (resource, path) => {
      for (const error of judgeResource(resource, path, { checkShape, metadataType })) addError(run, error);
    });
  };
}

/** Takes out what metadata of embedded resources does not have, in place; metadata of wrong types is left to the check. */
export function compileEmbeddedPrune(
  schema: Schema,
  metadataType: TypeNode,
): ((value: unknown, onUnknown: (path: string) => void) => void) | undefined {
  const visit = compileVisit(schema, true);
  if (!visit) return undefined;
  const checkShape = createShapeCheck({ fill: false });
  return (value, onUnknown) => {
    visit(value, '', (resource, path) => {
      const { metadata } = resource;
      if (!isObject(metadata)) return;
      try {
        const tell = (field: () => string) => onUnknown(`${path ? `${path}.` : ''}metadata.${field()}`);
        resource['metadata'] = checkShape(metadata, metadataType, tell);
      } catch (error) {
        if (!(error instanceof ShapeError)) throw error;
      }
    });
  };
}

interface Shapes {
  readonly checkShape: ShapeCheck;
  readonly metadataType: TypeNode;
}

function judgeResource(resource: Resource, path: string, shapes: Shapes): FieldError[] {
  const below = (name: string) => (path ? `${path}.${name}` : name);
  return [
    ...checkApiVersion(resource['apiVersion'], below('apiVersion')),
    ...checkKind(resource['kind'], below('kind')),
    ...checkMetadata(resource['metadata'], below('metadata'), shapes),
  ];
}

function checkMetadata(metadata: unknown, path: string, { checkShape, metadataType }: Shapes): FieldError[] {
  if (metadata === undefined || metadata === null) return [];
  if (!isObject(metadata)) return [invalid(path, metadata, 'must be an object')];
  try {
    checkShape(structuredClone(metadata), metadataType, () => undefined);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    return [invalid(path, metadata, error.message)];
  }
  // A name is not required here.
  const named = { ...metadata, name: metadata['name'] || 'fakename' } as unknown as ObjectMeta;
  return validateMetadata(named, { namespaced: Boolean(metadata['namespace']), nameRule: 'path', path });
}

function checkText(value: unknown, path: string): FieldError[] | undefined {
  if (value === undefined || value === null) return [required(path)];
  if (typeof value !== 'string') return [invalid(path, value, 'must be a string')];
  return value === '' ? [invalid(path, value, 'must not be empty')] : undefined;
}

function checkApiVersion(value: unknown, path: string): FieldError[] {
  const wrong = checkText(value, path);
  if (wrong) return wrong;
  const text = value as string;
  return text.split('/').length > 2 ? [invalid(path, text, `unexpected GroupVersion string: ${text}`)] : [];
}

function checkKind(value: unknown, path: string): FieldError[] {
  const wrong = checkText(value, path);
  if (wrong) return wrong;
  const messages = checkLabel1035((value as string).toLowerCase());
  if (messages.length === 0) return [];
  return [invalid(path, value, `may have mixed case, but should otherwise match: ${messages.join(',')}`)];
}
