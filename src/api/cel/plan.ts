import type { Comprehension, Expr, ExprKind } from './ast.ts';
import { isEqual, scalarKey } from './equality.ts';
import { fault } from './errors.ts';
import { charge, dispatchCall, type Fn, type Frame } from './frame.ts';
import { overloadsOf } from './library.ts';
import { memberOf, presenceOf, qualify } from './members.ts';
import { type FoldParts, planFold } from './plan-fold.ts';
import {
  checkNestedTypes,
  localVariable,
  logical,
  mapKeyOf,
  optionalList,
  optionalOr,
  putEntry,
} from './plan-parts.ts';
import { callCost, listCost, mapCost, structCost } from './runtime-cost.ts';
import type { CallContext, Run } from './signature.ts';
import type { CelType } from './types.ts';
import { ArrayList, CelStruct, isList, itemsOf, optionalNone, ValueMap } from './values.ts';

/** How a node is evaluated. */
export interface Plan {
  readonly run: Fn;
  /**
   * For identifiers, selections and the conditional: the same without the unit that the whole chain costs. A chain is charged once, at its
   * end, and not at all as a branch of a conditional: so cel-go's attributes count.
   */
  readonly chain?: Fn;
  /** What the end of the chain is charged: 1, after a conditional 0. */
  readonly chainCost?: 0 | 1;
  /** Known before evaluation; costs nothing. */
  readonly constant?: { readonly value: unknown };
}

/** What planning needs to know of the program. */
export interface PlanContext {
  /** Index of a variable in the frame. */
  variable(name: string): number;
  readonly calls: CallContext;
  /**
   * False leaves literals of constants and constant conversions to be evaluated, and charged: upstream's cost tables are of such plans,
   * its servers run folded ones.
   */
  readonly foldConstants?: boolean;
  /** The type of a message by its name. */
  typeNamed(name: string): CelType | undefined;
}

const constantPlan = (value: unknown): Plan => ({ run: () => value, constant: { value } });

function chainPlan(chain: Fn, chainCost: 0 | 1): Plan {
  if (chainCost === 0) return { run: chain, chain, chainCost };
  const run: Fn = frame => {
    const value = chain(frame);
    charge(frame, 1);
    return value;
  };
  return { run, chain, chainCost };
}

/** For what needs no data. */
const constantFrame: Frame = {
  cost: 0,
  limit: Number.POSITIVE_INFINITY,
  costLimit: Number.POSITIVE_INFINITY,
  pace: undefined,
  slots: [],
  variable: () => fault('no variable is constant'),
};

const conversions: ReadonlySet<string> = new Set(
  'bool bytes double duration dyn int string timestamp type uint'.split(' '),
);

type Node<K extends ExprKind['kind']> = Expr & { kind: K };

/** Turns a checked expression into closures. Constant conversions that fail throw `Fault`. */
export function planExpr(expr: Expr, context: PlanContext): { run: Fn; slots: number } {
  const planner = new Planner(context);
  const { run } = planner.plan(expr);
  return { run, slots: planner.slots };
}

class Planner {
  readonly #context: PlanContext;
  readonly #scope = new Map<string, { slot: number; init: Fn | undefined }>();
  /** Slots for iteration variables that a frame needs. */
  slots = 0;

  readonly #fold: boolean;

  constructor(context: PlanContext) {
    this.#context = context;
    this.#fold = context.foldConstants ?? true;
  }

  plan(expr: Expr): Plan {
    switch (expr.kind) {
      case 'literal':
        return constantPlan(expr.value);
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

  #ident(expr: Node<'ident'>): Plan {
    const local = this.#scope.get(expr.name);
    if (local !== undefined) return chainPlan(localVariable(local.slot, local.init), 1);
    if (expr.constant !== undefined) return constantPlan(expr.constant);
    const { name } = expr;
    const index = this.#context.variable(name);
    return chainPlan(frame => frame.variable(index), 1);
  }

  #select({ operand, field, testOnly }: Node<'select'>): Plan {
    const base = this.plan(operand);
    const from = base.chain ?? base.run;
    if (testOnly) return { run: frame => presenceOf(frame, from(frame), field) };
    return chainPlan(frame => memberOf(frame, from(frame), field), base.chainCost ?? 1);
  }

