import type { FieldError } from '../../kind.ts';
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricSpec,
  MetricTarget,
} from '../../types.ts';
import {
  checkNonNegative,
  forbidden,
  invalid,
  nonNegativeMessage,
  notSupported,
  pushInvalid,
  required,
} from '../field-error.ts';
import { checkLabel, checkPathSegment } from '../name-rules.ts';
import { eachAt } from '../paths.ts';
import { parseNano } from '../quantity.ts';
import { checkContainerResourceName } from '../resources.ts';

const sources = ['object', 'external', 'pods', 'resource', 'containerResource'] as const;
type Source = (typeof sources)[number];

const types: Readonly<Record<string, Source>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};
const selectPolicies: readonly string[] = ['Disabled', 'Max', 'Min'];
const policyTypes: readonly string[] = ['Percent', 'Pods'];
const maxWindowSeconds = 3600;
const maxPeriodSeconds = 1800;

export function validateAutoscaler(object: HorizontalPodAutoscaler): FieldError[] {
  return validate(object, undefined);
}

export function validateAutoscalerUpdate(object: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler): FieldError[] {
  return validate(object, old);
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['currentReplicas', 'desiredReplicas'] as const) {
    checkNonNegative(errors, `status.${field}`, status?.[field]);
  }
  return errors;
}

function validate(object: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics, behavior } = object.spec;
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  }
  if (maxReplicas === 0) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  else if (maxReplicas < 0) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'));
  }
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  checkReference(errors, 'spec.scaleTargetRef', scaleTargetRef);
  const before = old?.spec.scaleTargetRef;
  const isSameType = before?.apiVersion === scaleTargetRef?.apiVersion && before?.kind === scaleTargetRef?.kind;
  if (!old || !isSameType) {
    const isCore = scaleTargetRef?.kind === 'ReplicationController';
    checkApiVersion(errors, 'spec.scaleTargetRef', { reference: scaleTargetRef, needsGroup: !isCore });
  }
  eachAt('spec.metrics', metrics, (at, metric) => checkMetric(errors, at, metric));
  if (minReplicas === 0 && !metrics?.some(({ type }) => type === 'Object' || type === 'External')) {
    const detail = 'must specify at least one Object or External metric to support scaling to zero replicas';
    errors.push(forbidden('spec.metrics', detail));
  }
  checkRules(errors, 'spec.behavior.scaleUp', behavior?.scaleUp);
  checkRules(errors, 'spec.behavior.scaleDown', behavior?.scaleDown);
  return errors;
}

function checkReference(errors: FieldError[], path: string, reference: CrossVersionObjectReference): void {
  for (const field of ['kind', 'name'] as const) {
    const value = reference?.[field];
    if (!value) errors.push(required(`${path}.${field}`));
    else pushInvalid(errors, `${path}.${field}`, value, checkPathSegment(value));
  }
}

