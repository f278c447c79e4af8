import type { FieldError } from '../kind.ts';
import { createTypeNodes } from '../type-nodes.ts';
import { metadataTypeName } from './kinds.ts';
import type { ScalePaths } from './scale.ts';
import { readSchema, type Schema } from './schema.ts';
import { createValidation, type Validation } from './validation.ts';

/** An object and what it has to obey, without the kind. */
export interface CustomJudgement {
  /** The definition's schema as JSON; undefined: anything goes. */
  readonly schema: string | undefined;
  readonly scale: ScalePaths | undefined;
  readonly object: unknown;
  /** Undefined for a create. */
  readonly old: unknown;
  readonly isStatus: boolean;
}

/** Schemas that stay compiled. */
const maxKept = 8;
const anything: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Says of custom objects what their kind would, in a place that does not have the kind: without a pace, for as long as it takes. */
export function createCustomJudge(): (judgement: CustomJudgement) => { errors: FieldError[]; warnings: string[] } {
  const metadataType = createTypeNodes()(metadataTypeName)!;
  const kept = new Map<string, Validation>();
  return ({ schema, scale, object, old, isStatus }) => {
    const key = JSON.stringify([scale ?? null]) + (schema ?? '');
    let validation = kept.get(key);
    if (!validation) {
      const read = schema ? readSchema(JSON.parse(schema)) : anything;
      validation = createValidation({ schema: read, metadataType, scale });
      if (kept.size >= maxKept) kept.clear();
      kept.set(key, validation);
    }
    return isStatus ? validation.validateStatus(object, old) : validation.validate(object, old);
  };
}
