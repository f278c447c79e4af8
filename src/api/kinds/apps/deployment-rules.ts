import type { FieldError } from '../../kind.ts';
import type { Deployment, DeploymentStrategy } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, forbidden, immutableMessage, invalid, notSupported } from '../field-error.ts';
import { checkAtMostAll, checkIntOrPercent, isZero } from '../int-or-percent.ts';
import { checkPodTemplate, checkRunsForEver, checkTemplateMatches, checkWorkloadSelector } from '../pod-template.ts';

const strategies: readonly string[] = ['Recreate', 'RollingUpdate'];

export function validateDeployment(object: Deployment): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = object;
  checkNonNegative(errors, 'spec.replicas', spec.replicas);
  if (checkWorkloadSelector(errors, spec.selector, { kind: 'deployment', detail: 'invalid label selector' })) {
    checkTemplateMatches(errors, spec.selector, spec.template);
    checkPodTemplate(errors, 'spec.template', spec.template);
    checkRunsForEver(errors, 'spec.template', spec.template);
  }
  checkStrategy(errors, spec.strategy ?? {});
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  const deadline = spec.progressDeadlineSeconds;
  checkNonNegative(errors, 'spec.progressDeadlineSeconds', deadline);
  if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

function checkStrategy(errors: FieldError[], strategy: DeploymentStrategy): void {
  const path = 'spec.strategy';
  const type = strategy.type ?? '';
  if (type === 'Recreate') {
    if (strategy.rollingUpdate) {
      const detail = "may not be specified when strategy `type` is 'Recreate'";
      errors.push(forbidden(`${path}.rollingUpdate`, detail));
    }
  } else if (type !== 'RollingUpdate') {
    // Upstream quotes the whole strategy, with the names of its internal form.
    const shown = { Type: type, RollingUpdate: strategy.rollingUpdate ?? null };
    errors.push(notSupported(path, shown, strategies));
  } else if (strategy.rollingUpdate) {
    const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate;
    checkIntOrPercent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
    checkIntOrPercent(errors, `${path}.rollingUpdate.maxSurge`, maxSurge);
    if (isZero(maxUnavailable) && isZero(maxSurge)) {
      const detail = 'may not be 0 when `maxSurge` is 0';
      errors.push(invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, detail));
    }
    checkAtMostAll(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  }
}

export function validateDeploymentUpdate(object: Deployment, old: Deployment): FieldError[] {
  const errors = validateDeployment(object);
  if (!semanticallyEqual(object.spec.selector, old.spec.selector)) {
    errors.push(invalid('spec.selector', object.spec.selector, immutableMessage));
  }
  return errors;
}

const counters = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
] as const;

export function validateDeploymentStatus(object: Deployment, old: Deployment): FieldError[] {
  const errors: FieldError[] = [];
  const status = object.status ?? {};
  for (const field of counters) checkNonNegative(errors, `status.${field}`, status[field]);
  const replicas = status.replicas ?? 0;
  for (const field of ['updatedReplicas', 'readyReplicas', 'availableReplicas'] as const) {
    const value = status[field] ?? 0;
    if (value > replicas) errors.push(invalid(`status.${field}`, value, 'cannot be greater than status.replicas'));
  }
  const available = status.availableReplicas ?? 0;
  if (available > (status.readyReplicas ?? 0)) {
    errors.push(invalid('status.availableReplicas', available, 'cannot be greater than readyReplicas'));
  }
  const collisions = status.collisionCount ?? 0;
  if (collisions < (old.status?.collisionCount ?? 0)) {
    errors.push(invalid('status.collisionCount', collisions, 'cannot be decremented'));
  }
  return errors;
}
