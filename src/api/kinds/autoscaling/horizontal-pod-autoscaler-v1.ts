import type { Column, KindBehaviour } from '../../kind.ts';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerV1 } from '../../types.ts';
import { keepAllButStatus, keepStatus } from '../behaviour.ts';
import { validateAutoscaler, validateAutoscalerStatus, validateAutoscalerUpdate } from './autoscaler-rules.ts';
import { autoscalerToV2 } from './conversion.ts';
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';

const newColumns: readonly Column<HorizontalPodAutoscaler>[] = horizontalPodAutoscaler.columns ?? [];

/** The old form: one metric, the processor; the others stand in annotations. It is judged and shown as the new form that it becomes. */
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
  validateCreate: object => validateAutoscaler(autoscalerToV2(object)),
  validateUpdate: (object, old) => validateAutoscalerUpdate(autoscalerToV2(object), autoscalerToV2(old)),
  validateSubresource: object => validateAutoscalerStatus(autoscalerToV2(object)),
  columns: newColumns.map(column => ({
    ...column,
    value: (object, nowMs) => column.value(autoscalerToV2(object), nowMs),
  })),
};
