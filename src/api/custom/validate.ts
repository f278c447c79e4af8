import { compileRe2, type Re2, worstCompileMs, worstSearchMs } from '../regex.ts';
import { checkAlternatives } from './alternatives.ts';
import { createItemFinder } from './correlate.ts';
import { jsonEqual } from './equal.ts';
import { formatTest, isKnownFormat } from './formats.ts';
import { compileMembers, type Members } from './members.ts';
import { addError, type Check, countCheck, fail, formatNumber, nowhere, pathOf, type Run } from './run.ts';
import { isObject, type Schema, valuesOf } from './schema.ts';

/** Turns a schema into functions; done once per version of a definition. The texts are those of kube-openapi's validator. */
export function compileCheck(schema: Schema): Check {
  const parts = [
    checkType(schema),
    checkEnum(schema),
    checkString(schema),
    checkNumber(schema),
    checkAlternatives(schema, compileCheck),
    checkList(schema),
    checkObject(schema),
  ].filter(part => part !== undefined);
  return ratcheted(parts);
}

/** What was wrong before and has not changed is let be: errors of a part are dropped when it is as it was. */
function ratcheted(parts: readonly Check[]): Check {
  return (value, old, run) => {
    const before = run.errors.length;
    countCheck(run);
    for (const part of parts) part(value, old, run);
    if (run.errors.length > before && old !== undefined && jsonEqual(value, old)) run.errors.length = before;
  };
}

/** `integer` for whole numbers, `number` for others: what the validator calls the types of JSON. */
function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

const ranges: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 };

function checkType(schema: Schema): Check | undefined {
  const { nullable } = schema;
  if (schema['x-kubernetes-int-or-string']) {
    return (value, _old, run) => {
      const type = typeOf(value);
      const isFine = type === 'integer' || type === 'string' || (type === 'null' && nullable);
      if (!isFine) fail(run, 'FieldValueTypeInvalid', type, `must be of type integer,string: "${type}"`);
    };
  }
  const { type: wanted, format = '' } = schema;
  if (!wanted) return undefined;
  const limit = wanted === 'integer' ? (ranges[format] ?? ranges['int64']!) : Number.POSITIVE_INFINITY;
  return (value, _old, run) => {
    const type = typeOf(value);
    if (type === wanted || (type === 'integer' && wanted === 'number') || (type === 'null' && nullable)) {
      if (type === 'integer' && !((value as number) >= -limit && (value as number) < limit)) {
        const how = format ? `with format ${format}` : '(default format)';
        const message = `Invalid value: "": Checked value must be of type integer ${how}`;
        addError(run, { reason: 'FieldValueInvalid', field: nowhere, message });
      }
      return;
    }
    fail(run, 'FieldValueTypeInvalid', type, `must be of type ${wanted}: "${type}"`);
  };
}

