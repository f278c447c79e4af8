import { CelCompileError } from '../../cel/errors.ts';
import { type CelProgram, compileCel } from '../../cel/program.ts';
import {
  authorizerType,
  boolType,
  type CelField,
  type CelKind,
  type CelType,
  dynType,
  formatCelType,
  intType,
  isSameType,
  listType,
  mapType,
  nullType,
  objectType,
  openObjectType,
  resourceCheckType,
  stringType,
  timestampType,
} from '../../cel/types.ts';
import type { Variable } from '../../types.ts';
import { admissionRequestType, type ExpressionVariables } from './expressions.ts';

/** An expression that is ready to run, or why it is none, in upstream's words. */
export type CompiledExpression =
  | { readonly expression: string; readonly program: CelProgram; readonly problem?: undefined }
  | {
      readonly expression: string;
      readonly program?: undefined;
      readonly problem: string;
      /** It compiles, but cannot be made ready: upstream's internal error. */
      readonly isInternal: boolean;
    };

export interface ExpressionOptions {
  /** What it must yield; none: anything. */
  readonly result?: readonly CelType[];
  /** Whether it may ask the authorizer; default yes. */
  readonly hasAuthorizer?: boolean;
  /** Whether it may construct what mutations are made of: `Object{}` and `JSONPatch{}`. */
  readonly isMutation?: boolean;
}

/** Compiles the expressions of one policy; what was compiled before as a variable is known to what comes after. */
export interface PolicyCompiler {
  /** A variable that does not compile is known too, as dyn: who uses it fails when it is evaluated. */
  addVariable(variable: Variable): CompiledExpression;
  compile(expression: string, options?: ExpressionOptions): CompiledExpression;
}

export interface PolicyCompilerOptions {
  /** `params` can be used. */
  readonly hasParams: boolean;
  /** Instead of dyn, for checks of types. */
  readonly types?: { readonly object?: CelType; readonly params?: CelType } | undefined;
}

const optionals = (members: Readonly<Record<string, CelType>>): Map<string, CelField> =>
  new Map(Object.entries(members).map(([name, type]) => [name, { type, optional: true }]));

const labelsType = mapType(stringType, stringType);
const namespaceMetadata = optionals({
  name: stringType,
  generateName: stringType,
  namespace: stringType,
  labels: labelsType,
  annotations: labelsType,
  creationTimestamp: timestampType,
  deletionGracePeriodSeconds: intType,
  deletionTimestamp: timestampType,
  generation: intType,
  resourceVersion: stringType,
  finalizers: listType(stringType),
});
const namespaceCondition = optionals({
  status: stringType,
  type: stringType,
  lastTransitionTime: timestampType,
  message: stringType,
  reason: stringType,
});

/** `namespaceObject`: null for what lives in no namespace. Source: apiserver/pkg/admission/plugin/cel BuildNamespaceType. */
export const namespaceObjectType: CelType = {
  ...objectType(
    'kubernetes.Namespace',
    optionals({
      metadata: objectType(
        'kubernetes.NamespaceMetadata',
        // Upstream's name of this one.
        namespaceMetadata.set('UID', { type: stringType, optional: true, jsonName: 'uid' }),
      ),
      spec: objectType('kubernetes.NamespaceSpec', optionals({ finalizers: listType(stringType) })),
      status: objectType(
        'kubernetes.NamespaceStatus',
        optionals({
          conditions: listType(objectType('kubernetes.NamespaceCondition', namespaceCondition)),
          phase: stringType,
        }),
      ),
    }),
  ),
  nullable: true,
};

/** What an apply configuration yields; with it all types below: `Object.spec`. */
export const applyConfigurationType: CelType = openObjectType('Object');
const jsonPatchOperationType = objectType(
  'JSONPatch',
  optionals({ op: stringType, path: stringType, from: stringType, value: dynType }),
);
/** What a JSON patch yields. */
export const jsonPatchType: CelType = listType(jsonPatchOperationType);
/** What an audit annotation and a message yield. */
export const annotationTypes: readonly CelType[] = [stringType, nullType];

export function createPolicyCompiler({ hasParams, types }: PolicyCompilerOptions): PolicyCompiler {
  const object = types?.object ?? dynType;
  const base: ExpressionVariables = {
    object,
    oldObject: object,
    request: admissionRequestType,
    namespaceObject: namespaceObjectType,
    ...(hasParams ? { params: types?.params ?? dynType } : {}),
  };
  const authorizer = { authorizer: authorizerType, 'authorizer.requestResource': resourceCheckType };
  const fields = new Map<string, CelField>();
  const variablesOf = (hasAuthorizer: boolean): ExpressionVariables => ({
    ...base,
    ...(hasAuthorizer ? authorizer : {}),
    ...(fields.size > 0 ? { variables: objectType('kubernetes.variables', new Map(fields)) } : {}),
  });
  const compile: PolicyCompiler['compile'] = (expression, options = {}) => {
    const { result, hasAuthorizer = true, isMutation } = options;
    const mutationTypes = isMutation ? { types: [applyConfigurationType, jsonPatchOperationType] } : {};
    return compileExpression(expression, { variables: variablesOf(hasAuthorizer), ...mutationTypes, result });
  };
  return {
    compile,
    addVariable({ name, expression }) {
      const compiled = compile(expression);
      const type = compiled.program ? declaredType(compiled.program.resultType) : dynType;
      fields.set(name, { type, optional: false });
      return compiled;
    },
  };
}

interface CompileInput {
  readonly variables: ExpressionVariables;
  readonly types?: readonly CelType[];
  readonly result?: readonly CelType[] | undefined;
}

/** Upstream's words before what the compiler says. */
const stageHeads: Readonly<Record<CelCompileError['stage'], string>> = {
  compile: 'compilation failed: ',
  result: '',
  program: 'program instantiation failed: ',
};

/** Compiles an expression and looks at what it yields. */
export function compileExpression(expression: string, { variables, types, result }: CompileInput): CompiledExpression {
  try {
    const program = compileCel(expression, { variables, ...(types ? { types } : {}) });
    const problem = result && resultProblem(program.resultType, result);
    return problem ? { expression, problem, isInternal: false } : { expression, program };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    const problem = `${stageHeads[error.stage]}${error.message}`;
    return { expression, problem, isInternal: error.stage === 'program' };
  }
}

function resultProblem(type: CelType, wanted: readonly CelType[]): string | undefined {
  if (wanted.some(one => one.kind === 'dyn' || isSameType(one, type))) return undefined;
  const names = wanted.map(formatType);
  const what = names.length === 1 ? names[0] : `one of [${names.join(' ')}]`;
  return `must evaluate to ${what} but got ${formatType(type)}`;
}

/** Runtime names, which differ from those in problems of types. */
const runtimeNames: Partial<Record<CelKind, string>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
};

function formatType(type: CelType): string {
  return runtimeNames[type.kind] ?? formatCelType(type);
}

const simpleKinds: ReadonlySet<CelKind> = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'int',
  'null',
  'string',
  'timestamp',
  'uint',
]);

/** The type that a variable has for others: objects and opaque values are dyn. Source: plugin/cel composition.go convertCelTypeToDeclType. */
function declaredType(type: CelType): CelType {
  if (simpleKinds.has(type.kind)) return { kind: type.kind };
  const [first, second] = type.params ?? [];
  if (type.kind === 'list' && first) return listType(declaredType(first));
  if (type.kind === 'map' && first && second) return mapType(declaredType(first), declaredType(second));
  return dynType;
}

/** What validations and match conditions yield. */
export const conditionTypes: readonly CelType[] = [boolType];
