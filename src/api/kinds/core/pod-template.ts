import type { FieldError, KindBehaviour } from '../../kind.ts';
import type { PodTemplate } from '../../types.ts';
import { setGeneration } from '../behaviour.ts';
import { containerColumns, formatLabels, nameColumn, text } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { checkPodTemplate } from '../pod-template.ts';
import { templateOnlyWarnings } from '../template-warnings.ts';

function validate(object: PodTemplate): FieldError[] {
  const errors: FieldError[] = [];
  checkPodTemplate(errors, 'template', object.template);
  return errors;
}

export const podTemplate: KindBehaviour<PodTemplate> = {
  defaults: draft => defaultPodTemplate(draft.template),
  prepareCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareUpdate: (draft, old) => setGeneration(draft, old, !semanticallyEqual(draft.template, old.template)),
  validateCreate: validate,
  validateUpdate: validate,
  warnings: templateOnlyWarnings<PodTemplate>(o => o.template, 'template'),
  columns: [
    nameColumn,
    ...containerColumns<PodTemplate>(o => o.template).map(column => ({ ...column, priority: 0 as const })),
    text('Pod Labels', 'The labels for the pod template.', o => formatLabels(o.template?.metadata?.labels)),
  ],
};
