import type { FieldError } from '../../kind.ts';
import type { KubeObject } from '../../resource.ts';
import type { MutatingWebhook } from '../../types.ts';
import { setGeneration } from '../behaviour.ts';
import { semanticallyEqual } from '../equality.ts';
import { duplicate, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkLabelSelector } from '../label-selector.ts';
import { checkLabel1035, checkSubdomain } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { checkWebhookService, checkWebhookUrl } from '../webhook-client.ts';
import { webhookConditionVariables } from './expressions.ts';
import { compileExpression, conditionTypes } from './policy-expressions.ts';
import { checkConditions, checkPolicies, checkRule, defaultRules } from './rules.ts';

/** Validating ones have no reinvocation policy, else they are the same. */
export type Webhook = MutatingWebhook;

interface Configuration extends KubeObject {
  webhooks?: Webhook[] | undefined;
}

const sideEffects: readonly string[] = ['None', 'NoneOnDryRun'];
const reinvocations: readonly string[] = ['IfNeeded', 'Never'];
const reviewVersions: readonly string[] = ['v1', 'v1beta1'];
const longestSeconds = 30;
const httpsPort = 443;

export function defaultWebhooks(draft: Configuration): void {
  for (const webhook of draft.webhooks ?? []) {
    webhook.failurePolicy ??= 'Fail';
    webhook.matchPolicy ??= 'Equivalent';
    webhook.namespaceSelector ??= {};
    webhook.objectSelector ??= {};
    webhook.timeoutSeconds ??= 10;
    if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= httpsPort;
    defaultRules(webhook.rules);
  }
}

export function validateWebhooks(object: Configuration): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  eachAt('webhooks', object.webhooks, (at, webhook) => {
    checkWebhook(errors, at, webhook);
    if (webhook.name && names.has(webhook.name)) errors.push(duplicate(`${at}.name`, webhook.name));
    names.add(webhook.name);
  });
  return errors;
}

function checkWebhook(errors: FieldError[], path: string, webhook: Webhook): void {
  const { name, timeoutSeconds: seconds, reinvocationPolicy, admissionReviewVersions: versions } = webhook;
  const messages = checkSubdomain(name ?? '');
  if (!name) errors.push(required(`${path}.name`));
  else if (messages.length > 0) errors.push(invalid(`${path}.name`, name, messages.join(',')));
  else if (name.split('.').length < 3) {
    const detail = 'should be a domain with at least three segments separated by dots';
    errors.push(invalid(`${path}.name`, name, detail));
  }
  eachAt(`${path}.rules`, webhook.rules, (at, rule) => checkRule(errors, at, rule));
  checkPolicies(errors, path, webhook);
  if (!sideEffects.includes(webhook.sideEffects ?? '')) {
    if (webhook.sideEffects) errors.push(notSupported(`${path}.sideEffects`, webhook.sideEffects, sideEffects));
    else errors.push(required(`${path}.sideEffects`, `must specify one of ${sideEffects.join(', ')}`));
  }
  if (seconds !== undefined && (seconds < 1 || seconds > longestSeconds)) {
    const detail = `the timeout value must be between 1 and ${longestSeconds} seconds`;
    errors.push(invalid(`${path}.timeoutSeconds`, seconds, detail));
  }
  if (reinvocationPolicy !== undefined && !reinvocations.includes(reinvocationPolicy)) {
    errors.push(notSupported(`${path}.reinvocationPolicy`, reinvocationPolicy, reinvocations));
  }
  checkLabelSelector(errors, `${path}.namespaceSelector`, webhook.namespaceSelector);
  checkLabelSelector(errors, `${path}.objectSelector`, webhook.objectSelector);
  checkClient(errors, `${path}.clientConfig`, webhook.clientConfig);
  checkConditions(errors, `${path}.matchConditions`, webhook.matchConditions, expression =>
    compileExpression(expression, { variables: webhookConditionVariables, result: conditionTypes }),
  );
  checkVersions(errors, `${path}.admissionReviewVersions`, versions);
}

function checkVersions(errors: FieldError[], path: string, versions: readonly string[] | undefined): void {
  if (!versions?.length) {
    errors.push(required(path, `must specify one of ${reviewVersions.join(', ')}`));
    return;
  }
  const seen = new Set<string>();
  eachAt(path, versions, (at, version) => {
    if (seen.has(version)) errors.push(invalid(at, version, 'duplicate version'));
    else pushInvalid(errors, at, version, checkLabel1035(version));
    seen.add(version);
  });
  if (!versions.some(version => reviewVersions.includes(version))) {
    errors.push(invalid(path, versions, `must include at least one of ${reviewVersions.join(', ')}`));
  }
}

function checkClient(errors: FieldError[], path: string, client: Webhook['clientConfig'] | undefined): void {
  const { url, service } = client ?? {};
  if ((url === undefined) === (service === undefined)) {
    errors.push(required(path, 'exactly one of url or service is required'));
    return;
  }
  if (url !== undefined) checkWebhookUrl(errors, `${path}.url`, url);
  else if (service) checkWebhookService(errors, `${path}.service`, service);
}

export function startGeneration(draft: KubeObject): void {
  draft.metadata.generation = 1;
}

export function countWebhookGeneration(draft: Configuration, old: Configuration): void {
  setGeneration(draft, old, !semanticallyEqual(draft.webhooks, old.webhooks));
}
