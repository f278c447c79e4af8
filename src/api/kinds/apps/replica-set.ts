import type { KindBehaviour } from '../../kind.ts';
import type { ReplicaSet } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, containerColumns, count, nameColumn, text, wide } from '../columns.ts';
import { formatSelector } from '../label-selector.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { workloadWarnings } from '../template-warnings.ts';
import { validateReplicaSet, validateReplicaSetStatus, validateReplicaSetUpdate } from './replica-set-rules.ts';

export const replicaSet: KindBehaviour<ReplicaSet> = {
  shortNames: ['rs'],
  categories: ['all'],
  defaults(draft) {
    draft.spec.replicas ??= 1;
    defaultPodTemplate(draft.spec.template);
  },
  ...specStrategy<ReplicaSet>(),
  validateCreate: validateReplicaSet,
  validateUpdate: validateReplicaSetUpdate,
  validateSubresource: validateReplicaSetStatus,
  warnings: workloadWarnings<ReplicaSet>(o => o.spec.template),
  columns: [
    nameColumn,
    count('Desired', 'How many pods there shall be.', o => o.spec.replicas),
    count('Current', 'How many pods there are.', o => o.status?.replicas),
    count('Ready', 'How many pods are ready.', o => o.status?.readyReplicas),
    ageColumn,
    ...containerColumns<ReplicaSet>(o => o.spec.template),
    wide(text('Selector', 'Which pods belong to it.', o => formatSelector(o.spec.selector))),
  ],
  selectableFields: { 'status.replicas': o => String(o.status?.replicas ?? 0) },
};
