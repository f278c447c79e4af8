import {
  type CelProgram,
  type CelType,
  maxRequestBytes,
  staticEstimatedCostLimit,
  staticEstimatedCrdCostLimit,
} from '../../cel/index.ts';
import { compileNodeRules, type RuleProgram, selfTypeOf } from '../../custom/rule-programs.ts';
import type { Schema } from '../../custom/schema.ts';
import type { FieldError } from '../../kind.ts';
import type { Pace } from '../../pace.ts';
import { forbidden, invalid } from '../field-error.ts';

/** What the rules of one schema cost at worst, all together. */
export interface TotalCost {
  sum: number;
  /** The dearest, with at least one percent of the limit. */
  readonly most: { path: string; cost: number }[];
}

/** How often a node can occur in an object. */
export interface CostScope {
  /** Infinity: nothing but the size of a request bounds it. */
  readonly times: number;
  /** The root of a resource, or an embedded one: it has metadata. */
  readonly isResource: boolean;
  readonly total: TotalCost;
  /** Rules that were accepted once are not judged by a newer estimate. */
  readonly isUnchanged: boolean;
}

export function rootScope(options: { isUnchanged: boolean }): CostScope {
  return { times: 1, isResource: true, total: { sum: 0, most: [] }, ...options };
}

function below(scope: CostScope, times: number, part: Schema): CostScope {
  return { ...scope, times: scope.times * times, isResource: part['x-kubernetes-embedded-resource'] === true };
}

export function inMember(scope: CostScope, _schema: Schema, part: Schema): CostScope {
  return below(scope, 1, part);
}

export function inValues(scope: CostScope, schema: Schema, part: Schema): CostScope {
  return below(scope, bound(schema.maxProperties), part);
}

export function inItems(scope: CostScope, schema: Schema, part: Schema): CostScope {
  return below(scope, bound(schema.maxItems), part);
}

function bound(limit: number | undefined): number {
  return limit === undefined || limit === null ? Number.POSITIVE_INFINITY : Math.max(0, limit);
}

interface Scope {
  readonly path: string;
  readonly uncorrelated: string | undefined;
  readonly cost: CostScope;
  readonly pace: Pace | undefined;
}

/** Compiles the rules of a node and judges their cost. */
export function checkRulePrograms(errors: FieldError[], scope: Scope, schema: Schema): void {
  const self = selfTypeOf(schema, scope.cost.isResource);
  if (!self) {
    const text =
      'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations';
    errors.push({
      reason: 'InternalError',
      field: `${scope.path}.x-kubernetes-validations`,
      message: `Internal error: ${text}`,
    });
    return;
  }
  compileNodeRules(schema, self, scope.pace).forEach((program, index) => {
    checkProgram(errors, { ...scope, path: `${scope.path}.x-kubernetes-validations[${index}]` }, { program, self });
  });
}

function checkProgram(
  errors: FieldError[],
  scope: Scope,
  { program, self }: { program: RuleProgram; self: CelType },
): void {
  const { path, cost } = scope;
  const { rule } = program;
  if (program.program) {
    const sum = costOf(program.program, { times: cost.times, self });
    charge(errors, `${path}.rule`, { sum, scope: cost, what: 'estimated rule cost' });
  }
  if (program.error !== undefined) errors.push(invalid(`${path}.rule`, rule, program.error));
  if (program.messageError !== undefined) {
    errors.push(invalid(`${path}.messageExpression`, rule, program.messageError));
  } else if (program.message) {
    const sum = program.message.estimateCost().max;
    charge(errors, `${path}.messageExpression`, { sum, scope: cost, what: 'estimated messageExpression cost' });
  }
  if (program.usesOldSelf && scope.uncorrelated !== undefined) {
    const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${scope.uncorrelated}`;
    errors.push(invalid(`${path}.rule`, rule.rule, detail));
  } else if (!program.usesOldSelf && rule.optionalOldSelf !== undefined && rule.optionalOldSelf !== null) {
    const detail = 'may not be set if oldSelf is not used in rule';
    errors.push(invalid(`${path}.optionalOldSelf`, rule.optionalOldSelf, detail));
  }
}

/** The worst case of one run, as often as the node can occur. */
function costOf(program: CelProgram, { times, self }: { times: number; self: CelType }): number {
  const { max } = program.estimateCost();
  if (max === 0) return 0;
  // Something must stand between two of them.
  const fitting = Math.floor(maxRequestBytes / ((self.minSerializedSize ?? 0) + 1));
  return max * (Number.isFinite(times) ? times : fitting);
}

const mostShown = 4;

function charge(
  errors: FieldError[],
  path: string,
  { sum, scope, what }: { sum: number; scope: CostScope; what: string },
): void {
  const { total, isUnchanged } = scope;
  if (!isUnchanged && sum > staticEstimatedCostLimit) {
    errors.push(forbidden(path, describeCost(what, sum, staticEstimatedCostLimit)));
  }
  total.sum += sum;
  if (sum < staticEstimatedCrdCostLimit / 100) return;
  total.most.push({ path, cost: sum });
  total.most.sort((a, b) => b.cost - a.cost);
  total.most.length = Math.min(total.most.length, mostShown);
}

/** What is said of the whole schema when its rules are too dear. */
export function checkTotalCost(errors: FieldError[], path: string, total: TotalCost): void {
  if (total.sum <= staticEstimatedCrdCostLimit) return;
  const part = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema';
  for (const { path: at } of total.most) errors.push(forbidden(at, part));
  const what = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema';
  errors.push(forbidden(path, describeCost(what, total.sum, staticEstimatedCrdCostLimit)));
}

function describeCost(what: string, cost: number, limit: number): string {
  const times = cost / limit;
  const factor = times > 100 ? 'more than 100x' : `${times.toFixed(times < 1.5 ? 6 : 1)}x`;
  return `${what} exceeds budget by factor of ${factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
