import type { Comprehension, Expr, ExprKind } from './ast.ts';
import { literalType, qualifiedName, typeValueName } from './check-names.ts';
import { overloadsOf } from './library.ts';
import type { Overload } from './signature.ts';
import {
  boolType,
  type CelType,
  dynType,
  errorType,
  formatCelType,
  intType,
  isOptional,
  isSameType,
  listType,
  mapType,
  optionalType,
  paramType,
  stringType,
  typeType,
} from './types.ts';
import {
  Bindings,
  isAssignable,
  isAssignableList,
  isDynOrError,
  mostGeneral,
  substitute,
  unwrapOptional,
} from './unify.ts';
import { CelTypeValue } from './values.ts';

/** A type problem at an offset of the text. */
export interface CheckIssue {
  readonly pos: number;
  readonly message: string;
}

/** The names that an expression may use. */
export interface Declarations {
  readonly variables: ReadonlyMap<string, CelType>;
  /** Types that can be constructed or named. */
  typeNamed(name: string): CelType | undefined;
}

export interface Checked {
  readonly issues: readonly CheckIssue[];
  readonly type: CelType;
  /** Variables that are mentioned. */
  readonly references: ReadonlySet<string>;
}

/** Finds the type of every node, picks overloads, and turns qualified names into identifiers, all in place. */
export function checkExpr(expr: Expr, declarations: Declarations): Checked {
  return new Checker(declarations).run(expr);
}

type Node<K extends ExprKind['kind']> = Expr & { kind: K };

class Checker {
  readonly #declarations: Declarations;
  readonly #issues: CheckIssue[] = [];
  readonly #bindings = new Bindings();
  readonly #nodes: Expr[] = [];
  readonly #references = new Set<string>();
  readonly #overloads = new Map<string, readonly Overload[] | undefined>();
  readonly #scopes: Map<string, CelType>[] = [];
  #typeVars = 0;

  constructor(declarations: Declarations) {
    this.#declarations = declarations;
  }

  run(expr: Expr): Checked {
    this.#check(expr);
    for (const node of this.#nodes) node.type = substitute(this.#bindings, node.type!, true);
    return { issues: this.#issues, type: expr.type!, references: this.#references };
  }

  #report(pos: number, message: string): void {
    this.#issues.push({ pos, message });
  }

  #mismatch(pos: number, expected: CelType, actual: CelType): void {
    this.#report(pos, `expected type '${formatCelType(expected)}' but found '${formatCelType(actual)}'`);
  }

