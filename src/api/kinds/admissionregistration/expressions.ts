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
