import { CelCompileError } from '../../cel/errors.ts';
import { type CelProgram, compileCel } from '../../cel/program.ts';
import {
  boolType,
  type CelType,
  dynType,
  formatCelType,
  mapType,
  objectType,
  quantityType,
  stringType,
} from '../../cel/types.ts';
import type { FieldError } from '../../kind.ts';
import type { DeviceSelector } from '../../types.ts';
import { forbidden, invalid, required, tooLong, tooMany } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { maxAttributesAndCapacities, maxExpression, maxListItems, maxSelectorCost } from './device-limits.ts';

/** By domain, then by name. */
const byName = (type: CelType): CelType =>
  mapType(stringType, mapType(stringType, type, maxAttributesAndCapacities), maxAttributesAndCapacities);

/** What a selector may name. Source: k8s.io/dynamic-resource-allocation/cel compile.go. */
const device = objectType(
  'kubernetes.DRADevice',
  new Map([
    ['driver', { type: stringType, optional: false }],
    ['attributes', { type: byName(dynType), optional: false }],
    ['capacity', { type: byName(quantityType), optional: false }],
    ['allowMultipleAllocations', { type: boolType, optional: false }],
  ]),
);

export interface SelectorRule {
  readonly selectors: readonly DeviceSelector[] | undefined;
  /** They are as they were stored: their expressions are not judged again. */
  readonly stored?: boolean;
}

/** Selectors of devices: CEL expressions that compile, yield a bool, and do not cost too much. */
export function checkDeviceSelectors(errors: FieldError[], path: string, { selectors = [], stored }: SelectorRule) {
  if (selectors.length > maxListItems) return void errors.push(tooMany(path, selectors.length, maxListItems));
  eachAt(path, selectors, (at, { cel }) => {
    if (!cel) errors.push(required(`${at}.cel`));
    else if (!stored) checkExpression(errors, `${at}.cel.expression`, cel.expression);
  });
}

function checkExpression(errors: FieldError[], path: string, expression: string): void {
  if (expression.length > maxExpression) return void errors.push(tooLong(path, maxExpression));
  let program: CelProgram;
  try {
    program = compileCel(expression, { variables: { device } });
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    const stage = error.stage === 'program' ? 'program instantiation failed' : 'compilation failed';
    return void errors.push(invalid(path, expression, `${stage}: ${error.message}`));
  }
  const { kind } = program.resultType;
  if (kind !== 'bool' && kind !== 'dyn') {
    const type = formatCelType(program.resultType);
    errors.push(invalid(path, expression, `must evaluate to bool or the unknown type, not ${type}`));
  } else if (program.estimateCost().max > maxSelectorCost) {
    errors.push(forbidden(path, 'too complex, exceeds cost limit'));
  }
}
