import type { Column } from '../kind.ts';
import type { KubeObject } from '../resource.ts';
import type { Container, PodTemplateSpec } from '../types.ts';
import { humanDuration } from './duration.ts';

type Cell = string | number | boolean | null;
type CellOf<T> = (object: T, nowMs: number) => Cell;

/** A column of strings. */
export function text<T>(name: string, description: string, value: CellOf<T>): Column<T> {
  return { name, type: 'string', priority: 0, description, value };
}

/** A column of whole numbers; a missing one is 0. */
export function count<T>(name: string, description: string, value: (object: T) => number | undefined): Column<T> {
  return { name, type: 'integer', priority: 0, description, value: object => value(object) ?? 0 };
}

/** A column of booleans; a missing one is false. */
export function flag<T>(name: string, description: string, value: (object: T) => boolean | undefined): Column<T> {
  return { name, type: 'boolean', priority: 0, description, value: object => value(object) ?? false };
}

/** The same column, shown only with `-o wide`. */
export function wide<T>(column: Column<T>): Column<T> {
  return { ...column, priority: 1 };
}

export const nameColumn: Column<KubeObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  priority: 0,
  description: 'Name of the object, unique within its namespace and kind.',
  value: object => object.metadata.name,
};

export const ageColumn: Column<KubeObject> = text('Age', 'Time since the object was created.', (object, nowMs) =>
  since(object.metadata.creationTimestamp, nowMs),
);

/** The time that has passed, `<unknown>` for a missing timestamp. */
export function since(timestamp: string | undefined, nowMs: number): string {
  if (!timestamp) return '<unknown>';
  return humanDuration(nowMs - Date.parse(timestamp));
}

/** `a=1,b=2` in the order of the keys; `<none>` when there are none. */
export function formatLabels(labels: Record<string, string> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? '<none>' : keys.map(key => `${key}=${labels?.[key]}`).join(',');
}

/** `a,b,c + 2 more...`: at most `max` of `count` items are given. */
export function listWithMore(items: readonly string[], count: number, max: number, none: string): string {
  if (count === 0 && items.length === 0) return none;
  const shown = items.slice(0, max).join(',');
  return count > max ? `${shown} + ${count - max} more...` : shown;
}

/** Items in order, without repeats, between commas. */
export function sortedSet(items: Iterable<string>): string {
  return [...new Set(items)].sort().join(',');
}

function joinContainers(template: PodTemplateSpec | undefined, part: (container: Container) => string): string {
  return (template?.spec?.containers ?? []).map(part).join(',');
}

/** The wide columns of every kind with a pod template. */
export function containerColumns<T>(template: (object: T) => PodTemplateSpec | undefined): Column<T>[] {
  return [
    wide(text('Containers', 'Names of each container in the template.', o => joinContainers(template(o), c => c.name))),
    wide(
      text('Images', 'Images referenced by each container in the template.', o =>
        joinContainers(template(o), c => c.image ?? ''),
      ),
    ),
  ];
}

/** What kinds without columns of their own show: when they were made. */
export const createdAtColumn: Column<KubeObject> = {
  name: 'Created At',
  type: 'date',
  priority: 0,
  description: 'Time when the object was created.',
  value: object => object.metadata.creationTimestamp ?? '',
};
