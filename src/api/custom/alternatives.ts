import type { Check, Run } from './run.ts';
import { addError, createRun, maxErrors, nowhere, pathOf } from './run.ts';
import type { Schema } from './schema.ts';

/** `allOf`, `anyOf`, `oneOf`, `not`. Parts of objects below them are judged without ratcheting, as upstream does. */
export function checkAlternatives(schema: Schema, compile: (schema: Schema) => Check): Check | undefined {
  const parts = [
    schema.anyOf?.length && !isIntOrString(schema) ? checkAnyOf(schema.anyOf.map(compile)) : undefined,
    schema.oneOf?.length ? checkOneOf(schema.oneOf.map(compile)) : undefined,
    schema.allOf?.length ? checkAllOf(schema.allOf.map(compile)) : undefined,
    schema.not ? checkNot(compile(schema.not)) : undefined,
  ].filter(part => part !== undefined);
  if (parts.length === 0) return undefined;
  return (value, old, run) => {
    for (const part of parts) part(value, old, run);
  };
}

/** The alternatives that x-kubernetes-int-or-string stands for are checked by it, with a better text. */
function isIntOrString(schema: Schema): boolean {
  if (!schema['x-kubernetes-int-or-string'] || schema.anyOf?.length !== 2) return false;
  return schema.anyOf.every(
    part => Object.keys(part).length === 1 && (part.type === 'integer' || part.type === 'string'),
  );
}

/** One alternative by itself: what it found, and how far it came. */
function attempt(check: Check, value: unknown, run: Run): Run {
  const inner: Run = { ...createRun(run.pace), steps: run.steps };
  check(value, undefined, inner);
  return inner;
}

function complain(run: Run, text: string): void {
  if (run.errors.length >= maxErrors) return;
  const message = `Invalid value: "": ${JSON.stringify(pathOf(run))} must ${text}`;
  addError(run, { reason: 'FieldValueInvalid', field: nowhere, message });
}

function merge(run: Run, inner: Run | undefined): void {
  if (!inner) return;
  run.matches += inner.matches;
  for (const error of inner.errors) addError(run, error);
}

function better(best: Run | undefined, found: Run): Run {
  return !best || found.matches > best.matches ? found : best;
}

function checkAnyOf(checks: readonly Check[]): Check {
  return (value, _old, run) => {
    let best: Run | undefined;
    for (const check of checks) {
      const found = attempt(check, value, run);
      if (found.errors.length === 0) {
        run.matches += found.matches;
        return;
      }
      best = better(best, found);
    }
    complain(run, 'validate at least one schema (anyOf)');
    merge(run, best);
  };
}

function checkOneOf(checks: readonly Check[]): Check {
  return (value, _old, run) => {
    let best: Run | undefined;
    let valid = 0;
    for (const check of checks) {
      const found = attempt(check, value, run);
      if (found.errors.length === 0) {
        valid++;
        if (valid === 1) run.matches += found.matches;
      } else best = better(best, found);
    }
    if (valid === 1) return;
    const why = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`;
    complain(run, `validate one and only one schema (oneOf). ${why}`);
    if (valid === 0) merge(run, best);
  };
}

function checkAllOf(checks: readonly Check[]): Check {
  return (value, _old, run) => {
    let valid = 0;
    for (const check of checks) {
      const found = attempt(check, value, run);
      if (found.errors.length === 0) valid++;
      merge(run, found);
    }
    if (valid === checks.length) return;
    complain(run, `validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`);
  };
}

function checkNot(check: Check): Check {
  return (value, _old, run) => {
    if (attempt(check, value, run).errors.length === 0) complain(run, 'not validate the schema (not)');
  };
}
