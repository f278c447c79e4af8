import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { Quantity, ResourceQuota, ResourceQuotaSpec } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, nameColumn, text } from '../columns.ts';
import { immutableMessage, invalid, required } from '../field-error.ts';
import { eachAt } from '../paths.ts';
import { checkAmount, checkResourceName, isHugePages, standardResources } from '../resources.ts';

const scopes: readonly string[] = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
];
const ofPods: readonly string[] = [
  'pods',
  'cpu',
  'memory',
  'requests.cpu',
  'requests.memory',
  'limits.cpu',
  'limits.memory',
];

/** Of the standard resources, those that a scope tells apart. */
const told: Readonly<Record<string, readonly string[]>> = {
  BestEffort: ['pods'],
  CrossNamespacePodAffinity: ofPods,
  NotBestEffort: ofPods,
  NotTerminating: ofPods,
  PriorityClass: ofPods,
  Terminating: ofPods,
  VolumeAttributesClass: ['persistentvolumeclaims', 'requests.storage'],
};
const classScopes: readonly string[] = ['PriorityClass', 'VolumeAttributesClass'];
const existsOnly =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

function checkAmounts(errors: FieldError[], path: string, amounts: Record<string, Quantity> | undefined): void {
  for (const name in amounts) {
    const field = `${path}[${name}]`;
    const fine = checkResourceName(errors, field, name);
    if (!fine && !name.includes('/') && !standardResources.has(name) && !isHugePages(name)) {
      errors.push(invalid(field, name, 'must be a standard resource for quota'));
    }
    checkAmount(errors, field, { name, value: amounts[name]! });
  }
}

function validateSpec(spec: ResourceQuotaSpec): FieldError[] {
  const errors: FieldError[] = [];
  checkAmounts(errors, 'spec.hard', spec.hard);
  checkScopeList(errors, spec);
  checkScopeSelector(errors, spec);
  return errors;
}

/** A scope can only count what it tells apart. */
function checkFit(
  errors: FieldError[],
  path: string,
  { spec, scope, shown }: { spec: ResourceQuotaSpec; scope: string; shown: unknown },
): void {
  for (const resource in spec.hard) {
    if (!standardResources.has(resource) || (told[scope]?.includes(resource) ?? true)) continue;
    errors.push(invalid(path, shown ?? null, 'unsupported scope applied to resource'));
  }
}

function checkScopeList(errors: FieldError[], spec: ResourceQuotaSpec): void {
  const path = 'spec.scopes';
  for (const scope of spec.scopes ?? []) {
    if (!scopes.includes(scope)) errors.push(invalid(path, spec.scopes, 'unsupported scope'));
    checkFit(errors, path, { spec, scope, shown: spec.scopes });
  }
  checkConflicts(errors, path, { spec, names: spec.scopes ?? [] });
}

function checkConflicts(
  errors: FieldError[],
  path: string,
  { spec, names }: { spec: ResourceQuotaSpec; names: readonly string[] },
): void {
  for (const pair of [
    ['BestEffort', 'NotBestEffort'],
    ['Terminating', 'NotTerminating'],
  ]) {
    if (pair.every(name => names.includes(name))) errors.push(invalid(path, spec.scopes ?? null, 'conflicting scopes'));
  }
}

function checkScopeSelector(errors: FieldError[], spec: ResourceQuotaSpec): void {
  const expressions = spec.scopeSelector?.matchExpressions ?? [];
  const path = 'spec.scopeSelector.matchExpressions';
  eachAt(path, expressions, (_at, { scopeName, operator, values = [] }) => {
    if (!scopes.includes(scopeName)) errors.push(invalid(`${path}.scopeName`, scopeName, 'unsupported scope'));
    checkFit(errors, path, { spec, scope: scopeName, shown: spec.scopeSelector });
    if (told[scopeName] && !classScopes.includes(scopeName) && operator !== 'Exists') {
      errors.push(invalid(`${path}.operator`, operator, existsOnly));
    }
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
        errors.push(required(`${path}.values`, detail));
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
        errors.push(invalid(`${path}.values`, values, detail));
      }
    } else errors.push(invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator'));
  });
  checkConflicts(errors, path, { spec, names: expressions.map(expression => expression.scopeName) });
}

function validateUpdate(object: ResourceQuota, old: ResourceQuota): FieldError[] {
  const errors = validateSpec(object.spec ?? {});
  const [now, before] = [object, old].map(quota => [...(quota.spec?.scopes ?? [])].sort().join());
  if (now !== before) errors.push(invalid('spec.scopes', object.spec?.scopes ?? null, immutableMessage));
  return errors;
}

function formatAmounts(quota: ResourceQuota, limits: boolean): string {
  const { hard = {}, used = {} } = quota.status ?? {};
  return Object.keys(hard)
    .filter(name => name.startsWith('limits.') === limits)
    .sort()
    .map(name => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

export const resourceQuota: KindBehaviour<ResourceQuota> = {
  shortNames: ['quota'],
  prepareCreate: draft => void delete draft.status,
  prepareUpdate: keepStatus,
  prepareSubresource: keepAllButStatus,
  validateCreate: object => validateSpec(object.spec ?? {}),
  validateUpdate,
  validateSubresource(object) {
    const errors: FieldError[] = [];
    checkAmounts(errors, 'status.hard', object.status?.hard);
    checkAmounts(errors, 'status.used', object.status?.used);
    return errors;
  },
  columns: [
    nameColumn,
    text('Request', 'Request represents a minimum amount of cpu/memory that a container may consume.', quota =>
      formatAmounts(quota, false),
    ),
    text(
      'Limit',
      'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
      quota => formatAmounts(quota, true),
    ),
    ageColumn,
  ],
};
