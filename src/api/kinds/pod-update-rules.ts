import type { FieldError } from '../kind.ts';
import type { Container, NodeAffinity, Pod, PodSpec, Toleration } from '../types.ts';
import { describeDifference } from './difference.ts';
import { semanticallyEqual } from './equality.ts';
import { forbidden, invalid, rangeMessage, required } from './field-error.ts';
import { eachAt } from './paths.ts';
import { checkMirrorAnnotation, validatePod } from './pod-rules.ts';

const maxInt32 = 2 ** 31 - 1;

const changeable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

/** A pod that exists: images, deadline and tolerations may change, little else. Source: ValidatePodUpdate. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = validatePod(pod);
  checkMirrorAnnotation(errors, pod, old);
  for (const list of ['containers', 'initContainers'] as const) {
    if (!checkImages(errors, `spec.${list}`, { now: pod.spec[list] ?? [], before: old.spec[list] ?? [] })) {
      return errors;
    }
  }
  if (!checkDeadline(errors, pod.spec, old.spec)) return errors;
  checkTolerationUpdate(errors, pod.spec.tolerations, old.spec.tolerations);
  const gates = new Set((old.spec.schedulingGates ?? []).map(gate => gate.name));
  eachAt('spec.schedulingGates', pod.spec.schedulingGates, (at, { name }) => {
    if (gates.has(name)) return;
    errors.push(forbidden(`${at}.name`, `only deletion is allowed, but found new scheduling gate '${name}'`));
  });
  if (!semanticallyEqual(pod.spec, old.spec)) checkRest(errors, pod.spec, old.spec);
  return errors;
}

function checkImages(
  errors: FieldError[],
  path: string,
  { now, before }: { now: readonly Container[]; before: readonly Container[] },
): boolean {
  if (now.length !== before.length) {
    errors.push(forbidden(path, 'pod updates may not add or remove containers'));
    return false;
  }
  eachAt(path, now, (at, container) => {
    if (!container.image) errors.push(required(`${at}.image`));
  });
  return true;
}

function checkDeadline(errors: FieldError[], spec: PodSpec, old: PodSpec): boolean {
  const field = 'spec.activeDeadlineSeconds';
  const now = spec.activeDeadlineSeconds;
  const before = old.activeDeadlineSeconds;
  if (now === undefined) {
    if (before !== undefined) {
      errors.push(invalid(field, now, 'must not update from a positive integer to nil value'));
    }
    return true;
  }
  if (now < 0 || now > maxInt32) errors.push(invalid(field, now, rangeMessage(0, maxInt32)));
  else if (before !== undefined && before < now) {
    errors.push(invalid(field, now, 'must be less than or equal to previous value'));
  } else return true;
  return false;
}

function checkTolerationUpdate(
  errors: FieldError[],
  now: readonly Toleration[] | undefined,
  before: readonly Toleration[] | undefined,
): void {
  for (const old of before ?? []) {
    const kept = now?.some(next => semanticallyEqual({ ...old, tolerationSeconds: next.tolerationSeconds }, next));
    if (kept) continue;
    const detail = 'existing toleration can not be modified except its tolerationSeconds';
    errors.push(forbidden('spec.tolerations', detail));
    return;
  }
}

/** Everything that is left must be as it was. */
function checkRest(errors: FieldError[], spec: PodSpec, old: PodSpec): void {
  const munged: PodSpec = {
    ...spec,
    containers: withOldImages(spec.containers, old.containers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
  };
  if (spec.initContainers) munged.initContainers = withOldImages(spec.initContainers, old.initContainers ?? []);
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    munged.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  }
  if (old.schedulingGates?.length) allowGatedChanges(errors, munged, old);
  if (semanticallyEqual(munged, old)) return;
  const difference = describeDifference(old, munged);
  errors.push(forbidden('spec', `pod updates may not change fields other than ${changeable}\n${difference}`));
}

function withOldImages(containers: readonly Container[], old: readonly Container[]): Container[] {
  return containers.map((container, index) => ({ ...container, image: old[index]?.image }));
}

/** A pod that the scheduler does not look at yet may still narrow the choice of its node. */
function allowGatedChanges(errors: FieldError[], munged: PodSpec, old: PodSpec): void {
  if (!semanticallyEqual(munged.nodeSelector ?? {}, old.nodeSelector ?? {})) {
    for (const key in old.nodeSelector) {
      if (munged.nodeSelector?.[key] === old.nodeSelector[key]) continue;
      const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
      errors.push(invalid('spec.nodeSelector', munged.nodeSelector, detail));
      break;
    }
    munged.nodeSelector = old.nodeSelector;
  }
  const before = old.affinity?.nodeAffinity;
  const now = munged.affinity?.nodeAffinity;
  if (semanticallyEqual(before, now)) return;
  checkNodeAffinityChange(errors, now, before);
  const rest = { ...munged.affinity, nodeAffinity: before };
  const empty = !rest.nodeAffinity && !rest.podAffinity && !rest.podAntiAffinity;
  munged.affinity = empty ? old.affinity : rest;
}

function checkNodeAffinityChange(
  errors: FieldError[],
  now: NodeAffinity | undefined,
  before: NodeAffinity | undefined,
): void {
  const field = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  const oldTerms = before?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const terms = now?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (oldTerms.length > 0 && oldTerms.length !== terms.length) {
    const detail = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    errors.push(invalid(field, terms, detail));
    return;
  }
  oldTerms.forEach((old, index) => {
    const term = terms[index]!;
    const kept = (['matchExpressions', 'matchFields'] as const).every(part =>
      (old[part] ?? []).every((requirement, at) => semanticallyEqual(requirement, term[part]?.[at])),
    );
    if (!kept) {
      errors.push(invalid(`${field}[${index}]`, term, 'only additions are allowed (no mutations or deletions)'));
    }
  });
}
