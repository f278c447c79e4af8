import type { FieldError } from '../kind.ts';
import type { LabelSelector, PodTemplateSpec } from '../types.ts';
import { forbidden, invalid, notSupported, required } from './field-error.ts';
import { checkLabelSelector, checkLabels, isEmptySelector, selectorMatches } from './label-selector.ts';
import { checkAnnotations } from './metadata.ts';
import { checkPodSpec } from './pod-spec.ts';

/** Labels, annotations and spec of a template. */
export function checkPodTemplate(errors: FieldError[], path: string, template: PodTemplateSpec | undefined): void {
  checkLabels(errors, `${path}.labels`, template?.metadata?.labels);
  checkAnnotations(errors, `${path}.annotations`, template?.metadata?.annotations);
  checkPodSpec(errors, `${path}.spec`, template?.spec ?? { containers: [] }, { template: true });
  if (template?.spec?.ephemeralContainers?.length) {
    errors.push(forbidden(`${path}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template'));
  }
}

/**
 * The selector that a workload must have. `kind` is the lower-case word of upstream's sentence. False when the selector is of no form: then
 * upstream does not look at the template.
 */
export function checkWorkloadSelector(
  errors: FieldError[],
  selector: LabelSelector | undefined,
  { kind, detail }: { kind: string; detail: string },
): boolean {
  if (!selector) {
    errors.push(required('spec.selector'));
    return true;
  }
  const before = errors.length;
  checkLabelSelector(errors, 'spec.selector', selector);
  const isWrong = errors.length > before;
  if (isEmptySelector(selector)) {
    errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${kind}`));
  }
  if (isWrong) errors.push(invalid('spec.selector', selector, detail));
  return !isWrong;
}

/** A workload's template carries the labels that its selector asks for; a missing selector asks for what nothing has. */
export function checkTemplateMatches(
  errors: FieldError[],
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
): void {
  if (selector && isEmptySelector(selector)) return;
  const labels = template?.metadata?.labels;
  if (selector && selectorMatches(selector, labels)) return;
  errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
}

/** Workloads that run for ever restart their containers always, and have no deadline. */
export function checkRunsForEver(errors: FieldError[], path: string, template: PodTemplateSpec | undefined): void {
  const policy = template?.spec?.restartPolicy;
  if (policy !== 'Always') errors.push(notSupported(`${path}.spec.restartPolicy`, policy ?? '', ['Always']));
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    const field = `${path}.spec.activeDeadlineSeconds`;
    errors.push(forbidden(field, 'activeDeadlineSeconds in ReplicaSet is not Supported'));
  }
}
