import { isObject, propertyOf, type Schema, valuesOf } from './schema.ts';

type Step = string | number;

/** Fields that every object has, whatever the schema says. */
const envelope: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Takes out what the schema does not have, in place, and gives the paths of what it took: `spec.x`, `spec.list[0].y`. Objects with
 * x-kubernetes-preserve-unknown-fields keep everything, but schemas below them count again. The envelope (apiVersion, kind, metadata) of the
 * root and of embedded resources always stays. Source: apiextensions-apiserver pkg/apiserver/schema/pruning.
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
  readonly isResource: boolean;
}

function prune(value: unknown, schema: Schema | undefined, place: Place): void {
  if (!schema) return;
  if (Array.isArray(value)) pruneList(value, schema, place);
  else if (isObject(value)) pruneObject(value, schema, place);
}

function pruneList(list: readonly unknown[], schema: Schema, { pruning }: Place): void {
  const { items } = schema;
  if (!items) return;
  const isResource = items['x-kubernetes-embedded-resource'] === true;
  for (let index = 0; index < list.length; index++) {
    pruning.steps.push(index);
    prune(list[index], items, { pruning, isResource });
    pruning.steps.pop();
  }
}

function pruneObject(object: Record<string, unknown>, schema: Schema, place: Place): void {
  const { pruning } = place;
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const values = valuesOf(schema);
  const isOpen = keepsUnknown || schema.additionalProperties === true || values !== undefined;
  for (const name in object) {
    if (place.isResource && envelope.has(name)) continue;
    const property = propertyOf(schema, name);
    if (!property && !isOpen) {
      pruning.pruned.push(formatSteps([...pruning.steps, name]));
      delete object[name];
      continue;
    }
    const part = property ?? values;
    if (!part) continue;
    pruning.steps.push(name);
    prune(object[name], part, {
      pruning,
      isResource: part['x-kubernetes-embedded-resource'] === true,
    });
    pruning.steps.pop();
  }
}

/** `spec.list[0].name`. */
export function formatSteps(steps: readonly Step[]): string {
  let path = '';
  for (const step of steps) path += typeof step === 'number' ? `[${step}]` : path ? `.${step}` : step;
  return path;
}
