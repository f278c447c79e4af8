import { scalarKey } from './equality.ts';
import { Fault, fault } from './errors.ts';
import { charge, type Fn } from './frame.ts';
import { listCost } from './runtime-cost.ts';
import type { CelType } from './types.ts';
import { ArrayList, type CelList, CelOptional, CelStruct, isList, itemsOf } from './values.ts';

/** An iteration variable, or with `init` a binding that is computed at its first use. */
export function localVariable(slot: number, init: Fn | undefined): Fn {
  if (init === undefined) return frame => frame.slots[slot];
  return frame => {
    if (frame.slots[slot] === undefined) frame.slots[slot] = init(frame);
    return frame.slots[slot];
  };
}

/** `&&` (`decisive` false) and `||` (true): the decisive value wins over a failure of the other side. */
export function logical([left, right]: [Fn, Fn], decisive: boolean): Fn {
  return frame => {
    let failure: Fault | undefined;
    for (const run of [left, right]) {
      try {
        const value = run(frame);
        if (value === decisive) return decisive;
        if (typeof value !== 'boolean') failure ??= new Fault('no such overload');
      } catch (error) {
        if (!(error instanceof Fault) || error.final) throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return !decisive;
  };
}

export function optionalOr([left, right]: [Fn, Fn], unwrap: boolean): Fn {
  return frame => {
    const value = left(frame);
    if (!(value instanceof CelOptional)) return fault('no such overload');
    if (value.value === undefined) return right(frame);
    return unwrap ? value.value : value;
  };
}

export function optionalList(runs: readonly Fn[], optionals: ReadonlySet<number>): Fn {
  return frame => {
    const items: unknown[] = [];
    runs.forEach((run, index) => {
      const value = run(frame);
      if (!optionals.has(index)) items.push(value);
      else if (!(value instanceof CelOptional))
        fault('cannot initialize optional list element from non-optional value');
      else if (value.value !== undefined) items.push(value.value);
    });
    charge(frame, listCost);
    return new ArrayList(items);
  };
}

export interface Entry {
  name: unknown;
  made: unknown;
  optional: boolean;
  put: (value: unknown) => void;
  drop: () => void;
}

export function putEntry({ name, made, optional, put, drop }: Entry): void {
  if (!optional) put(made);
  else if (!(made instanceof CelOptional))
    fault(`cannot initialize optional entry '${String(name)}' from non-optional value`);
  else if (made.value === undefined) drop();
  else put(made.value);
}

export function mapKeyOf(key: unknown): unknown {
  return scalarKey(key) === undefined || typeof key === 'number' ? fault(`unsupported key type`) : key;
}

/** `Object{spec: Object.spec{}}`: a message in a field must be the one named after that field. */
export function checkNestedTypes(type: CelType, fields: ReadonlyMap<string, unknown>): void {
  if (type.fields !== undefined) return;
  for (const [field, value] of fields) {
    const wanted = `${type.name}.${field}`;
    for (const made of isList(value) ? itemsOf(value as CelList) : [value]) {
      if (!(made instanceof CelStruct) || made.type.fields !== undefined || made.type.name === wanted) continue;
      fault(
        `unexpected type name "${made.type.name}", expected "${wanted}", which matches field name path from root Object type`,
      );
    }
  }
}
