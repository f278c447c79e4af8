import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { HorizontalPodAutoscalerV1 } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, count, nameColumn, text } from '../columns.ts';
import { invalid, required } from '../field-error.ts';

function validate(object: HorizontalPodAutoscalerV1): FieldError[] {
  const errors: FieldError[] = [];
  const { minReplicas, maxReplicas, scaleTargetRef } = object.spec;
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  }
  if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  }
  if (!scaleTargetRef?.kind) errors.push(required('spec.scaleTargetRef.kind'));
  if (!scaleTargetRef?.name) errors.push(required('spec.scaleTargetRef.name'));
  return errors;
}

function formatTargets(object: HorizontalPodAutoscalerV1): string {
  const wanted = object.spec.targetCPUUtilizationPercentage ?? 80;
  const current = object.status?.currentCPUUtilizationPercentage;
  return `cpu: ${current === undefined ? '<unknown>' : `${current}%`}/${wanted}%`;
}

/** The old form: one metric, the processor. */
export const horizontalPodAutoscalerV1: KindBehaviour<HorizontalPodAutoscalerV1> = {
  shortNames: ['hpa'],
  categories: ['all'],
  defaults(draft) {
    draft.spec.minReplicas ??= 1;
  },
  prepareCreate: draft => void delete draft.status,
  prepareUpdate: keepStatus,
  prepareSubresource(draft, old, subresource) {
    if (subresource === 'status') keepAllButStatus(draft, old);
  },
  validateCreate: validate,
  validateUpdate: validate,
  columns: [
    nameColumn,
    text('Reference', 'What it scales.', o => `${o.spec.scaleTargetRef.kind}/${o.spec.scaleTargetRef.name}`),
    text('Targets', 'Current and wanted use of the processor.', formatTargets),
    text('MinPods', 'Lower bound of pods.', o => String(o.spec.minReplicas ?? '<unset>')),
    { ...count<HorizontalPodAutoscalerV1>('MaxPods', 'Upper bound of pods.', o => o.spec.maxReplicas), type: 'string' },
    {
      ...count<HorizontalPodAutoscalerV1>('Replicas', 'Pods that there are.', o => o.status?.currentReplicas),
      type: 'string',
    },
    ageColumn,
  ],
};
