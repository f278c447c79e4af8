import { CelCompileError } from '../../cel/errors.ts';
import { compileCel } from '../../cel/program.ts';
import {
  authorizerType,
  boolType,
  type CelType,
  dynType,
  listType,
  mapType,
  objectType,
  resourceCheckType,
  stringType,
} from '../../cel/types.ts';
import type { FieldError } from '../../kind.ts';
import { invalid } from '../field-error.ts';

/** Names that an expression may use, with their types. */
export type ExpressionVariables = Readonly<Record<string, CelType>>;

/** Every member may be missing, as in the encoded review. */
function typeOf(name: string, members: Readonly<Record<string, CelType>>): CelType {
  const fields = Object.entries(members).map(([key, type]) => [key, { type, optional: true }] as const);
  return objectType(name, new Map(fields));
}

function groupVersion(name: string, last: string): CelType {
  return typeOf(name, { group: stringType, version: stringType, [last]: stringType });
}

const kindType = groupVersion('kubernetes.GroupVersionKind', 'kind');
const resourceType = groupVersion('kubernetes.GroupVersionResource', 'resource');
const userInfoType = typeOf('kubernetes.UserInfo', {
  username: stringType,
  uid: stringType,
  groups: listType(stringType),
  extra: mapType(stringType, listType(stringType)),
});

/** `request` of admission expressions. Source: apiserver/pkg/admission/plugin/cel BuildRequestType. */
export const admissionRequestType: CelType = typeOf('kubernetes.AdmissionRequest', {
  kind: kindType,
  resource: resourceType,
  subResource: stringType,
  requestKind: kindType,
  requestResource: resourceType,
  requestSubResource: stringType,
  name: stringType,
  namespace: stringType,
  operation: stringType,
  userInfo: userInfoType,
  dryRun: boolType,
  options: dynType,
});

/** What match conditions of webhooks may name. */
export const webhookConditionVariables: ExpressionVariables = {
  object: dynType,
  oldObject: dynType,
  request: admissionRequestType,
  authorizer: authorizerType,
  'authorizer.requestResource': resourceCheckType,
};

/** Upstream's words before what the compiler says. */
const stageHeads: Readonly<Record<CelCompileError['stage'], string>> = {
  compile: 'compilation failed: ',
  result: '',
  program: 'program instantiation failed: ',
};

/** An expression that has to compile to one of the result types. */
export function checkExpression(
  errors: FieldError[],
  path: string,
  asked: { expression: string; variables: ExpressionVariables; result: CelType | readonly CelType[] },
): void {
  const { expression, variables, result } = asked;
  try {
    compileCel(expression, { variables, result });
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    errors.push(invalid(path, expression, `${stageHeads[error.stage]}${error.message}`));
  }
}
