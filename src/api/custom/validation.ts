import type { FieldError } from '../kind.ts';
import type { Pace } from '../pace.ts';
import type { TypeNode } from '../scheme.ts';
import { compileEmbeddedCheck } from './embedded.ts';
import { type CheckLists, compileListCheck } from './list-types.ts';
import { compileRules } from './rules.ts';
import { createRun, nowhere } from './run.ts';
import { type ScalePaths, validateScale } from './scale.ts';
import { propertyOf, type Schema } from './schema.ts';
import { compileCheck } from './validate.ts';

/** Judges custom resources of one version: what an API server says to a write of them, metadata apart. */
export interface Validation {
  /** `old`: absent for a create. Warnings are errors that are let be because the part has not changed. */
  validate(object: unknown, old: unknown, pace?: Pace): Outcome;
  /** A write of the status subresource. */
  validateStatus(object: unknown, old: unknown, pace?: Pace): Outcome;
}

export interface Outcome {
  readonly errors: FieldError[];
  readonly warnings: string[];
}

export interface ValidationOptions {
  readonly schema: Schema;
  readonly metadataType: TypeNode;
  readonly scale: ScalePaths | undefined;
}

/** Compiles a schema into a Validation. Source: registry/customresource/{strategy,status_strategy,validator}.go. */
export function createValidation({ schema, metadataType, scale }: ValidationOptions): Validation {
  const check = compileCheck(schema);
  const statusSchema = propertyOf(schema, 'status');
  const checkStatus = statusSchema && compileCheck(statusSchema);
  const lists = compileListCheck(schema);
  const embedded = compileEmbeddedCheck(schema, metadataType);
  const rules = compileRules(schema);
  const finish = (run: ReturnType<typeof createRun>, object: unknown, old: unknown): Outcome => {
    embedded?.(object, run);
    const duplicates = lists ? duplicatesIn(lists, object) : [];
    // A list that had duplicates may keep them, and with it all others: upstream looks no closer.
    if (lists && duplicates.length > 0 && (old === undefined || duplicatesIn(lists, old).length === 0)) {
      run.errors.push(...duplicates);
    }
    if (!rules) return { errors: run.errors, warnings: [] };
    if (run.errors.some(error => blocking.has(error.reason))) {
      run.errors.push(notChecked);
      return { errors: run.errors, warnings: [] };
    }
    run.pace?.check();
    const { errors, warnings } = rules(object, old, run.pace);
    run.errors.push(...errors);
    return { errors: run.errors, warnings };
  };
  return {
    validate(object, old, pace) {
      const run = createRun(pace);
      check(object, old, run);
      if (scale) run.errors.push(...validateScale(object, scale, { spec: true, status: true }));
      return finish(run, object, old);
    },
    validateStatus(object, old, pace) {
      const run = createRun(pace);
      const status = memberOf(object, 'status');
      if (checkStatus && status !== undefined) checkStatus(status, memberOf(old, 'status'), run);
      for (const error of run.errors)
        error.field = error.field === nowhere ? 'status' : joinPath('status', error.field);
      if (scale) run.errors.push(...validateScale(object, scale, { spec: false, status: true }));
      return finish(run, object, old);
    },
  };
}

function duplicatesIn(lists: CheckLists, object: unknown): FieldError[] {
  const run = createRun();
  lists(object, '', run);
  return run.errors;
}

/** With these, rules would speak of values that are not what they think. */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const notChecked: FieldError = {
  reason: 'FieldValueInvalid',
  field: nowhere,
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
};

function memberOf(object: unknown, name: string): unknown {
  return typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[name] : undefined;
}

function joinPath(prefix: string, path: string): string {
  return path.startsWith('[') ? `${prefix}${path}` : `${prefix}.${path}`;
}
