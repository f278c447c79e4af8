import type { Pace } from '../pace.ts';
import { Fault, fault } from './errors.ts';
import type { CallCost } from './runtime-cost.ts';
import type { Overload, Run } from './signature.ts';
import type { CelType } from './types.ts';
import {
  CelDuration,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  isList,
  isMap,
  typeNameOf,
} from './values.ts';

/** The state of one evaluation. */
export interface Frame {
  cost: number;
  /** Beyond this, `charge` looks closer: the limit of the cost, or the next moment to ask how long it has taken. */
  limit: number;
  readonly costLimit: number;
  readonly pace: Pace | undefined;
  /** Iteration variables and bindings. */
  readonly slots: unknown[];
  variable(index: number): unknown;
}

export type Fn = (frame: Frame) => unknown;

/** The text that upstream's callers look for. */
export const costExceeded = 'operation cancelled: actual cost limit exceeded';

/** Adds to the cost; a final fault beyond the limit. */
export function charge(frame: Frame, cost: number): void {
  frame.cost += cost;
  if (frame.cost > frame.limit) lookCloser(frame);
}

/** About a tenth of a millisecond of most expressions, some of the dearest that are counted cheap. */
const checkedCost = 2000;

function lookCloser(frame: Frame): void {
  if (frame.cost > frame.costLimit) throw new Fault(costExceeded, true);
  frame.pace?.check();
  frame.limit = firstLimit(frame.costLimit, frame.pace, frame.cost);
}

/** The first `limit` of a frame, or the next one from a cost on. */
export function firstLimit(costLimit: number, pace: Pace | undefined, from = 0): number {
  return pace ? Math.min(costLimit, from + checkedCost) : costLimit;
}

/** True when a value is of a type as far as can be seen at once: of lists and maps the first item is looked at. */
export function fitsType(value: unknown, type: CelType): boolean {
  switch (type.kind) {
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'uint':
      return value instanceof CelUint;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'timestamp':
      return value instanceof CelTimestamp;
    case 'duration':
      return value instanceof CelDuration;
    case 'type':
      return value instanceof CelTypeValue;
    case 'list':
      return isList(value) && (value.size === 0 || fitsType(value.at(0), type.params![0]!));
    case 'map':
      return isMap(value);
    case 'opaque':
      if (type.name === 'optional_type') return fitsOptional(value, type);
      return value instanceof CelOpaque && value.type.name === type.name;
    default:
      return true;
  }
}

function fitsOptional(value: unknown, type: CelType): boolean {
  return value instanceof CelOptional && (value.value === undefined || fitsType(value.value, type.params![0]!));
}

interface Call {
  fn: string;
  overloads: readonly (Overload & { run: Run })[];
  args: readonly Fn[];
  types: readonly CelType[];
  cost: CallCost;
}

type AnyRun = (...args: unknown[]) => unknown;

/** A call: straight to the one overload where the types are known, else the first that fits the values. */
export function dispatchCall({ fn, overloads, args, types, cost }: Call): Fn {
  const known = types.every(type => isKnown(type));
  const slow = pickAtRuntime(fn, overloads);
  const run = known && overloads.length === 1 ? guarded(overloads[0]!, slow) : slow;
  const price: (a: unknown, b: unknown, result: unknown) => number = typeof cost === 'number' ? () => cost : cost;
  if (args.length === 1) return unary(args[0]!, run, price);
  if (args.length === 2) return binary(args as [Fn, Fn], run, price);
  return frame => {
    const values: unknown[] = [];
    for (const arg of args) values.push(arg(frame));
    const result = run(...values);
    charge(frame, price(values[0], values[1], result));
    return result;
  };
}

type Price = (a: unknown, b: unknown, result: unknown) => number;

function unary(arg: Fn, run: AnyRun, price: Price): Fn {
  return frame => {
    const a = arg(frame);
    const result = run(a);
    charge(frame, price(a, undefined, result));
    return result;
  };
}

function binary([left, right]: [Fn, Fn], run: AnyRun, price: Price): Fn {
  return frame => {
    const a = left(frame);
    const b = right(frame);
    const result = run(a, b);
    charge(frame, price(a, b, result));
    return result;
  };
}

/** Nothing inside is dyn, so that values are of the type. */
function isKnown(type: CelType): boolean {
  if (type.kind === 'dyn' || type.kind === 'error' || type.kind === 'null') return false;
  return (type.params ?? []).every(isKnown);
}

/** Fits but for what is inside of lists: the function itself looks at those. */
function fitsShallow(overload: Overload, args: readonly unknown[]): boolean {
  if (overload.args.length !== args.length) return false;
  return overload.args.every((type, index) => fitsKind(args[index], type));
}

/**
 * The only overload, when the values are of the types that the checker found. They may not be where null is allowed; what is inside of lists
 * is the function's to look at.
 */
function guarded(overload: Overload & { run: Run }, otherwise: AnyRun): AnyRun {
  const run = overload.run as AnyRun;
  const [first, second] = overload.args;
  switch (overload.args.length) {
    case 1:
      return a => (fitsKind(a, first!) ? run(a) : otherwise(a));
    case 2:
      return (a, b) => (fitsKind(a, first!) && fitsKind(b, second!) ? run(a, b) : otherwise(a, b));
    default:
      return (...args) => (fitsShallow(overload, args) ? run(...args) : otherwise(...args));
  }
}

function fitsKind(value: unknown, type: CelType): boolean {
  return type.kind === 'list' ? isList(value) : fitsType(value, type);
}

function pickAtRuntime(fn: string, overloads: Call['overloads']): AnyRun {
  return (...args) => {
    for (const overload of overloads) {
      if (overload.args.length !== args.length) continue;
      if (overload.args.every((type, index) => fitsType(args[index], type))) return (overload.run as AnyRun)(...args);
    }
    const only = overloads.filter(overload => fitsShallow(overload, args));
    if (only.length === 1 && args.length > 0) return (only[0]!.run as AnyRun)(...args);
    // Operators say no more, as upstream.
    if (!/^[a-zA-Z]/.test(fn)) return fault('no such overload');
    return fault(`no such overload: ${fn}(${args.map(typeNameOf).join(', ')})`);
  };
}
