import type { CustomResourceDefinition } from '#api';
import type { NewCondition } from './conditions.ts';

export type Names = CustomResourceDefinition['spec']['names'];

/** Names that other definitions of the group hold. */
export interface UsedNames {
  /** Plurals, singulars and short names share one space. */
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

/** What definitions of a group have been given. */
export function usedNames(definitions: readonly Pick<CustomResourceDefinition, 'status'>[]): UsedNames {
  const names = definitions.flatMap(({ status }) => status?.acceptedNames ?? []);
  const list = (values: readonly (string | undefined)[]) =>
    new Set(values.filter((name): name is string => Boolean(name)));
  return {
    resources: list(names.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular, ...shortNames])),
    kinds: list(names.flatMap(({ kind, listKind }) => [kind, listKind])),
  };
}

/**
 * The names that a definition gets: what it asks for, as far as nobody else in its group (`used`) holds it; each else stays what it was. The last conflict is the
 * one that the condition tells of. Source: controller/status/naming_controller.go.
 */
export function planNames(
  wanted: Names,
  accepted: Partial<Names>,
  used: UsedNames,
): { names: Names; condition: NewCondition } {
  const names: Partial<Names> = { ...accepted };
  const conflicts: { reason: string; message: string }[] = [];
  for (const { field, reason, space } of single) {
    const name = wanted[field] ?? '';
    if (name === (accepted[field] ?? '') || !used[space].has(name)) names[field] = name;
    else conflicts.push({ reason, message: inUse(name) });
    if (field === 'singular') planShortNames({ wanted, accepted, used, names, conflicts });
  }
  if (wanted.categories) names.categories = wanted.categories;
  else delete names.categories;
  const conflict = conflicts.at(-1);
  return {
    names: names as Names,
    condition: {
      type: 'NamesAccepted',
      ...(conflict
        ? { status: 'False', ...conflict }
        : { status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }),
    },
  };
}

const single = [
  { field: 'plural', reason: 'PluralConflict', space: 'resources' },
  { field: 'singular', reason: 'SingularConflict', space: 'resources' },
  { field: 'kind', reason: 'KindConflict', space: 'kinds' },
  { field: 'listKind', reason: 'ListKindConflict', space: 'kinds' },
] as const;

function planShortNames(step: {
  wanted: Names;
  accepted: Partial<Names>;
  used: UsedNames;
  names: Partial<Names>;
  conflicts: { reason: string; message: string }[];
}): void {
  const { wanted, accepted, used, names, conflicts } = step;
  const own = new Set([...(accepted.shortNames ?? []), accepted.plural, accepted.singular]);
  const taken = (wanted.shortNames ?? []).filter(name => !own.has(name) && used.resources.has(name));
  if (taken.length > 0) {
    const texts = [...new Set(taken.map(inUse))];
    conflicts.push({
      reason: 'ShortNamesConflict',
      message: texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`,
    });
  } else if (wanted.shortNames) names.shortNames = wanted.shortNames;
  else delete names.shortNames;
}

function inUse(name: string): string {
  return `${JSON.stringify(name)} is already in use`;
}
