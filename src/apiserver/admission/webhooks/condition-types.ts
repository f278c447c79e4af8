import { cel } from '#api';

const { stringType, boolType, dynType, listType, mapType, objectType } = cel;

/** Every member may be missing, as in the encoded review. */
function typeOf(name: string, members: Readonly<Record<string, cel.CelType>>): cel.CelType {
  const fields = Object.entries(members).map(([key, type]) => [key, { type, optional: true }] as const);
  return objectType(name, new Map(fields));
}

function groupVersion(name: string, last: string): cel.CelType {
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
export const admissionRequestType: cel.CelType = typeOf('kubernetes.AdmissionRequest', {
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
export const conditionVariables: Readonly<Record<string, cel.CelType>> = {
  object: dynType,
  oldObject: dynType,
  request: admissionRequestType,
  authorizer: cel.authorizerType,
  'authorizer.requestResource': cel.resourceCheckType,
};