  #freeType(): CelType {
    return paramType(`_var${this.#typeVars++}`);
  }

  #functionsNamed(name: string): readonly Overload[] | undefined {
    if (!this.#overloads.has(name)) this.#overloads.set(name, overloadsOf(name));
    return this.#overloads.get(name);
  }

  #check(expr: Expr): CelType {
    const type = this.#typeOf(expr);
    expr.type = type;
    this.#nodes.push(expr);
    return type;
  }

  #typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#ident(expr);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'comprehension':
        return this.#comprehension(expr);
    }
  }

  #lookup(name: string): CelType | undefined {
    for (let at = this.#scopes.length - 1; at >= 0; at--) {
      const found = this.#scopes[at]!.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** A declared variable or the name of a type; turns the node into an `ident`. */
  #resolve(expr: Expr, name: string): CelType | undefined {
    const plain = name.startsWith('.') ? name.slice(1) : name;
    const variable = this.#declarations.variables.get(plain);
    const named = variable === undefined ? this.#declarations.typeNamed(plain) : undefined;
    if (variable === undefined && named === undefined) return undefined;
    const constant = named === undefined ? {} : { constant: new CelTypeValue(typeValueName(named)) };
    Object.assign(expr, { kind: 'ident', name: plain, constant: undefined }, constant);
    if (variable !== undefined) this.#references.add(plain);
    return variable ?? typeType(named!);
  }

  #undeclared(expr: Expr, name: string): CelType {
    this.#report(expr.pos, `undeclared reference to '${name}' (in container '')`);
    return errorType;
  }

  #ident(expr: Node<'ident'>): CelType {
    return this.#lookup(expr.name) ?? this.#resolve(expr, expr.name) ?? this.#undeclared(expr, expr.name);
  }

  #select(expr: Node<'select'>): CelType {
    const name = expr.testOnly ? undefined : qualifiedName(expr);
    if (name !== undefined && this.#lookup(name.slice(0, name.indexOf('.'))) === undefined) {
      const resolved = this.#resolve(expr, name);
      if (resolved !== undefined) return resolved;
    }
    const type = this.#selectField(expr.pos, { operand: expr.operand, field: expr.field, optional: false });
    return expr.testOnly ? boolType : substitute(this.#bindings, type, false);
  }

  #selectField(pos: number, select: { operand: Expr; field: string; optional: boolean }): CelType {
    const operand = substitute(this.#bindings, this.#check(select.operand), false);
    const target = unwrapOptional(operand);
    const result = this.#fieldType(pos, target.type, select.field);
    return target.optional || select.optional ? optionalType(result) : result;
  }

  #fieldType(pos: number, target: CelType, field: string): CelType {
    switch (target.kind) {
      case 'map':
        return target.params![1]!;
      case 'object':
        if (target.fields === undefined) return dynType;
        return target.fields.get(field)?.type ?? this.#undefinedField(pos, field);
      case 'param':
        isAssignable(this.#bindings, dynType, target);
        return dynType;
      case 'opaque':
        return isOptional(target) ? this.#noSelection(pos, target) : this.#undefinedField(pos, field);
      default:
        return isDynOrError(target) ? dynType : this.#noSelection(pos, target);
    }
  }

  #noSelection(pos: number, type: CelType): CelType {
    this.#report(pos, `type '${formatCelType(type)}' does not support field selection`);
    return dynType;
  }

  #undefinedField(pos: number, field: string): CelType {
    this.#report(pos, `undefined field '${field}'`);
    return errorType;
  }

  #call(expr: Node<'call'>): CelType {
    if (expr.fn === '_?._') return this.#optionalSelect(expr);
    for (const arg of expr.args) this.#check(arg);
    if (expr.target === undefined) {
      const fn = expr.fn.startsWith('.') ? expr.fn.slice(1) : expr.fn;
      const overloads = this.#functionsNamed(fn);
      if (overloads === undefined) return this.#undeclared(expr, expr.fn);
      expr.fn = fn;
      return this.#overload(expr, overloads);
    }
    return this.#memberCall(expr, expr.target);
  }

  #memberCall(expr: Node<'call'>, target: Expr): CelType {
    const prefix = qualifiedName(target);
    const namespaced = prefix === undefined ? undefined : `${prefix}.${expr.fn}`;
    const overloads = namespaced === undefined ? undefined : this.#functionsNamed(namespaced);
    if (overloads !== undefined) {
      expr.fn = namespaced!;
      expr.target = undefined;
      return this.#overload(expr, overloads);
    }
    this.#check(target);
    const members = this.#functionsNamed(expr.fn);
    return members === undefined ? this.#undeclared(expr, expr.fn) : this.#overload(expr, members);
  }

  #optionalSelect(expr: Node<'call'>): CelType {
    const [operand, field] = expr.args as [Expr, Expr];
    const name = field.kind === 'literal' && typeof field.value === 'string' ? field.value : '';
    field.type = stringType;
    expr.overloads = ['select_optional_field'];
    const type = this.#selectField(expr.pos, { operand, field: name, optional: true });
    return substitute(this.#bindings, type, false);
  }

  #overload(expr: Node<'call'>, overloads: readonly Overload[]): CelType {
    if (expr.fn === '_&&_' || expr.fn === '_||_') return this.#logical(expr, overloads[0]!.id);
    const args = expr.target === undefined ? expr.args : [expr.target, ...expr.args];
    const types = args.map(arg => arg.type!);
    const ids: string[] = [];
    let result: CelType | undefined;
    for (const overload of overloads) {
      if (overload.member !== (expr.target !== undefined)) continue;
      const { params, returns } = this.#instantiate(overload);
      if (!isAssignableList(this.#bindings, types, params)) continue;
      ids.push(overload.id);
      const type = substitute(this.#bindings, returns, false);
      if (result === undefined) result = type;
      else if (result.kind !== 'dyn' && !isSameType(type, result)) result = dynType;
    }
    expr.overloads = ids;
    return result ?? this.#noOverload(expr, types);
  }

  #noOverload(expr: Node<'call'>, types: readonly CelType[]): CelType {
    const names = types.map(type => formatCelType(substitute(this.#bindings, type, true)));
    const target = expr.target === undefined ? '' : `${names.shift()}.`;
    this.#report(expr.pos, `found no matching overload for '${expr.fn}' applied to '${target}(${names.join(', ')})'`);
    return errorType;
  }

  #logical(expr: Node<'call'>, id: string): CelType {
    expr.overloads = [id];
    let valid = true;
    for (const arg of expr.args) {
      if (isAssignable(this.#bindings, arg.type!, boolType)) continue;
      this.#mismatch(arg.pos, boolType, arg.type!);
      valid = false;
    }
    return valid ? boolType : errorType;
  }

  /** A signature with fresh type variables. */
  #instantiate(overload: Overload): { params: readonly CelType[]; returns: CelType } {
    const fresh = new Map<string, CelType>();
    const renew = (type: CelType): CelType => {
      if (type.kind === 'param') {
        let own = fresh.get(type.name!);
        if (own === undefined) {
          own = this.#freeType();
          fresh.set(type.name!, own);
        }
        return own;
      }
      return type.params === undefined ? type : { ...type, params: type.params.map(renew) };
    };
    return { params: overload.args.map(renew), returns: renew(overload.result) };
  }

  #list(expr: Node<'list'>): CelType {
    let item: CelType | undefined;
    expr.items.forEach((node, index) => {
      const type = this.#check(node);
      item = this.#join(node, item, expr.optionals.has(index) ? this.#entry(node, type) : type);
    });
    return listType(item ?? this.#freeType());
  }

  #map(expr: Node<'map'>): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of expr.entries) {
      key = this.#join(entry.key, key, this.#check(entry.key));
      const type = this.#check(entry.value);
      value = this.#join(entry.value, value, entry.optional ? this.#entry(entry.value, type) : type);
    }
    return mapType(key ?? this.#freeType(), value ?? this.#freeType());
  }

  /** The type of an optional entry's value. */
  #entry(node: Expr, type: CelType): CelType {
    const inner = unwrapOptional(type);
    if (!inner.optional && type.kind !== 'dyn') this.#mismatch(node.pos, optionalType(type), type);
    return inner.type;
  }

  /** Kubernetes wants literals of one type (HomogeneousAggregateLiterals). */
  #join(node: Expr, previous: CelType | undefined, current: CelType): CelType {
    if (previous === undefined) return current;
    if (isAssignable(this.#bindings, previous, current)) return mostGeneral(previous, current);
    this.#mismatch(node.pos, previous, current);
    return errorType;
  }

  #struct(expr: Node<'struct'>): CelType {
    const name = expr.name.startsWith('.') ? expr.name.slice(1) : expr.name;
    const type = this.#declarations.typeNamed(name);
    if (type === undefined || type.kind !== 'object') {
      for (const entry of expr.entries) this.#check(entry.value);
      if (type === undefined) return this.#undeclared(expr, expr.name);
      this.#report(expr.pos, `'${formatCelType(type)}' is not a message type`);
      return errorType;
    }
    expr.name = name;
    for (const entry of expr.entries) {
      const checked = this.#check(entry.value);
      const value = entry.optional ? this.#entry(entry.value, checked) : checked;
      const field = this.#fieldType(entry.pos, type, entry.field);
      if (isAssignable(this.#bindings, field, value)) continue;
      this.#report(
        entry.pos,
        `expected type of field '${entry.field}' is '${formatCelType(field)}' but provided type is '${formatCelType(value)}'`,
      );
    }
    return type;
  }

  #comprehension(expr: Expr & Comprehension): CelType {
    this.#check(expr.range);
    const accu = this.#check(expr.init);
    const range = substitute(this.#bindings, expr.range.type!, false);
    const [first, second] = this.#iteration(expr, range);
    this.#scopes.push(new Map([[expr.accuVar, accu]]));
    const loop = new Map([[expr.iterVar, first]]);
    if (expr.iterVar2 !== '') loop.set(expr.iterVar2, second);
    this.#scopes.push(loop);
    this.#expectType(expr.condition, boolType);
    this.#expectType(expr.step, accu);
    this.#scopes.pop();
    const result = this.#check(expr.result);
    this.#scopes.pop();
    return substitute(this.#bindings, result, false);
  }

  #expectType(expr: Expr, expected: CelType): void {
    const type = this.#check(expr);
    if (!isAssignable(this.#bindings, expected, type)) this.#mismatch(expr.pos, expected, type);
  }

  #iteration(expr: Comprehension, range: CelType): [CelType, CelType] {
    const two = expr.iterVar2 !== '';
    switch (range.kind) {
      case 'list':
        return two ? [intType, range.params![0]!] : [range.params![0]!, dynType];
      case 'map':
        return [range.params![0]!, range.params![1]!];
      case 'dyn':
      case 'error':
      case 'param':
        isAssignable(this.#bindings, dynType, range);
        return [dynType, dynType];
      default:
        this.#report(
          expr.range.pos,
          `expression of type '${formatCelType(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
        );
        return [errorType, errorType];
    }
  }
}
