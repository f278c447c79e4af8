import type { Column, KindBehaviour } from '../../kind.ts';
import type { Deployment } from '../../types.ts';
import { keepAllButStatus, keepStatus, setGeneration, specStrategy } from '../behaviour.ts';
import { ageColumn, containerColumns, count, nameColumn, text, wide } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { formatSelector } from '../label-selector.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { workloadWarnings } from '../template-warnings.ts';
import { validateDeployment, validateDeploymentStatus, validateDeploymentUpdate } from './deployment-rules.ts';

function defaults(draft: Deployment): void {
  const spec = draft.spec;
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ||= 'RollingUpdate';
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%';
    spec.strategy.rollingUpdate.maxSurge ??= '25%';
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  defaultPodTemplate(spec.template);
}

const columns: readonly Column<Deployment>[] = [
  nameColumn,
  text('Ready', 'Number of the pod with ready state', o => `${o.status?.readyReplicas ?? 0}/${o.spec.replicas ?? 0}`),
  { ...count('Up-to-date', 'Pods of the current template.', o => o.status?.updatedReplicas), type: 'string' },
  { ...count('Available', 'Pods that serve.', o => o.status?.availableReplicas), type: 'string' },
  ageColumn,
  ...containerColumns<Deployment>(o => o.spec.template),
  wide(text('Selector', 'Which pods belong to it.', o => formatSelector(o.spec.selector))),
];

export const deployment: KindBehaviour<Deployment> = {
  shortNames: ['deploy'],
  categories: ['all'],
  defaults,
  ...specStrategy<Deployment>(),
  prepareUpdate(draft, old) {
    keepStatus(draft, old);
    // Annotations count: `kubectl rollout` keeps its notes there, and the controller must see that they changed.
    const changed =
      !semanticallyEqual(draft.spec, old.spec) ||
      !semanticallyEqual(draft.metadata.annotations ?? {}, old.metadata.annotations ?? {});
    setGeneration(draft, old, changed);
  },
  prepareSubresource(draft, old, subresource) {
    if (subresource !== 'status') return;
    keepAllButStatus(draft, old);
    if (old.metadata.labels) draft.metadata.labels = old.metadata.labels;
    else delete draft.metadata.labels;
  },
  validateCreate: validateDeployment,
  validateUpdate: validateDeploymentUpdate,
  validateSubresource: validateDeploymentStatus,
  warnings: workloadWarnings<Deployment>(o => o.spec.template),
  columns,
};
