import type { Comprehension, Expr, Macro } from './ast.ts';
import { accumulator, call, copyExpr, ident, list, literal, memberCall, node } from './ast.ts';

/** A macro whose arguments do not fit. */
export class MacroError {
  readonly pos: number;
  readonly message: string;

  constructor(pos: number, message: string) {
    this.pos = pos;
    this.message = message;
  }
}

/** A call as written; `pos` is that of its parenthesis. */
export interface MacroCall {
  readonly pos: number;
  readonly fn: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

type Expander = (call: MacroCall & { target: Expr }) => Expr | undefined;

/** Member macros by name and count of arguments: the language's own, those of two variables, optionals, bindings, and sorting. */
const members: Readonly<Record<string, Expander>> = {
  'all/2': m => quantifier(m, 'all', 1),
  'exists/2': m => quantifier(m, 'exists', 1),
  'exists_one/2': m => quantifier(m, 'existsOne', 1),
  'existsOne/2': m => quantifier(m, 'existsOne', 1),
  'map/2': m => toList(m, { variables: 1, filter: undefined, item: m.args[1]! }),
  'map/3': m => toList(m, { variables: 1, filter: m.args[1]!, item: m.args[2]! }),
  'filter/2': m => filter(m),
  'all/3': m => quantifier(m, 'all', 2),
  'exists/3': m => quantifier(m, 'exists', 2),
  'existsOne/3': m => quantifier(m, 'existsOne', 2),
  'exists_one/3': m => quantifier(m, 'existsOne', 2),
  'transformList/3': m => toList(m, { variables: 2, filter: undefined, item: m.args[2]! }),
  'transformList/4': m => toList(m, { variables: 2, filter: m.args[2]!, item: m.args[3]! }),
  'transformMap/3': m => toMap(m, 'map', { filter: undefined, item: m.args[2]! }),
  'transformMap/4': m => toMap(m, 'map', { filter: m.args[2]!, item: m.args[3]! }),
  'transformMapEntry/3': m => toMap(m, 'mapEntries', { filter: undefined, item: m.args[2]! }),
  'transformMapEntry/4': m => toMap(m, 'mapEntries', { filter: m.args[2]!, item: m.args[3]! }),
  'optMap/2': m => optionalMap(m, true),
  'optFlatMap/2': m => optionalMap(m, false),
  'bind/3': m => bindMacro(m),
  'sortBy/2': m => sortBy(m),
};

/** The expansion of a macro call; undefined when it is an ordinary call; throws `MacroError`. */
export function expandMacro(macro: MacroCall): Expr | undefined {
  if (macro.target === undefined) return macro.fn === 'has' && macro.args.length === 1 ? has(macro) : undefined;
  const key = `${macro.fn}/${macro.args.length}`;
  return Object.hasOwn(members, key) ? members[key]!({ ...macro, target: macro.target }) : undefined;
}

function has({ pos, args }: MacroCall): Expr {
  const arg = args[0]!;
  if (arg.kind !== 'select') throw new MacroError(arg.pos, 'invalid argument to has() macro');
  return node(pos, { kind: 'select', operand: arg.operand, field: arg.field, testOnly: true });
}

interface Variables {
  iterVar: string;
  iterVar2: string;
}

function variablesOf({ args }: MacroCall, count: 1 | 2): Variables {
  const message = count === 1 ? 'argument is not an identifier' : 'argument must be a simple name';
  const names = args.slice(0, count).map(arg => {
    if (arg.kind !== 'ident' || arg.name.startsWith('.')) throw new MacroError(arg.pos, message);
    if (arg.name === '__result__') {
      throw new MacroError(arg.pos, 'iteration variable overwrites accumulator variable');
    }
    return arg.name;
  });
  if (count === 2 && names[0] === names[1]) throw new MacroError(args[1]!.pos, `duplicate variable name: ${names[0]}`);
  return { iterVar: names[0]!, iterVar2: names[1] ?? '' };
}

type Fold = Omit<Comprehension, 'kind' | 'accuVar' | 'range' | 'iterVar' | 'iterVar2'>;

function fold(macro: MacroCall & { target: Expr }, variables: Variables, parts: Fold): Expr {
  return node(macro.pos, {
    kind: 'comprehension',
    range: macro.target,
    accuVar: accumulator,
    ...variables,
    ...parts,
  });
}

function quantifier(macro: MacroCall & { target: Expr }, name: 'all' | 'exists' | 'existsOne', count: 1 | 2): Expr {
  const { pos } = macro;
  const accu = (): Expr => ident(pos, accumulator);
  const predicate = macro.args[count]!;
  const kind: Macro = { name, predicate };
  const variables = variablesOf(macro, count);
  if (name === 'existsOne') {
    const step = call(pos, '_?_:_', predicate, call(pos, '_+_', accu(), literal(pos, 1n)), accu());
    const result = call(pos, '_==_', accu(), literal(pos, 1n));
    return fold(macro, variables, { init: literal(pos, 0n), condition: literal(pos, true), step, result, macro: kind });
  }
  const all = name === 'all';
  return fold(macro, variables, {
    init: literal(pos, all),
    condition: call(pos, '@not_strictly_false', all ? accu() : call(pos, '!_', accu())),
    step: call(pos, all ? '_&&_' : '_||_', accu(), predicate),
    result: accu(),
    macro: kind,
  });
}

interface Transform {
  filter: Expr | undefined;
  item: Expr;
}

function toList(macro: MacroCall & { target: Expr }, transform: Transform & { variables: 1 | 2 }): Expr {
  const { pos } = macro;
  const { filter, item } = transform;
  const accu = (): Expr => ident(pos, accumulator);
  const add = call(pos, '_+_', accu(), list(pos, item));
  return fold(macro, variablesOf(macro, transform.variables), {
    init: list(pos),
    condition: literal(pos, true),
    step: filter === undefined ? add : call(pos, '_?_:_', filter, add, accu()),
    result: accu(),
    macro: { name: 'list', filter, item },
  });
}

function filter(macro: MacroCall & { target: Expr }): Expr {
  return toList(macro, { variables: 1, filter: macro.args[1]!, item: copyExpr(macro.args[0]!) });
}

function toMap(macro: MacroCall & { target: Expr }, name: 'map' | 'mapEntries', { filter, item }: Transform): Expr {
  const { pos } = macro;
  const variables = variablesOf(macro, 2);
  const accu = (): Expr => ident(pos, accumulator);
  const parts = name === 'map' ? [ident(pos, variables.iterVar), item] : [item];
  const insert = call(pos, 'cel.@mapInsert', accu(), ...parts);
  return fold(macro, variables, {
    init: node(pos, { kind: 'map', entries: [] }),
    condition: literal(pos, true),
    step: filter === undefined ? insert : call(pos, '_?_:_', filter, insert, accu()),
    result: accu(),
    macro: { name, filter, item },
  });
}

/** A variable that is computed at its first use, at most once. */
function bind(pos: number, name: string, parts: { init: Expr; result: Expr }): Expr {
  return node(pos, {
    kind: 'comprehension',
    range: list(pos),
    iterVar: '#unused',
    iterVar2: '',
    accuVar: name,
    init: parts.init,
    condition: literal(pos, false),
    step: ident(pos, name),
    result: parts.result,
    macro: { name: 'bind' },
  });
}

function bindMacro({ pos, target, args }: MacroCall & { target: Expr }): Expr | undefined {
  if (target.kind !== 'ident' || target.name !== 'cel') return undefined;
  const [name, init, result] = args as [Expr, Expr, Expr];
  if (name.kind !== 'ident') throw new MacroError(name.pos, 'cel.bind() variable names must be simple identifiers');
  return bind(pos, name.name, { init, result });
}

function optionalMap({ pos, fn, target, args }: MacroCall & { target: Expr }, wrap: boolean): Expr {
  const [name, body] = args as [Expr, Expr];
  if (name.kind !== 'ident') throw new MacroError(name.pos, `${fn}() variable name must be a simple identifier`);
  const value = memberCall(pos, 'value', copyExpr(target));
  const mapped = bind(pos, name.name, { init: value, result: body });
  return call(
    pos,
    '_?_:_',
    memberCall(pos, 'hasValue', target),
    wrap ? call(pos, 'optional.of', mapped) : mapped,
    call(pos, 'optional.none'),
  );
}

const sortInput = '@__sortBy_input__';

function sortBy(macro: MacroCall & { target: Expr }): Expr {
  const { pos, target, args } = macro;
  if (!['list', 'select', 'ident', 'comprehension', 'call'].includes(target.kind)) {
    const message = 'sortBy can only be applied to a list, identifier, comprehension, call or select expression';
    throw new MacroError(target.pos, message);
  }
  const keys = toList({ ...macro, target: ident(pos, sortInput) }, { variables: 1, filter: undefined, item: args[1]! });
  const sorted = memberCall(pos, '@sortByAssociatedKeys', ident(pos, sortInput), [keys]);
  return bind(pos, sortInput, { init: target, result: sorted });
}
