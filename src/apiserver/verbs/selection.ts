import type { FieldRequirement, Kind, UnknownObject } from '#api';
import { compileRequirements, parseFieldSelector, parseLabelSelector } from '#api';
import { toVersion } from '../content/versions.ts';
import { badRequest } from '../errors.ts';
import type { Item } from '../storage/item.ts';

/** Whether an object is asked for. */
export interface Selection {
  (item: Item): boolean;
  /** True when it looks at fields that other versions of the kind may not have: items must be of the kind's version. */
  readonly looksInside: boolean;
}

/** Both selectors as one question; undefined when there is none. Throws 400 for selectors that cannot be read or fields that cannot be selected by. */
export function parseSelection(
  kind: Kind,
  options: { labelSelector: string; fieldSelector: string },
): Selection | undefined {
  const labels = read(() => parseLabelSelector(options.labelSelector));
  const fields = read(() => parseFieldSelector(options.fieldSelector));
  checkFields(kind, fields);
  if (labels.length === 0 && fields.length === 0) return undefined;
  const functions = kind.behaviour.selectableFields;
  const view = (object: UnknownObject) => toVersion(object, kind);
  const hasLabels = compileRequirements(labels);
  const selects = (item: Item) =>
    matchesFields(fields, item, { functions, view }) && (labels.length === 0 || hasLabels(item.labels));
  return Object.assign(selects, { looksInside: fields.some(({ field }) => !always.includes(field)) });
}

function read<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

const always = ['metadata.name', 'metadata.namespace'];

function checkFields(kind: Kind, fields: readonly FieldRequirement[]): void {
  const known = kind.behaviour.selectableFields;
  for (const { field } of fields) {
    if (always.includes(field) || (known && field in known)) continue;
    throw badRequest(
      known
        ? `field label not supported: ${field}`
        : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
}

interface Fields {
  functions: Kind['behaviour']['selectableFields'];
  view: (object: UnknownObject) => UnknownObject;
}

function matchesFields(fields: readonly FieldRequirement[], item: Item, { functions, view }: Fields): boolean {
  for (const { field, isEqual, value } of fields) {
    const actual =
      field === 'metadata.name'
        ? item.name
        : field === 'metadata.namespace'
          ? item.namespace
          : item.fields(functions, view)[field];
    if ((actual === value) !== isEqual) return false;
  }
  return true;
}
