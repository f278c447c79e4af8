import type { Column, FieldError, KindBehaviour } from '../../kind.ts';
import type { DaemonSet } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, containerColumns, count, formatLabels, nameColumn, text, wide } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, immutableMessage, invalid, notSupported, required } from '../field-error.ts';
import { checkAtMostAll, checkIntOrPercent, isZero } from '../int-or-percent.ts';
import { formatSelector } from '../label-selector.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { checkPodTemplate, checkTemplateMatches, checkWorkloadSelector } from '../pod-template.ts';
import { workloadWarnings } from '../template-warnings.ts';

const strategies: readonly string[] = ['RollingUpdate', 'OnDelete'];

function defaults(draft: DaemonSet): void {
  const spec = draft.spec;
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ||= 'RollingUpdate';
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
}

function validate(object: DaemonSet): FieldError[] {
  const errors: FieldError[] = [];
  const { spec } = object;
  checkWorkloadSelector(errors, spec.selector, 'daemonset');
  checkTemplateMatches(errors, spec.selector, spec.template);
  checkPodTemplate(errors, 'spec.template', spec.template);
  const policy = spec.template?.spec?.restartPolicy ?? '';
  if (policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  const deadline = spec.template?.spec?.activeDeadlineSeconds;
  if (deadline !== undefined) {
    errors.push(invalid('spec.template.spec.activeDeadlineSeconds', deadline, 'must not be specified'));
  }
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  checkStrategy(errors, object);
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  return errors;
}

function checkStrategy(errors: FieldError[], object: DaemonSet): void {
  const { type = '', rollingUpdate } = object.spec.updateStrategy ?? {};
  const path = 'spec.updateStrategy';
  if (type === 'OnDelete') return;
  if (type !== 'RollingUpdate') return void errors.push(notSupported(path, object.spec.updateStrategy, strategies));
  if (!rollingUpdate) return void errors.push(required(`${path}.rollingUpdate`));
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
  checkIntOrPercent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  checkAtMostAll(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable);
  checkIntOrPercent(errors, `${path}.rollingUpdate.maxSurge`, maxSurge);
  checkAtMostAll(errors, `${path}.rollingUpdate.maxSurge`, maxSurge);
  if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
    const detail = 'may not be set when maxUnavailable is non-zero';
    errors.push(invalid(`${path}.rollingUpdate.maxSurge`, maxSurge, detail));
  } else if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.push(required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  }
}

const counters = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
] as const;

const columns: readonly Column<DaemonSet>[] = [
  nameColumn,
  count('Desired', 'Nodes that shall run a pod.', o => o.status?.desiredNumberScheduled),
  count('Current', 'Nodes that run a pod.', o => o.status?.currentNumberScheduled),
  count('Ready', 'Nodes with a ready pod.', o => o.status?.numberReady),
  count('Up-to-date', 'Nodes with a pod of the current template.', o => o.status?.updatedNumberScheduled),
  count('Available', 'Nodes with a pod that serves.', o => o.status?.numberAvailable),
  text('Node Selector', 'Which nodes are meant.', o => formatLabels(o.spec.template?.spec?.nodeSelector)),
  ageColumn,
  ...containerColumns<DaemonSet>(o => o.spec.template),
  wide(text('Selector', 'Which pods belong to it.', o => formatSelector(o.spec.selector))),
];

export const daemonSet: KindBehaviour<DaemonSet> = {
  shortNames: ['ds'],
  categories: ['all'],
  defaults,
  ...specStrategy<DaemonSet>(),
  validateCreate: validate,
  validateUpdate(object, old) {
    const errors = validate(object);
    if (!semanticallyEqual(object.spec.selector, old.spec.selector)) {
      errors.push(invalid('spec.selector', object.spec.selector, immutableMessage));
    }
    return errors;
  },
  validateSubresource(object, old) {
    const errors: FieldError[] = [];
    for (const field of counters) checkNonNegative(errors, `status.${field}`, object.status?.[field]);
    const collisions = object.status?.collisionCount ?? 0;
    if (collisions < (old.status?.collisionCount ?? 0)) {
      errors.push(invalid('status.collisionCount', collisions, 'cannot be decremented'));
    }
    return errors;
  },
  warnings: workloadWarnings<DaemonSet>(o => o.spec.template),
  columns,
};
