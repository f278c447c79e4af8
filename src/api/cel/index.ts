export type { CelIssue } from './errors.ts';
export { CelCompileError, CelError, isCostExceeded } from './errors.ts';
export { escapeName, unescapeName } from './escape.ts';
export { lazyValue } from './lazy.ts';
export type {
  AuthorizerAttributes,
  AuthorizerCheck,
  AuthorizerDecision,
  AuthorizerServiceAccount,
} from './library-authorizer.ts';
export { authorizerValue, requestResourceValue } from './library-authorizer.ts';
export * from './limits.ts';
export { typeFromNode } from './node-types.ts';
export type { CelEstimate, CelProgram, CompileOptions, EvaluateOptions, EvaluateResult } from './program.ts';
export { compileCel } from './program.ts';
export type { CelSchema, SchemaTypeOptions } from './schema-types.ts';
export { typeFromSchema } from './schema-types.ts';
export { toJson } from './to-json.ts';
export type { CelField, CelKind, CelType } from './types.ts';
export {
  authorizerType,
  boolType,
  bytesType,
  doubleType,
  durationType,
  dynType,
  formatCelType,
  intType,
  isSameType,
  listType,
  mapType,
  nullType,
  objectType,
  opaqueType,
  openObjectType,
  optionalType,
  quantityType,
  resourceCheckType,
  stringType,
  timestampType,
  uintType,
} from './types.ts';