/** Only what is in a group scales, but for replication controllers. */
function checkApiVersion(
  errors: FieldError[],
  path: string,
  { reference, needsGroup }: { reference: CrossVersionObjectReference | undefined; needsGroup: boolean },
): void {
  const apiVersion = reference?.apiVersion ?? '';
  const parts = apiVersion.split('/');
  const isEmpty = apiVersion === '' || apiVersion === '/';
  const field = `${path}.apiVersion`;
  if (!isEmpty && parts.length > 2) {
    errors.push(invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  } else if (needsGroup && (isEmpty || parts.length < 2 || !parts[0])) {
    errors.push(invalid(field, apiVersion, 'apiVersion must specify API group'));
  }
}

function checkMetric(errors: FieldError[], path: string, metric: MetricSpec): void {
  const names = Object.keys(types);
  if (!metric.type) errors.push(required(`${path}.type`, 'must specify a metric source type'));
  const expected = types[metric.type];
  if (!expected) errors.push(notSupported(`${path}.type`, metric.type ?? '', names));
  const present = sources.filter(source => metric[source]);
  const first = present[0];
  if (first) checkSource(errors, `${path}.${first}`, { metric, source: first });
  if (expected && !metric[expected]) {
    errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'));
  }
  if (present.length === 1) return;
  for (const source of present) {
    if (source !== expected) errors.push(forbidden(`${path}.${source}`, 'must populate the given metric source only'));
  }
}

function checkSource(
  errors: FieldError[],
  path: string,
  { metric, source }: { metric: MetricSpec; source: Source },
): void {
  const target = metric[source]!.target;
  if (source === 'object') {
    const { describedObject: reference } = metric.object!;
    checkReference(errors, `${path}.describedObject`, reference);
    checkApiVersion(errors, `${path}.describedObject`, { reference, needsGroup: false });
  }
  if (source === 'resource' || source === 'containerResource') {
    const given = metric[source]!;
    if (!given.name) errors.push(required(`${path}.name`, 'must specify a resource name'));
    else if (source === 'containerResource') checkContainerResourceName(errors, `${path}.name`, given.name);
    if (source === 'containerResource') {
      const container = metric.containerResource!.container;
      if (!container) errors.push(required(`${path}.container`, 'must specify a container'));
      else pushInvalid(errors, `${path}.container`, container, checkLabel(container));
    }
  } else {
    const name = metric[source]!.metric?.name;
    if (!name) errors.push(required(`${path}.metric.name`, 'must specify a metric name'));
    else pushInvalid(errors, `${path}.metric.name`, name, checkPathSegment(name));
  }
  checkTarget(errors, `${path}.target`, target);
  checkChosen(errors, `${path}.target`, { target, source });
}

/** Which values of the target a source needs, and which exclude each other. */
function checkChosen(
  errors: FieldError[],
  path: string,
  { target, source }: { target: MetricTarget; source: Source },
): void {
  const { value, averageValue, averageUtilization } = target;
  if (source === 'pods') {
    if (averageValue === undefined) {
      errors.push(required(`${path}.averageValue`, 'must specify a positive target averageValue'));
    }
  } else if (source === 'object' || source === 'external') {
    if (value === undefined && averageValue === undefined) {
      const detail =
        source === 'object'
          ? 'must set either a target value or averageValue'
          : 'must set either a target value for metric or a per-pod target';
      errors.push(required(`${path}.averageValue`, detail));
    } else if (source === 'external' && value !== undefined && averageValue !== undefined) {
      errors.push(forbidden(`${path}.value`, 'may not set both a target value for metric and a per-pod target'));
    }
  } else if (averageUtilization === undefined && averageValue === undefined) {
    const detail = 'must set either a target raw value or a target utilization';
    errors.push(required(`${path}.averageUtilization`, detail));
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    const detail = 'may not set both a target raw value and a target utilization';
    errors.push(forbidden(`${path}.averageValue`, detail));
  }
}

function checkTarget(errors: FieldError[], path: string, target: MetricTarget): void {
  if (!target.type) errors.push(required(`${path}.type`, 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(target.type)) {
    errors.push(invalid(`${path}.type`, target.type ?? '', 'must be either Utilization, Value, or AverageValue'));
  }
  for (const field of ['value', 'averageValue'] as const) {
    const value = target[field];
    if (value !== undefined && (parseNano(value) ?? 1n) <= 0n) {
      errors.push(invalid(`${path}.${field}`, value, 'must be positive'));
    }
  }
  const share = target.averageUtilization;
  if (share !== undefined && share < 1) {
    errors.push(invalid(`${path}.averageUtilization`, share, 'must be greater than 0'));
  }
}

function checkRules(errors: FieldError[], path: string, rules: HPAScalingRules | undefined): void {
  if (!rules) return;
  const { stabilizationWindowSeconds: window, selectPolicy, policies, tolerance } = rules;
  const field = `${path}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) {
    errors.push(invalid(field, window, 'must be greater than or equal to zero'));
  } else if (window !== undefined && window > maxWindowSeconds) {
    errors.push(invalid(field, window, `must be less than or equal to ${maxWindowSeconds}`));
  }
  if (selectPolicy !== undefined && !selectPolicies.includes(selectPolicy)) {
    errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, selectPolicies));
  }
  if (!policies?.length) errors.push(required(`${path}.policies`, 'must specify at least one Policy'));
  eachAt(`${path}.policies`, policies, (at, { type, value, periodSeconds }) => {
    if (!policyTypes.includes(type)) errors.push(notSupported(`${at}.type`, type, policyTypes));
    if (value <= 0) errors.push(invalid(`${at}.value`, value, 'must be greater than zero'));
    if (periodSeconds <= 0) errors.push(invalid(`${at}.periodSeconds`, periodSeconds, 'must be greater than zero'));
    if (periodSeconds > maxPeriodSeconds) {
      errors.push(invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`));
    }
  });
  if (tolerance !== undefined && (parseNano(tolerance) ?? 0n) < 0n) {
    errors.push(invalid(`${path}.tolerance`, tolerance, nonNegativeMessage));
  }
}
