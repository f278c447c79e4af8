import { compare } from './compare.ts';
import type { Context, Fields, ManagedObject } from './context.ts';
import { type FieldSet, subtract } from './field-set.ts';
import { fieldsOf, typeProblems } from './typed.ts';

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** Upstream's limit of all annotations of an object. */
const maxAnnotationsBytes = 256 * 1024;

/** What client-side apply set and nobody has changed since: kubectl may take that over. Undefined: there is no such annotation. */
export function lastAppliedFields(live: ManagedObject, { shape, manager }: Context): FieldSet | undefined {
  const text = annotationsOf(live)?.[lastAppliedAnnotation];
  if (!text) return undefined;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    // Somebody else's text: it says nothing about owners.
    return undefined;
  }
  const isFitting = typeof last === 'object' && last !== null && (last as Fields)['apiVersion'] === manager.apiVersion;
  if (!isFitting || typeProblems(last, shape).length > 0) return undefined;
  const { added, modified, removed } = compare(last, live, shape);
  return [added, modified, removed].reduce(subtract, fieldsOf(last, shape));
}

function annotationsOf(object: ManagedObject): Record<string, string> | undefined {
  return object.metadata?.['annotations'] as Record<string, string> | undefined;
}

/** Client-side apply finds in its annotation what was applied last, by whichever way. */
export function syncLastApplied(object: ManagedObject, applied: ManagedObject): void {
  const annotations = annotationsOf(object);
  if (!annotations || !(lastAppliedAnnotation in annotations)) return;
  const copy = structuredClone(applied);
  const metadata = (copy.metadata ?? {}) as Fields;
  delete (metadata['annotations'] as Fields | undefined)?.[lastAppliedAnnotation];
  delete metadata['managedFields'];
  const next = { ...annotations, [lastAppliedAnnotation]: `${JSON.stringify(copy)}\n` };
  const size = Object.entries(next).reduce((sum, [key, value]) => sum + key.length + Buffer.byteLength(value), 0);
  if (size > maxAnnotationsBytes) Reflect.deleteProperty(next, lastAppliedAnnotation);
  object.metadata = { ...object.metadata, annotations: next };
}
