import {
  CelError,
  isCostExceeded,
  maxMessageExpressionBytes,
  runtimeCostBudget,
  workLimitApart,
} from '../cel/index.ts';
import type { FieldError } from '../kind.ts';
import type { Pace } from '../pace.ts';
import { createItemFinder } from './correlate.ts';
import { jsonEqual } from './equal.ts';
import { compileMembers, type Members } from './members.ts';
import { compileNodeRules, type RuleProgram, selfTypeOf } from './rule-programs.ts';
import { maxErrors, nowhere, quote } from './run.ts';
import { isObject, type Schema, valuesOf } from './schema.ts';

/** Runs the rules (x-kubernetes-validations) of a schema on an object; `old` is undefined for a create. Warnings are errors that are let be. */
export type Rules = (object: unknown, old: unknown, pace?: Pace) => { errors: FieldError[]; warnings: string[] };

/** Compiles all rules of a schema; undefined where it has none. `isResource`: its root has metadata. Source: pkg/apiserver/schema/cel/validation.go. */
export function compileRules(schema: Schema, isResource = true): Rules | undefined {
  const root = planNode(schema, isResource);
  if (!root) return undefined;
  return (object, old, pace) => {
    const run: RulesRun = { errors: [], warnings: [], budget: runtimeCostBudget, pace, count: 0 };
    visit(root, { value: object, old, path: '', isSame: old === undefined ? () => false : sameness(object, old) }, run);
    return run;
  };
}

interface RulesRun {
  readonly errors: FieldError[];
  readonly warnings: string[];
  /** What all rules of the object may still cost; below zero: nothing more is run. */
  budget: number;
  readonly pace: Pace | undefined;
  /** Of rules that were run. */
  count: number;
}

interface Node {
  readonly type: string;
  /** Compiled when a value first comes here: large definitions have a hundred of them. */
  rules(pace: Pace | undefined): readonly RuleProgram[];
  readonly items: Node | undefined;
  readonly values: Node | undefined;
  readonly members: Members<Node>;
  readonly isAtomic: boolean;
  readonly finder: ReturnType<typeof createItemFinder>;
}

/** Undefined where neither the node nor anything below it has rules. */
function planNode(schema: Schema, isResource: boolean): Node | undefined {
  const child = (part: Schema | undefined) => part && planNode(part, part['x-kubernetes-embedded-resource'] === true);
  const members = compileMembers(schema, child);
  const items = child(schema.items);
  const values = child(valuesOf(schema));
  const hasRules = (schema['x-kubernetes-validations'] ?? []).length > 0;
  if (!hasRules && !items && !values && members.isEmpty) return undefined;
  let compiled: readonly RuleProgram[] | undefined;
  const rules = (pace: Pace | undefined) => {
    if (!hasRules) return [];
    compiled ??= compileOwn(schema, isResource, pace);
    return compiled;
  };
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic';
  return { type: schema.type ?? '', rules, items, values, members, isAtomic, finder: createItemFinder(schema) };
}

function compileOwn(schema: Schema, isResource: boolean, pace: Pace | undefined): readonly RuleProgram[] {
  pace?.check();
  const self = selfTypeOf(schema, isResource);
  return self ? compileNodeRules(schema, self, pace) : [];
}

/** A value and what it was before. */
interface Place {
  readonly value: unknown;
  readonly old: unknown;
  readonly path: string;
  /** Whether the value, or the innermost part around it of which anybody can tell, is as it was. */
  isSame(): boolean;
}

function sameness(value: unknown, old: unknown): () => boolean {
  let known: boolean | undefined;
  return () => {
    known ??= jsonEqual(value, old);
    return known;
  };
}

function visit(node: Node, place: Place, run: RulesRun): void {
  const { value } = place;
  if (value === null || value === undefined) return;
  runRules(node, place, run);
  if (Array.isArray(value)) visitItems(node, { ...place, value }, run);
  else if (isObject(value)) visitMembers(node, { ...place, value }, run);
}

function inside(place: Place, part: { value: unknown; old: unknown; path: string }): Place {
  return { ...part, isSame: part.old === undefined ? place.isSame : sameness(part.value, part.old) };
}

function visitItems(node: Node, place: Place & { value: readonly unknown[] }, run: RulesRun): void {
  if (!node.items) return;
  const find = node.finder(place.old);
  for (let index = 0; index < place.value.length && run.budget >= 0; index++) {
    const value = place.value[index];
    visit(node.items, inside(place, { value, old: find?.(value), path: `${place.path}[${index}]` }), run);
  }
}

function visitMembers(node: Node, place: Place & { value: Record<string, unknown> }, run: RulesRun): void {
  const before = !node.isAtomic && isObject(place.old) ? place.old : undefined;
  for (const name in place.value) {
    if (run.budget < 0) return;
    const member = node.members.get(name);
    const part = member ?? node.values;
    if (!part) continue;
    const path = member ? joinPath(place.path, name) : `${place.path}[${name}]`;
    const old = before && Object.hasOwn(before, name) ? before[name] : undefined;
    visit(part, inside(place, { value: place.value[name], old, path }), run);
  }
}

function joinPath(path: string, name: string): string {
  return path ? `${path}.${name}` : name;
}

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** Most take some microseconds; those that take long ask for themselves. */
const checkedRules = 32;