  /** `x[i]`, `x[?i]`, `x.?f`. */
  #index(expr: Node<'call'>, optional: boolean): Plan {
    const base = this.plan(expr.args[0]!);
    const index = this.plan(expr.args[1]!);
    const from = base.chain ?? base.run;
    const key = index.chain ?? index.run;
    const cost = index.chain === undefined ? 1 : (index.chainCost ?? 1);
    const chain: Fn = frame => {
      const value = from(frame);
      return value === optionalNone ? value : qualify(frame, value, { key: key(frame), optional, cost });
    };
    return chainPlan(chain, base.chainCost ?? 1);
  }

  #call(expr: Node<'call'>): Plan {
    switch (expr.fn) {
      case '_&&_':
        return { run: logical(this.#runs(expr.args), false) };
      case '_||_':
        return { run: logical(this.#runs(expr.args), true) };
      case '_?_:_':
        return this.#conditional(expr);
      case '_[_]':
        return this.#index(expr, false);
      case '_[?_]':
      case '_?._':
        return this.#index(expr, true);
      case '_==_':
        return this.#equality(expr, true);
      case '_!=_':
        return this.#equality(expr, false);
      case 'or':
      case 'orValue':
        return { run: optionalOr(this.#runs([expr.target!, ...expr.args]), expr.fn === 'orValue') };
      case '@in':
        return this.#membership(expr) ?? this.#function(expr);
      default:
        return this.#function(expr);
    }
  }

  #runs(exprs: readonly Expr[]): [Fn, Fn] {
    return exprs.map(expr => this.plan(expr).run) as [Fn, Fn];
  }

  #conditional({ args }: Node<'call'>): Plan {
    const [condition, yes, no] = args.map(arg => this.plan(arg)) as [Plan, Plan, Plan];
    const test = condition.run;
    const whenTrue = yes.chain ?? yes.run;
    const whenFalse = no.chain ?? no.run;
    const run: Fn = frame => {
      const value = test(frame);
      if (value === true) return whenTrue(frame);
      return value === false ? whenFalse(frame) : fault('no such overload');
    };
    return chainPlan(run, 0);
  }

  #equality(expr: Node<'call'>, wanted: boolean): Plan {
    const [left, right] = this.#runs(expr.args);
    const work = this.#context.calls.work;
    const cost = callCost(expr.fn, wanted ? 'equals' : 'not_equals') as (...all: unknown[]) => number;
    return {
      run: frame => {
        const a = left(frame);
        const b = right(frame);
        const quick = typeof a !== 'object' && typeof a !== 'string';
        charge(frame, quick ? 1 : cost(a, b));
        return isEqual(a, b, work) === wanted;
      },
    };
  }

  /** `x in [constants]` is a look-up and costs nothing beyond `x`. */
  #membership(expr: Node<'call'>): Plan | undefined {
    const list = this.plan(expr.args[1]!);
    if (!this.#fold || list.constant === undefined || !isList(list.constant.value)) return undefined;
    const items = [...itemsOf(list.constant.value)];
    if (items.length === 0) return constantPlan(false);
    const keys = new Set(items.map(scalarKey));
    if (keys.has(undefined)) return undefined;
    const { run } = this.plan(expr.args[0]!);
    return {
      run: frame => {
        const key = scalarKey(run(frame));
        return key !== undefined && keys.has(key);
      },
    };
  }

  #function(expr: Node<'call'>): Plan {
    const exprs = expr.target === undefined ? expr.args : [expr.target, ...expr.args];
    const args = exprs.map(arg => this.plan(arg));
    const ids = expr.overloads ?? [];
    const overloads = (overloadsOf(expr.fn) ?? []).filter(({ id }) => ids.includes(id));
    const bound = overloads.map(overload => ({ ...overload, run: this.#bind(overload.run) }));
    const run = dispatchCall({
      fn: expr.fn,
      overloads: bound,
      args: args.map(arg => arg.run),
      types: exprs.map(arg => arg.type!),
      cost: callCost(expr.fn, ids.length === 1 ? ids[0]! : ''),
    });
    const only = args.length === 1 ? args[0]!.constant : undefined;
    if (this.#fold && only !== undefined && conversions.has(expr.fn)) return constantPlan(run(constantFrame));
    return { run };
  }

  #bind(run: Run | { bind: (context: CallContext) => Run }): Run {
    return typeof run === 'function' ? run : run.bind(this.#context.calls);
  }

  #list(expr: Node<'list'>): Plan {
    const plans = expr.items.map(item => this.plan(item));
    const runs = plans.map(plan => plan.run);
    if (expr.optionals.size > 0) return { run: optionalList(runs, expr.optionals) };
    if (this.#fold && plans.every(plan => plan.constant !== undefined)) {
      return constantPlan(new ArrayList(plans.map(plan => plan.constant!.value)));
    }
    return {
      run: frame => {
        const items: unknown[] = [];
        for (const run of runs) items.push(run(frame));
        charge(frame, listCost);
        return new ArrayList(items);
      },
    };
  }

  #map(expr: Node<'map'>): Plan {
    const entries = expr.entries.map(({ key, value, optional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      optional,
    }));
    const fill = (frame: Frame | undefined): ValueMap => {
      const map = new ValueMap();
      for (const { key, value, optional } of entries) {
        const name = mapKeyOf(key.constant === undefined ? key.run(frame!) : key.constant.value);
        const made = value.constant === undefined ? value.run(frame!) : value.constant.value;
        putEntry({ name, made, optional, put: filled => map.set(name, filled), drop: () => map.delete(name) });
      }
      return map;
    };
    const constant = entries.every(({ key, value, optional }) => !optional && key.constant && value.constant);
    if (this.#fold && constant) return constantPlan(fill(undefined));
    return {
      run: frame => {
        const map = fill(frame);
        charge(frame, mapCost);
        return map;
      },
    };
  }

  #struct(expr: Node<'struct'>): Plan {
    const type = this.#context.typeNamed(expr.name)!;
    const entries = expr.entries.map(({ field, value, optional }) => ({ field, run: this.plan(value).run, optional }));
    return {
      run: frame => {
        const fields = new Map<string, unknown>();
        for (const { field, run, optional } of entries) {
          const made = run(frame);
          putEntry({
            name: field,
            made,
            optional,
            put: filled => fields.set(field, filled),
            drop: () => fields.delete(field),
          });
        }
        charge(frame, structCost);
        checkNestedTypes(type, fields);
        return new CelStruct(type, fields);
      },
    };
  }

  /** Plans with names bound to new slots. */
  #within<T>(names: readonly { name: string; slot: number; init?: Fn }[], plan: () => T): T {
    const outer = names.map(({ name }) => [name, this.#scope.get(name)] as const);
    for (const { name, slot, init } of names) this.#scope.set(name, { slot, init });
    const result = plan();
    for (const [name, before] of outer) {
      if (before === undefined) this.#scope.delete(name);
      else this.#scope.set(name, before);
    }
    return result;
  }

  #comprehension(expr: Expr & Comprehension): Plan {
    if (expr.macro.name === 'bind') return this.#bindVariable(expr);
    const range = this.plan(expr.range).run;
    const slot = this.slots;
    this.slots += 2;
    const names = [{ name: expr.iterVar, slot }];
    if (expr.iterVar2 !== '') names.push({ name: expr.iterVar2, slot: slot + 1 });
    const parts: FoldParts = this.#within(names, () => {
      const { macro } = expr;
      if ('predicate' in macro) {
        return { name: macro.name, item: this.plan(macro.predicate), filter: undefined };
      }
      if (macro.name === 'bind') throw new Error('a binding is no fold');
      const filter = macro.filter === undefined ? undefined : this.plan(macro.filter).run;
      return { name: macro.name, filter, item: this.plan(macro.item) };
    });
    return { run: planFold(parts, { range, slot, two: expr.iterVar2 !== '', fold: this.#fold }) };
  }

  #bindVariable(expr: Expr & Comprehension): Plan {
    const init = this.plan(expr.init).run;
    const slot = this.slots++;
    const fold = this.#fold;
    const { run } = this.#within([{ name: expr.accuVar, slot, init }], () => this.plan(expr.result));
    return {
      run: frame => {
        const before = frame.slots[slot];
        frame.slots[slot] = undefined;
        if (!fold) charge(frame, listCost);
        const value = run(frame);
        frame.slots[slot] = before;
        return value;
      },
    };
  }
}
