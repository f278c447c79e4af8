import { compileMembers, type Members } from './members.ts';
import { isObject, type Schema, setMember, valuesOf } from './schema.ts';

/**
 * Fills in what the schema says, in place and at every depth, into objects that are there: a default of a member of a missing object needs a
 * default of that object. A null where none is allowed counts as missing. Source: pkg/apiserver/schema/defaulting/algorithm.go.
 */
export function createDefaulter(schema: Schema): (object: unknown) => void {
  return planDefaults(schema) ?? (() => undefined);
}

type Fill = (value: unknown) => void;

/** Undefined: nothing below has a default and nulls cannot be dropped, so nobody needs to look. */
function planDefaults(schema: Schema): Fill | undefined {
  const items = schema.items ? planItem(schema.items) : undefined;
  const values = valuesOf(schema) ? planItem(valuesOf(schema)!) : undefined;
  const defaults: [string, unknown][] = [];
  for (const name in schema.properties) {
    const { default: value } = schema.properties[name]!;
    if (value !== undefined && value !== null) defaults.push([name, value]);
  }
  const members = compileMembers(schema, planItem);
  if (members.isEmpty && !items && !values) return undefined;
  return value => {
    if (Array.isArray(value)) {
      if (items) fillList(value, items);
    } else if (isObject(value)) fillObject(value, { defaults, members, values });
  };
}

interface Member {
  readonly nullable: boolean;
  readonly default: unknown;
  readonly fill: Fill | undefined;
}

interface Plan {
  readonly defaults: readonly (readonly [string, unknown])[];
  readonly members: Members<Member>;
  readonly values: Member | undefined;
}

function planItem(schema: Schema): Member {
  return { nullable: schema.nullable === true, default: schema.default ?? undefined, fill: planDefaults(schema) };
}

function fillList(list: unknown[], item: Member): void {
  for (let index = 0; index < list.length; index++) {
    if (list[index] === null && !item.nullable && item.default !== undefined)
      list[index] = structuredClone(item.default);
    item.fill?.(list[index]);
  }
}

function fillObject(object: Record<string, unknown>, { defaults, members, values }: Plan): void {
  for (const [name, value] of defaults) {
    const isMissing = !Object.hasOwn(object, name) || (object[name] === null && !members.get(name)!.nullable);
    if (isMissing) setMember(object, name, copyOf(value));
  }
  for (const name in object) {
    const member = members.get(name) ?? values;
    if (!member) continue;
    const part = object[name];
    if (part !== null) member.fill?.(part);
    else if (!member.nullable) {
      if (member.default === undefined) delete object[name];
      else {
        setMember(object, name, copyOf(member.default));
        member.fill?.(object[name]);
      }
    }
  }
}

function copyOf(value: unknown): unknown {
  return typeof value === 'object' ? structuredClone(value) : value;
}