function runRules(node: Node, place: Place, run: RulesRun): void {
  for (const rule of node.rules(run.pace)) {
    run.count++;
    if (run.count % checkedRules === 0) run.pace?.check();
    if (run.budget <= 0) {
      stop(run, invalidType(node, place.path, outOfBudget));
      return;
    }
    if (rule.error !== undefined) add(run, invalidType(node, place.path, `rule compile error: ${rule.error}`));
    else if (rule.program) runRule(node, { ...rule, program: rule.program }, { place, run });
    if (run.budget < 0) return;
  }
}

type Runnable = RuleProgram & { readonly program: NonNullable<RuleProgram['program']> };

interface At {
  readonly place: Place;
  readonly run: RulesRun;
}

function runRule(node: Node, rule: Runnable, { place, run }: At): void {
  // A transition needs both ends, but for rules that say they can do with one.
  if (rule.usesOldSelf && (place.old === undefined || place.old === null) && !rule.rule.optionalOldSelf) return;
  const variables = { self: place.value, oldSelf: place.old ?? undefined };
  let passed: boolean;
  try {
    const { value, cost } = rule.program.evaluate(variables, { pace: run.pace, workLimit: workLimitApart });
    if (!spend(run, cost, invalidType(node, place.path, outOfBudget))) return;
    passed = value === true;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    failRule(node, rule, { place, run, error });
    return;
  }
  if (!passed) report(node, rule, { place, run });
}

/** Takes a cost from the budget; false when there is not enough. */
function spend(run: RulesRun, cost: number, error: FieldError): boolean {
  if (cost > run.budget) {
    stop(run, error);
    return false;
  }
  run.budget -= cost;
  return true;
}

function stop(run: RulesRun, error: FieldError): void {
  add(run, error);
  run.budget = -1;
}

/** The rule did not come to a result. */
function failRule(node: Node, { rule }: Runnable, { place, run, error }: At & { error: CelError }): void {
  if (!spend(run, error.cost, invalidType(node, place.path, outOfBudget))) return;
  const text = describeRule(rule);
  if (isCostExceeded(error)) {
    const detail = `'${error.message}': no further validation rules will be run due to call cost exceeds limit for rule: ${text}`;
    stop(run, invalidType(node, place.path, detail));
  } else if (error.message.startsWith('no such overload')) {
    const detail = `'${error.message}': call arguments did not match a supported operator, function or macro signature for rule: ${text}`;
    add(run, invalidType(node, place.path, detail));
  } else add(run, invalidType(node, place.path, `${error.message} evaluating rule: ${text}`));
}

/** The rule said no. */
function report(node: Node, rule: Runnable, { place, run }: At): void {
  const path = rule.fieldPath ? joinPath(place.path, rule.fieldPath) : place.path;
  const addFailure = (error: FieldError) => {
    if (!rule.usesOldSelf && place.isSame()) run.warnings.push(`${error.field}: ${error.message}`);
    else add(run, error);
  };
  const said = messageOf(rule, { place, run });
  if (typeof said === 'object') {
    addFailure(invalidType(node, path, said.stopped));
    run.budget = -1;
    return;
  }
  const detail = said ?? (rule.rule.message ? rule.rule.message.trim() : `failed rule: ${describeRule(rule.rule)}`);
  addFailure(errorFor(rule.rule.reason, { value: shownValue(node, place.value), path, detail }));
}

/** What the messageExpression says; undefined when it says nothing that can be used. */
function messageOf(rule: Runnable, { place, run }: At): string | undefined | { stopped: string } {
  if (!rule.message) return undefined;
  const source = JSON.stringify(rule.rule.messageExpression);
  try {
    const { value, cost } = rule.message.evaluate(
      { self: place.value, oldSelf: place.old ?? undefined },
      { pace: run.pace, workLimit: workLimitApart },
    );
    if (cost > run.budget) return { stopped: messageOutOfBudget };
    run.budget -= cost;
    const text = typeof value === 'string' ? value.trim() : '';
    const isUsable = text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= maxMessageExpressionBytes;
    return isUsable ? text : undefined;
  } catch (error) {
    if (!(error instanceof CelError)) throw error;
    if (error.cost > run.budget) return { stopped: messageOutOfBudget };
    if (isCostExceeded(error)) {
      return {
        stopped: `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${source}`,
      };
    }
    run.budget -= error.cost;
    return undefined;
  }
}

const messageOutOfBudget =
  'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run';

function describeRule({ message, rule }: RuleProgram['rule']): string {
  return (message || rule).trim();
}

/** Scalars are shown; what may be large is not. */
function shownValue({ type }: Node, value: unknown): string {
  return type === 'object' || type === 'array' ? '' : `: ${quote(value)}`;
}

function errorFor(
  reason: string | undefined,
  { value, path, detail }: { value: string; path: string; detail: string },
): FieldError {
  const field = path || nowhere;
  switch (reason) {
    case 'FieldValueForbidden':
      return { reason, field, message: `Forbidden: ${detail}` };
    case 'FieldValueRequired':
      return { reason, field, message: `Required value: ${detail}` };
    case 'FieldValueDuplicate':
      return { reason, field, message: `Duplicate value${value}` };
    default:
      return { reason: 'FieldValueInvalid', field, message: `Invalid value${value}: ${detail}` };
  }
}

/** A rule that came to no result: the message names the type of what it was for. */
function invalidType(node: Node, path: string, detail: string): FieldError {
  const message = `Invalid value: ${JSON.stringify(node.type)}: ${detail}`;
  return { reason: 'FieldValueInvalid', field: path || nowhere, message };
}

function add(run: RulesRun, error: FieldError): void {
  if (run.errors.length < maxErrors) run.errors.push(error);
}
