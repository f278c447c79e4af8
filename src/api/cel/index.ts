export type { CelIssue } from './errors.ts';
export { CelCompileError, CelError, isCostExceeded } from './errors.ts';
export type {
  AuthorizerAttributes,
  AuthorizerCheck,
  AuthorizerDecision,
  AuthorizerServiceAccount,
} from './library-authorizer.ts';
export { authorizerValue, requestResourceValue } from './library-authorizer.ts';
export * from './limits.ts';
export type { CelEstimate, CelProgram, CompileOptions, EvaluateOptions, EvaluateResult } from './program.ts';
export { compileCel } from './program.ts';
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
  listType,
  mapType,
  nullType,
  objectType,
  opaqueType,
  optionalType,
  quantityType,
  resourceCheckType,
  stringType,
  timestampType,
  uintType,
} from './types.ts';
