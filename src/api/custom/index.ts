export { canonicalJson, jsonEqual } from './equal.ts';
export { JsonPathError, parseJsonPath } from './json-path.ts';
export type { CustomKind, CustomVersion } from './kinds.ts';
export { createCustomKinds, isCustomKind } from './kinds.ts';
export { pruneUnknown } from './prune.ts';
export type { ScalePaths } from './scale.ts';
export { valueAt } from './scale.ts';
export type { Schema } from './schema.ts';
export { readSchema, SchemaError } from './schema.ts';
