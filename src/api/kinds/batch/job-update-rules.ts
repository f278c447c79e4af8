import type { FieldError } from '../../kind.ts';
import type { Affinity, Container, Job, JobSpec, PodSpec, PodTemplateSpec } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { immutableMessage, invalid } from '../field-error.ts';
import { validateJob } from './job-rules.ts';

const fixedAfter = [
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

/** Source: batch/validation ValidateJobUpdate. */
export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const errors = validateJob(job);
  checkCompletions(errors, job.spec, old.spec);
  const keep = (field: string, now: unknown, before: unknown) => {
    if (!semanticallyEqual(now, before)) errors.push(invalid(field, now, immutableMessage));
  };
  keep('spec.selector', job.spec.selector, old.spec.selector);
  if (!mayChangeTemplate(old)) keep('spec.template', job.spec.template, old.spec.template);
  else keep('spec.template.spec', job.spec.template?.spec, withMutableParts(old.spec.template, job.spec.template));
  for (const field of fixedAfter) keep(`spec.${field}`, job.spec[field], old.spec[field]);
  return errors;
}

/** An indexed job may grow and shrink, when all its indexes run at once. */
function checkCompletions(errors: FieldError[], spec: JobSpec, old: JobSpec): void {
  if (spec.completions === old.completions) return;
  const path = 'spec.completions';
  if (spec.completionMode !== 'Indexed') errors.push(invalid(path, spec.completions, immutableMessage));
  else if (spec.completions !== undefined && spec.completions !== spec.parallelism) {
    errors.push(invalid(path, spec.completions, 'can only be modified in tandem with spec.parallelism'));
  }
}

/** A suspended job without pods, which never ran or is known to be suspended. */
function mayChangeTemplate({ spec, status }: Job): boolean {
  const isKnown = status?.conditions?.some(({ type, status: is }) => type === 'Suspended' && is === 'True');
  return spec.suspend === true && (!status?.startTime || isKnown === true) && (status?.active ?? 0) === 0;
}

/** The old pod with what may change as it is now: where it shall go, and what its containers get. */
function withMutableParts(old: PodTemplateSpec | undefined, now: PodTemplateSpec | undefined): PodSpec | undefined {
  if (!old?.spec || !now?.spec) return old?.spec;
  const { nodeSelector, tolerations, schedulingGates, containers, initContainers } = now.spec;
  return {
    ...old.spec,
    ...{ nodeSelector, tolerations, schedulingGates },
    affinity: affinityOf(old.spec.affinity, now.spec.affinity),
    containers: withResources(old.spec.containers, containers) ?? [],
    initContainers: withResources(old.spec.initContainers, initContainers),
  };
}

function affinityOf(old: Affinity | undefined, now: Affinity | undefined): Affinity | undefined {
  if (!now) {
    if (!old) return undefined;
    const { nodeAffinity: _, ...rest } = old;
    return Object.keys(rest).length > 0 ? rest : undefined;
  }
  return { ...old, nodeAffinity: now.nodeAffinity };
}

function withResources(
  old: readonly Container[] | undefined,
  now: readonly Container[] | undefined,
): Container[] | undefined {
  if (!old) return undefined;
  if (old.length !== now?.length) return [...old];
  return old.map((container, index) => {
    const other = now[index]!;
    return other.name === container.name ? { ...container, resources: other.resources } : container;
  });
}
