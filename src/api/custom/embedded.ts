import { invalid, required } from '../kinds/field-error.ts';
import { validateMetadata } from '../kinds/metadata.ts';
import { checkLabel1035 } from '../kinds/name-rules.ts';
import type { TypeNode } from '../scheme.ts';
import { createShapeCheck, ShapeError } from '../shape.ts';
import type { ObjectMeta } from '../types.ts';
import { addError, type Run } from './run.ts';
import { isObject, propertyOf, type Schema, valuesOf } from './schema.ts';

/** Judges the resources inside a value, at a path. */
export type CheckEmbedded = (value: unknown, path: string, run: Run) => void;

/**
 * The checks of x-kubernetes-embedded-resource below the root: apiVersion, kind and metadata are those of an object; fields that metadata
 * does not have are taken out. Undefined where the schema has none. Source: pkg/apiserver/schema/objectmeta.
 */
export function compileEmbeddedCheck(schema: Schema, metadataType: TypeNode): CheckEmbedded | undefined {
  const checkShape = createShapeCheck({ fill: false });
  const checkMetadata = (value: unknown): unknown => checkShape(value, metadataType, () => undefined);
  const compile = (part: Schema, isRoot: boolean): CheckEmbedded | undefined => {
    const isEmbedded = !isRoot && part['x-kubernetes-embedded-resource'] === true;
    const items = part.items && compile(part.items, false);
    const valueSchema = valuesOf(part);
    const values = valueSchema && compile(valueSchema, false);
    const members = new Map<string, CheckEmbedded>();
    for (const name of Object.keys(part.properties ?? {})) {
      const check = compile(propertyOf(part, name)!, false);
      if (check) members.set(name, check);
    }
    if (!isEmbedded && !items && !values && members.size === 0) return undefined;
    return (value, path, run) => {
      if (Array.isArray(value)) {
        if (items) for (let index = 0; index < value.length; index++) items(value[index], `${path}[${index}]`, run);
      } else if (isObject(value)) {
        if (isEmbedded) checkResource(value, path, { run, checkMetadata });
        for (const name in value) {
          const member = members.get(name);
          if (member) member(value[name], path ? `${path}.${name}` : name, run);
          else if (values) values(value[name], `${path}[${name}]`, run);
        }
      }
    };
  };
  return compile(schema, true);
}

interface Checks {
  readonly run: Run;
  checkMetadata(value: unknown): unknown;
}

function checkResource(object: Record<string, unknown>, path: string, { run, checkMetadata }: Checks): void {
  const { apiVersion, kind, metadata } = object;
  for (const error of checkApiVersion(apiVersion, `${path}.apiVersion`)) addError(run, error);
  for (const error of checkKind(kind, `${path}.kind`)) addError(run, error);
  if (metadata === undefined || metadata === null) return;
  const at = `${path}.metadata`;
  if (!isObject(metadata)) {
    addError(run, invalid(at, metadata, 'must be an object'));
    return;
  }
  try {
    checkMetadata(metadata);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    addError(run, invalid(at, metadata, error.message));
    return;
  }
  // A name is not required here.
  const named = { ...metadata, name: metadata['name'] || 'fakename' } as unknown as ObjectMeta;
  const options = { namespaced: Boolean(metadata['namespace']), nameRule: 'path', path: at } as const;
  for (const error of validateMetadata(named, options)) addError(run, error);
}

function checkApiVersion(value: unknown, path: string) {
  if (value === undefined || value === null) return [required(path, 'must not be empty')];
  if (typeof value !== 'string') return [invalid(path, value, 'must be a string')];
  if (value === '') return [invalid(path, value, 'must not be empty')];
  return value.split('/').length > 2 ? [invalid(path, value, `unexpected GroupVersion string: ${value}`)] : [];
}

function checkKind(value: unknown, path: string) {
  if (value === undefined || value === null) return [required(path, 'must not be empty')];
  if (typeof value !== 'string') return [invalid(path, value, 'must be a string')];
  if (value === '') return [invalid(path, value, 'must not be empty')];
  const messages = checkLabel1035(value.toLowerCase());
  if (messages.length === 0) return [];
  return [invalid(path, value, `may have mixed case, but should otherwise match: ${messages.join(',')}`)];
}
