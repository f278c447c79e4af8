import { type CelType, dynType, isOptional, isSameType } from './types.ts';

/** What type variables stand for, by name; an attempt that fails is undone. */
export class Bindings {
  readonly #types = new Map<string, CelType>();
  #undo: [name: string, before: CelType | undefined][] = [];

  get(name: string): CelType | undefined {
    return this.#types.get(name);
  }

  set(name: string, type: CelType): void {
    this.#undo.push([name, this.#types.get(name)]);
    this.#types.set(name, type);
  }

  attempt(holds: () => boolean): boolean {
    this.#undo = [];
    if (holds()) return true;
    for (const [name, before] of this.#undo.reverse()) {
      if (before === undefined) this.#types.delete(name);
      else this.#types.set(name, before);
    }
    return false;
  }
}

const isDyn = (type: CelType): boolean => type.kind === 'dyn';
const isError = (type: CelType): boolean => type.kind === 'error';

export function isDynOrError(type: CelType): boolean {
  return isDyn(type) || isError(type);
}

/** Assigns `from` to `to`, binding variables; the bindings change only when it holds. */
export function isAssignable(bindings: Bindings, from: CelType, to: CelType): boolean {
  return isAssignableList(bindings, [from], [to]);
}

export function isAssignableList(bindings: Bindings, from: readonly CelType[], to: readonly CelType[]): boolean {
  if (from.length !== to.length) return false;
  return bindings.attempt(() => from.every((type, index) => assign(bindings, type, to[index]!)));
}

function assign(bindings: Bindings, from: CelType, to: CelType): boolean {
  if (to.kind === 'param') {
    const { valid, bound } = substitutes(bindings, from, to);
    if (valid) return true;
    if (bound) return false;
  }
  if (from.kind === 'param') return substitutes(bindings, to, from).valid;
  if (isDynOrError(from) || isDynOrError(to)) return true;
  if (from.kind === 'null') return isNullable(to);
  if (to.kind === 'null') return isNullable(from);
  switch (from.kind) {
    case 'type':
      return to.kind === 'type';
    case 'opaque':
    case 'list':
    case 'map':
      return from.kind === to.kind && from.name === to.name && assignParams(bindings, from, to);
    default:
      return from.kind === to.kind && from.name === to.name;
  }
}

function assignParams(bindings: Bindings, from: CelType, to: CelType): boolean {
  const left = from.params ?? [];
  const right = to.params ?? [];
  return left.length === right.length && left.every((param, index) => assign(bindings, param, right[index]!));
}

function isNullable({ kind }: CelType): boolean {
  return kind === 'null' || kind === 'opaque' || kind === 'object' || kind === 'duration' || kind === 'timestamp';
}

/** Whether the variable may stand for `type`, and whether it stood for something before. */
function substitutes(bindings: Bindings, type: CelType, param: CelType): { valid: boolean; bound: boolean } {
  if (isSameType(type, param)) return { valid: true, bound: true };
  const known = bindings.get(param.name!);
  if (known !== undefined) {
    if (isSameType(type, known)) return { valid: true, bound: true };
    if (!assign(bindings, type, known)) return { valid: false, bound: true };
    const general = mostGeneral(type, known);
    if (!occurs(bindings, param, general)) bindings.set(param.name!, general);
    return { valid: true, bound: true };
  }
  if (occurs(bindings, param, type)) return { valid: false, bound: false };
  bindings.set(param.name!, type);
  return { valid: true, bound: false };
}

function occurs(bindings: Bindings, param: CelType, within: CelType): boolean {
  if (isSameType(param, within)) return true;
  if (within.kind === 'param') {
    const known = bindings.get(within.name!);
    return known !== undefined && occurs(bindings, param, known);
  }
  return (within.params ?? []).some(inner => occurs(bindings, param, inner));
}

/** The more general of two types that agree. */
export function mostGeneral(left: CelType, right: CelType): CelType {
  return isEqualOrLessSpecific(left, right) ? left : right;
}

function isEqualOrLessSpecific(left: CelType, right: CelType): boolean {
  if (isDyn(left) || left.kind === 'param') return true;
  if (isDyn(right) || right.kind === 'param') return false;
  if (left.kind !== right.kind) return false;
  if (left.kind === 'type') return true;
  if (left.name !== right.name) return false;
  const a = left.params ?? [];
  const b = right.params ?? [];
  return a.length === b.length && a.every((param, index) => isEqualOrLessSpecific(param, b[index]!));
}

/** Puts in what variables stand for; with `toDyn` those that stand for nothing become dyn. */
export function substitute(bindings: Bindings, type: CelType, toDyn: boolean): CelType {
  if (type.kind === 'param') {
    const known = bindings.get(type.name!);
    if (known !== undefined) return substitute(bindings, known, toDyn);
    return toDyn ? dynType : type;
  }
  if (type.params === undefined) return type;
  const params = type.params.map(param => substitute(bindings, param, toDyn));
  return params.every((param, index) => param === type.params![index]) ? type : { ...type, params };
}

/** The type inside an optional, or the type itself. */
export function unwrapOptional(type: CelType): { type: CelType; optional: boolean } {
  return isOptional(type) ? { type: type.params![0]!, optional: true } : { type, optional: false };
}
