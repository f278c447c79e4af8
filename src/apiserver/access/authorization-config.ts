import { cel } from '#api';
import { type Field, parseDocument } from '../document.ts';

/** One authorizer of an AuthorizationConfiguration, in its place in the order. */
export type AuthorizerSpec =
  | { readonly type: 'Node' | 'RBAC'; readonly name: string }
  | { readonly type: 'Webhook'; readonly name: string; readonly webhook: WebhookSpec };

export interface WebhookSpec {
  readonly kubeconfigFile: string;
  readonly timeoutMs: number;
  readonly allowedMs: number;
  readonly refusedMs: number;
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  readonly conditions: readonly cel.CelProgram[];
}

const spec = {
  kind: 'AuthorizationConfiguration',
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.config.k8s.io/v1beta1'],
};
const types = ['Webhook', 'Node', 'RBAC'] as const;
const maxConditions = 64;
const maxTimeoutMs = 30_000;

/** What conditions may name: the spec of the review that would be sent. */
export const accessReviewVariables: Readonly<Record<string, cel.CelType>> = { request: requestType() };

/** Reads the text of an --authorization-config file; `path` is for messages. Throws DocumentError that names file and field. */
export function parseAuthorizationConfig(path: string, text: string): readonly AuthorizerSpec[] {
  const { authorizers } = parseDocument(path, text, spec).members('authorizers');
  const found = authorizers.list().map(toAuthorizer);
  if (found.length === 0) authorizers.fail('at least one authorization mode must be defined');
  const names = new Set<string>();
  const seen = new Set<string>();
  authorizers.list().forEach((field, index) => {
    const { name, type } = found[index]!;
    if (names.has(name)) field.fail(`the name ${name} is used twice`);
    if (type !== 'Webhook' && seen.has(type)) field.fail(`${type} is allowed once`);
    names.add(name);
    seen.add(type);
  });
  return found;
}

function toAuthorizer(field: Field): AuthorizerSpec {
  const { type, name, webhook } = field.members('type', 'name', 'webhook');
  const kind = type.oneOf(types);
  const label = name.text();
  if (kind !== 'Webhook') {
    if (webhook.isSet) webhook.fail('may only be specified when type=Webhook');
    return { type: kind, name: label };
  }
  if (!webhook.isSet) webhook.fail('is required when type=Webhook');
  return { type: kind, name: label, webhook: toWebhook(webhook) };
}

function toWebhook(field: Field): WebhookSpec {
  const members = field.members(
    'authorizedTTL',
    'cacheAuthorizedRequests',
    'unauthorizedTTL',
    'cacheUnauthorizedRequests',
    'timeout',
    'subjectAccessReviewVersion',
    'matchConditionSubjectAccessReviewVersion',
    'failurePolicy',
    'connectionInfo',
    'matchConditions',
  );
  members.subjectAccessReviewVersion.oneOf(['v1']);
  const timeoutMs = toMs(members.timeout);
  if (timeoutMs <= 0 || timeoutMs > maxTimeoutMs) members.timeout.fail('must be greater than 0 and at most 30s');
  const { type, kubeConfigFile } = members.connectionInfo.members('type', 'kubeConfigFile');
  type.oneOf(['KubeConfigFile']);
  const file = kubeConfigFile.text();
  if (!file.startsWith('/')) kubeConfigFile.fail('must be an absolute path');
  const conditions = members.matchConditions.list();
  if (conditions.length > maxConditions) members.matchConditions.fail(`must have at most ${maxConditions} items`);
  if (conditions.length > 0) members.matchConditionSubjectAccessReviewVersion.oneOf(['v1']);
  return {
    kubeconfigFile: file,
    timeoutMs,
    allowedMs: members.cacheAuthorizedRequests.flag(true) ? toMs(members.authorizedTTL, 5 * 60_000) : 0,
    refusedMs: members.cacheUnauthorizedRequests.flag(true) ? toMs(members.unauthorizedTTL, 30_000) : 0,
    failurePolicy: members.failurePolicy.oneOf(['NoOpinion', 'Deny']),
    conditions: conditions.map(toCondition),
  };
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations: `5m30s`. */
function toMs(field: Field, fallback?: number): number {
  if (!field.isSet && fallback !== undefined) return fallback;
  const text = field.text();
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return field.fail('must be a duration (5m, 30s)');
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * unitsMs[unit!]!, 0);
}

function toCondition(field: Field): cel.CelProgram {
  const { expression } = field.members('expression');
  const text = expression.text();
  try {
    return cel.compileCel(text, { variables: accessReviewVariables, result: cel.boolType });
  } catch (error) {
    return expression.failHidden(`compilation failed: ${(error as Error).message}`);
  }
}

function requestType(): cel.CelType {
  const texts = cel.listType(cel.stringType);
  const object = (name: string, fields: Record<string, cel.CelType>) =>
    cel.objectType(name, new Map(Object.entries(fields).map(([key, type]) => [key, { type, optional: true }])));
  const requirement = object('kubernetes.SelectorRequirement', {
    key: cel.stringType,
    operator: cel.stringType,
    values: texts,
  });
  const selector = (name: string) =>
    object(name, { rawSelector: cel.stringType, requirements: cel.listType(requirement) });
  const named = Object.fromEntries(
    ['namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name'].map(key => [key, cel.stringType]),
  );
  return object('kubernetes.SubjectAccessReviewSpec', {
    resourceAttributes: object('kubernetes.ResourceAttributes', {
      ...named,
      fieldSelector: selector('kubernetes.FieldSelectorAttributes'),
      labelSelector: selector('kubernetes.LabelSelectorAttributes'),
    }),
    nonResourceAttributes: object('kubernetes.NonResourceAttributes', { path: cel.stringType, verb: cel.stringType }),
    user: cel.stringType,
    groups: texts,
    extra: cel.mapType(cel.stringType, texts),
    uid: cel.stringType,
  });
}
