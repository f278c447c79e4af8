import { ShapeError } from '../shape.ts';
import { isObject, propertyOf, type Schema, valuesOf } from './schema.ts';

type Step = string | number;

/** Lists in lists that no schema describes: deeper ones are an attack on the stack. */
const maxDepth = 1000;

/** Fields that every object has, whatever the schema says. */
const envelope: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Takes out what the schema does not have, in place, and gives the paths of what it took: `spec.x`, `spec.list[0].y`. Objects with
 * x-kubernetes-preserve-unknown-fields keep everything, but schemas below them count again. The envelope (apiVersion, kind, metadata) of the
 * root and of embedded resources always stays. Throws ShapeError for lists that are nested too deep. Source: apiextensions-apiserver pkg/apiserver/schema/pruning.
 */
export function pruneUnknown(
  schema: Schema,
  object: unknown,
  options: { isRoot: boolean } = { isRoot: true },
): string[] {
  const pruning: Pruning = { pruned: [], steps: [] };
  prune(object, schema, { pruning, isResource: options.isRoot });
  return pruning.pruned;
}

interface Pruning {
  readonly pruned: string[];
  readonly steps: Step[];
}

interface Place {
  readonly pruning: Pruning;
  /** It has apiVersion, kind and metadata, whatever its schema says. */
  readonly isResource: boolean;
  /** A list with x-kubernetes-preserve-unknown-fields: its items keep everything, too. */
  readonly keepsUnknown?: boolean;
}

/** Without schema (`additionalProperties: true`), a value is kept and no field of it is known. */
function prune(value: unknown, schema: Schema | undefined, place: Place): void {
  if (Array.isArray(value)) pruneList(value, schema, place);
  else if (isObject(value)) pruneObject(value, schema, place);
}

function pruneList(list: readonly unknown[], schema: Schema | undefined, { pruning, keepsUnknown }: Place): void {
  if (pruning.steps.length > maxDepth) throw new ShapeError('exceeded max depth');
  const keeps = keepsUnknown || schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  const items = schema?.items;
  if (keeps && !items) return;
  const place = { pruning, isResource: items?.['x-kubernetes-embedded-resource'] === true, keepsUnknown: keeps };
  for (let index = 0; index < list.length; index++) {
    pruning.steps.push(index);
    prune(list[index], items, place);
    pruning.steps.pop();
  }
}

function pruneObject(object: Record<string, unknown>, schema: Schema | undefined, place: Place): void {
  const { pruning } = place;
  const keeps = place.keepsUnknown || schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  const isMap = schema?.additionalProperties !== undefined && schema.additionalProperties !== null;
  const values = schema && valuesOf(schema);
  for (const name in object) {
    if (place.isResource && envelope.has(name)) continue;
    const part = (schema && propertyOf(schema, name)) ?? values;
    if (part || isMap) {
      pruning.steps.push(name);
      prune(object[name], part, { pruning, isResource: part?.['x-kubernetes-embedded-resource'] === true });
      pruning.steps.pop();
    } else if (!keeps) {
      pruning.pruned.push(formatSteps([...pruning.steps, name]));
      delete object[name];
    }
  }
}

/** `spec.list[0].name`. */
export function formatSteps(steps: readonly Step[]): string {
  let path = '';
  for (const step of steps) path += typeof step === 'number' ? `[${step}]` : path ? `.${step}` : step;
  return path;
}
