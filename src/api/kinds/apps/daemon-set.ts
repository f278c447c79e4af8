import type { Column, FieldError, KindBehaviour } from '../../kind.ts';
import type { DaemonSet } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, containerColumns, count, formatLabels, nameColumn, text, wide } from '../columns.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, forbidden, immutableMessage, invalid, notSupported, required } from '../field-error.ts';
import { checkAtMostAll, checkIntOrPercent, isZero } from '../int-or-percent.ts';
import { checkLabelSelector, formatSelector, isEmptySelector } from '../label-selector.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { checkPodTemplate, checkTemplateMatches } from '../pod-template.ts';
import { templateOnlyWarnings } from '../template-warnings.ts';

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
  checkSelector(errors, object);
  checkPodTemplate(errors, 'spec.template', spec.template);
  const policy = spec.template?.spec?.restartPolicy ?? '';
  if (policy !== 'Always') errors.push(notSupported('spec.template.spec.restartPolicy', policy, ['Always']));
  const deadline = spec.template?.spec?.activeDeadlineSeconds;
  if (deadline !== undefined) {
    const detail = 'activeDeadlineSeconds in DaemonSet is not Supported';
    errors.push(forbidden('spec.template.spec.activeDeadlineSeconds', detail));
  }
  checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds);
  checkStrategy(errors, object);
  checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  return errors;
}

/** Unlike with other workloads, a missing selector is told by the template that it does not match. */
function checkSelector(errors: FieldError[], { spec }: DaemonSet): void {
  const { selector, template } = spec;
  checkLabelSelector(errors, 'spec.selector', selector);
  if (errors.length === 0) checkTemplateMatches(errors, selector, template);
  if (selector && isEmptySelector(selector)) {
    errors.push(invalid('spec.selector', selector, 'empty selector is invalid for daemonset'));
  }
}

function checkStrategy(errors: FieldError[], object: DaemonSet): void {
  const { type = '', rollingUpdate } = object.spec.updateStrategy ?? {};
  const path = 'spec.updateStrategy';
  if (type === 'OnDelete') return;
  if (type !== 'RollingUpdate') {
    return void errors.push(notSupported(path, { Type: type, RollingUpdate: rollingUpdate ?? null }, strategies));
  }
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

/** Where apps/v1 keeps what older versions had in the spec: the server alone counts it. */
const generationAnnotation = 'deprecated.daemonset.template.generation';

function templateGenerationOf({ metadata }: DaemonSet): number {
  const text = metadata.annotations?.[generationAnnotation] ?? '';
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

function setTemplateGeneration(draft: DaemonSet, generation: number): void {
  draft.metadata.annotations = { ...draft.metadata.annotations, [generationAnnotation]: String(generation) };
}

const strategy = specStrategy<DaemonSet>();

const counters = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
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
  ...strategy,
  prepareCreate(draft, context) {
    strategy.prepareCreate(draft, context);
    setTemplateGeneration(draft, Math.max(templateGenerationOf(draft), 1));
  },
  prepareUpdate(draft, old, context) {
    const before = templateGenerationOf(old);
    const isSame = semanticallyEqual(draft.spec.template, old.spec.template);
    setTemplateGeneration(draft, isSame ? before : before + 1);
    strategy.prepareUpdate(draft, old, context);
  },
  prepareSubresource(draft, old, subresource, context) {
    strategy.prepareSubresource(draft, old, subresource, context);
    setTemplateGeneration(draft, templateGenerationOf(old));
  },
  validateCreate: validate,
  validateUpdate(object, old) {
    const isSame = semanticallyEqual(object.spec.selector, old.spec.selector);
    const errors = isSame ? [] : [invalid('spec.selector', object.spec.selector, immutableMessage)];
    return [...errors, ...validate(object)];
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
  warnings: templateOnlyWarnings<DaemonSet>(o => o.spec.template),
  columns,
};
