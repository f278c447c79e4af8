import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { ReplicationController } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, containerColumns, count, formatLabels, nameColumn, text, wide } from '../columns.ts';
import { checkNonNegative, forbidden, invalid, notSupported, required } from '../field-error.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { checkPodTemplate } from '../pod-template.ts';
import { checkReplicaStatus } from '../replica-status.ts';
import { workloadWarnings } from '../template-warnings.ts';

function defaults(draft: ReplicationController): void {
  draft.spec ??= {};
  draft.spec.replicas ??= 1;
  const labels = draft.spec.template?.metadata?.labels;
  if (labels) {
    if (Object.keys(draft.spec.selector ?? {}).length === 0) draft.spec.selector = { ...labels };
    if (Object.keys(draft.metadata.labels ?? {}).length === 0) draft.metadata.labels = { ...labels };
  }
  defaultPodTemplate(draft.spec.template);
}

function validate(object: ReplicationController): FieldError[] {
  const errors: FieldError[] = [];
  const { minReadySeconds, selector = {}, replicas, template } = object.spec ?? {};
  checkNonNegative(errors, 'spec.minReadySeconds', minReadySeconds);
  if (Object.keys(selector).length === 0) errors.push(required('spec.selector'));
  checkNonNegative(errors, 'spec.replicas', replicas);
  if (!template) return [...errors, required('spec.template')];
  const labels = template.metadata?.labels;
  if (Object.keys(selector).some(key => labels?.[key] !== selector[key])) {
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
  }
  checkPodTemplate(errors, 'spec.template', template);
  const policy = template.spec?.restartPolicy ?? '';
  if (policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    const detail = 'activeDeadlineSeconds in ReplicationController is not Supported';
    errors.push(forbidden('spec.template.spec.activeDeadlineSeconds', detail));
  }
  return errors;
}

export const replicationController: KindBehaviour<ReplicationController> = {
  shortNames: ['rc'],
  categories: ['all'],
  defaults,
  ...specStrategy<ReplicationController>(),
  validateCreate: validate,
  validateUpdate: validate,
  validateSubresource(object) {
    const errors: FieldError[] = [];
    checkReplicaStatus(errors, object.status);
    return errors;
  },
  warnings: workloadWarnings<ReplicationController>(o => o.spec?.template),
  columns: [
    nameColumn,
    count('Desired', 'How many pods there shall be.', o => o.spec?.replicas),
    count('Current', 'How many pods there are.', o => o.status?.replicas),
    count('Ready', 'How many pods are ready.', o => o.status?.readyReplicas),
    ageColumn,
    ...containerColumns<ReplicationController>(o => o.spec?.template),
    wide(text('Selector', 'Which pods belong to it.', o => formatLabels(o.spec?.selector))),
  ],
  selectableFields: { 'status.replicas': o => String(o.status?.replicas ?? 0) },
};