function checkEnum({ enum: allowed, nullable }: Schema): Check | undefined {
  if (!allowed || allowed.length === 0) return undefined;
  const scalars = new Set(allowed.filter(value => typeof value !== 'object' || value === null));
  const others = allowed.filter(value => typeof value === 'object' && value !== null);
  const names = allowed
    .map(value => JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value)))
    .join(', ');
  return (value, _old, run) => {
    if (scalars.has(value) || others.some(other => jsonEqual(value, other))) return;
    // Kubernetes lets null pass where it is allowed, also when the enum does not list it.
    if (value === null && nullable) return;
    const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${names}`;
    addError(run, { reason: 'FieldValueNotSupported', field: pathOf(run) || nowhere, message });
  };
}

function checkString(schema: Schema): Check | undefined {
  const { maxLength, minLength, pattern, format } = schema;
  // Compiled when a text first comes here: large definitions have hundreds of patterns.
  let regex: Re2 | undefined;
  const hasFormat = format !== undefined && isKnownFormat(format, schema.type);
  const test = hasFormat && schema.type !== 'integer' && schema.type !== 'number' ? formatTest(format) : undefined;
  if (maxLength === undefined && minLength === undefined && !pattern && !test) return undefined;
  return (value, _old, run) => {
    if (typeof value !== 'string') return;
    run.matches++;
    const length = maxLength === undefined && minLength === undefined ? 0 : codePoints(value);
    if (maxLength !== undefined && length > maxLength) {
      const message = `Too long: may not be more than ${maxLength} bytes`;
      addError(run, { reason: 'FieldValueTooLong', field: pathOf(run) || nowhere, message });
    } else if (minLength !== undefined && length < minLength) {
      fail(run, 'FieldValueInvalid', value, `should be at least ${minLength} chars long`);
    } else if (pattern) {
      if (!regex) {
        run.pace?.check(worstCompileMs(pattern));
        regex = compileRe2(pattern);
      }
      checkPattern(value, { regex, pattern, run });
    }
    if (test && !test(value)) {
      fail(run, 'FieldValueTypeInvalid', value, `must be of type ${format}: ${JSON.stringify(value)}`);
    }
  };
}

/**
 * Characters times instructions: nearly all patterns take far less than a step for each, but a few with long counted repetitions take them all, and
 * nothing else happens meanwhile.
 */
const maxPatternWork = 50_000_000;

function checkPattern(text: string, { regex, pattern, run }: { regex: Re2; pattern: string; run: Run }): void {
  run.pace?.check(worstSearchMs(regex, text));
  if (text.length * regex.size > maxPatternWork) {
    const most = Math.floor(maxPatternWork / regex.size);
    fail(run, 'FieldValueInvalid', text, `should match '${pattern}', which can be told for at most ${most} characters`);
  } else if (!regex.test(text)) fail(run, 'FieldValueInvalid', text, `should match '${pattern}'`);
}

/** Length as Go counts it; most texts are short, and length in UTF-16 is right for nearly all. */
function codePoints(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xd800) count--;
  return count;
}

function checkNumber(schema: Schema): Check | undefined {
  const { maximum, exclusiveMaximum, minimum, exclusiveMinimum, multipleOf } = schema;
  if (maximum === undefined && minimum === undefined && multipleOf === undefined) return undefined;
  return (value, _old, run) => {
    if (typeof value !== 'number') return;
    run.matches++;
    if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
      fail(run, 'FieldValueInvalid', value, `should be a multiple of ${formatNumber(multipleOf)}`);
    }
    if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
      const words = exclusiveMaximum ? 'less than' : 'less than or equal to';
      fail(run, 'FieldValueInvalid', value, `should be ${words} ${formatNumber(maximum)}`);
    }
    if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
      const words = exclusiveMinimum ? 'greater than' : 'greater than or equal to';
      fail(run, 'FieldValueInvalid', value, `should be ${words} ${formatNumber(minimum)}`);
    }
  };
}

function isMultiple(value: number, factor: number): boolean {
  if (factor <= 0) return false;
  return Number.isInteger(factor < 1 ? (1 / factor) * value : value / factor);
}

function checkList(schema: Schema): Check | undefined {
  const { items, maxItems, minItems, uniqueItems } = schema;
  const check = items ? compileCheck(items) : undefined;
  const finder = createItemFinder(schema);
  if (!check && maxItems === undefined && minItems === undefined && !uniqueItems) return undefined;
  return (value, old, run) => {
    if (!Array.isArray(value)) return;
    run.matches++;
    const { length } = value;
    if (check) {
      const find = finder(old);
      for (let index = 0; index < length; index++) {
        run.steps.push(index);
        check(value[index], find?.(value[index]), run);
        run.steps.pop();
      }
    }
    if (minItems !== undefined && length < minItems) {
      fail(run, 'FieldValueInvalid', length, `should have at least ${minItems} items`);
    }
    if (maxItems !== undefined && length > maxItems) addTooMany(run, length, maxItems);
  };
}

function addTooMany(run: Run, count: number, max: number): void {
  const message = `Too many: ${count}: must have at most ${max} ${max === 1 ? 'item' : 'items'}`;
  addError(run, { reason: 'FieldValueTooMany', field: pathOf(run) || nowhere, message });
}

interface ObjectPlan {
  readonly members: Members<Check>;
  readonly values: Check | undefined;
  readonly required: readonly string[];
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly isAtomic: boolean;
}

function checkObject(schema: Schema): Check | undefined {
  const members = compileMembers(schema, compileCheck);
  const valueSchema = valuesOf(schema);
  const plan: ObjectPlan = {
    members,
    values: valueSchema && compileCheck(valueSchema),
    required: schema.required ?? [],
    min: schema.minProperties,
    max: schema.maxProperties,
    isAtomic: schema['x-kubernetes-map-type'] === 'atomic',
  };
  const isEmpty = members.isEmpty && !plan.values && plan.required.length === 0;
  if (isEmpty && plan.min === undefined && plan.max === undefined) return undefined;
  return (value, old, run) => {
    if (!isObject(value)) return;
    run.matches++;
    checkCount(value, plan, run);
    checkMembers(value, { plan, old: plan.isAtomic || !isObject(old) ? undefined : old, run });
    for (const name of plan.required) {
      if (Object.hasOwn(value, name)) continue;
      run.steps.push(name);
      addError(run, { reason: 'FieldValueRequired', field: pathOf(run), message: 'Required value' });
      run.steps.pop();
    }
  };
}

function checkCount(value: Record<string, unknown>, { min, max }: ObjectPlan, run: Run): void {
  if (min === undefined && max === undefined) return;
  const count = Object.keys(value).length;
  if (min !== undefined && count < min) fail(run, 'FieldValueInvalid', count, `should have at least ${min} properties`);
  if (max !== undefined && count > max) addTooMany(run, count, max);
}

/** Nobody can change these two, so that they are never let be. */
const typeFields: ReadonlySet<string> = new Set(['apiVersion', 'kind']);

function checkMembers(
  value: Record<string, unknown>,
  { plan, old, run }: { plan: ObjectPlan; old: Record<string, unknown> | undefined; run: Run },
): void {
  for (const name in value) {
    const check = plan.members.get(name) ?? plan.values;
    if (!check) continue;
    const isType = run.steps.length === 0 && typeFields.has(name);
    const before = old && !isType && Object.hasOwn(old, name) ? old[name] : undefined;
    run.steps.push(name);
    check(value[name], before, run);
    run.steps.pop();
  }
}
