import { canonicalJson } from './equal.ts';
import { compileMembers } from './members.ts';
import { addError, quote, type Run } from './run.ts';
import { isObject, type Schema, setMember, valuesOf } from './schema.ts';

/** Looks for items that stand twice in lists of type `set` and `map`; `path` is where the value stands. */
export type CheckLists = (value: unknown, path: string, run: Run) => void;

/** Undefined where no list below has a type. Source: pkg/apiserver/schema/listtype/validation.go. */
export function compileListCheck(schema: Schema): CheckLists | undefined {
  const own = ownCheck(schema);
  const items = schema.items && compileListCheck(schema.items);
  const valueSchema = valuesOf(schema);
  const values = valueSchema && compileListCheck(valueSchema);
  const members = compileMembers(schema, compileListCheck);
  if (!own && !items && !values && members.isEmpty) return undefined;
  return (value, path, run) => {
    if (Array.isArray(value)) {
      own?.(value, path, run);
      if (items) for (let index = 0; index < value.length; index++) items(value[index], `${path}[${index}]`, run);
    } else if (isObject(value)) {
      for (const name in value) {
        const member = members.get(name);
        if (member) member(value[name], path ? `${path}.${name}` : name, run);
        else if (values) values(value[name], `${path}[${name}]`, run);
      }
    }
  };
}

function ownCheck(schema: Schema): ((list: readonly unknown[], path: string, run: Run) => void) | undefined {
  const type = schema['x-kubernetes-list-type'];
  if (type === 'set')
    return (list, path, run) => reportDuplicates(list, { path, run, keyOf: keyOfItem, show: item => item });
  const names = schema['x-kubernetes-list-map-keys'] ?? [];
  if (type !== 'map' || names.length === 0) return undefined;
  const keyOf = keyOfNames([...names].sort());
  return (list, path, run) => {
    const stray = list.findIndex(item => item !== null && !isObject(item));
    if (stray < 0) reportDuplicates(list, { path, run, keyOf: item => canonicalJson(keyOf(item)), show: keyOf });
    else {
      const message = `Invalid value: ${quote(list[stray])}: must be an object for an array of list-type map`;
      addError(run, { reason: 'FieldValueInvalid', field: `${path}[${stray}]`, message });
    }
  };
}

/** The members of an item that are its key, as far as it has them. */
function keyOfNames(names: readonly string[]): (item: unknown) => Record<string, unknown> {
  return item => {
    const key: Record<string, unknown> = {};
    if (isObject(item)) for (const name of names) if (Object.hasOwn(item, name)) setMember(key, name, item[name]);
    return key;
  };
}

const mark = '\ufdd0';

/** Scalars are their own keys; those of other items begin with a mark, and so do those of texts that begin with it. */
function keyOfItem(item: unknown): unknown {
  if (typeof item === 'string') return item.startsWith(mark) ? `${mark}s${item}` : item;
  return typeof item === 'object' && item !== null ? `${mark}${canonicalJson(item)}` : item;
}

interface Report {
  readonly path: string;
  readonly run: Run;
  /** Equal for items that must not stand beside each other. */
  keyOf(item: unknown): unknown;
  /** What of the item the message shows. */
  show(item: unknown): unknown;
}

function reportDuplicates(list: readonly unknown[], { path, run, keyOf, show }: Report): void {
  const seen = new Set<unknown>();
  const reported = new Set<unknown>();
  list.forEach((item, index) => {
    const key = keyOf(item);
    if (seen.has(key) && !reported.has(key)) {
      reported.add(key);
      const message = `Duplicate value: ${quote(show(item))}`;
      addError(run, { reason: 'FieldValueDuplicate', field: `${path}[${index}]`, message });
    }
    seen.add(key);
  });
}
