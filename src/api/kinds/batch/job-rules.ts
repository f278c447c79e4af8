import type { FieldError } from '../../kind.ts';
import type { Job, JobSpec, PodTemplateSpec } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { checkNonNegative, immutableMessage, invalid, notSupported, pushInvalid, required } from '../field-error.ts';
import { checkLabelSelector, selectorMatches } from '../label-selector.ts';
import { checkLabel, checkPathSegment, checkSubdomain } from '../name-rules.ts';
import { checkPodTemplate } from '../pod-template.ts';
import { checkPodFailurePolicy, checkSuccessPolicy } from './job-policies.ts';

const modes: readonly string[] = ['Indexed', 'NonIndexed'];
const replacements: readonly string[] = ['Failed', 'TerminatingOrFailed'];
const restartPolicies: readonly string[] = ['OnFailure', 'Never'];
const maxParallelIndexes = 100_000;
const maxManyIndexes = 10_000;
const counters = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;
const legacyUid = 'controller-uid';
const legacyName = 'job-name';
const prefix = 'batch.kubernetes.io/';

export function validateJob(job: Job): FieldError[] {
  const errors: FieldError[] = [];
  checkGeneratedSelector(errors, job);
  checkJobSpec(errors, 'spec', job.spec);
  if (!job.spec.selector) errors.push(required('spec.selector'));
  else {
    checkLabelSelector(errors, 'spec.selector', job.spec.selector);
    const labels = job.spec.template?.metadata?.labels;
    if (!selectorMatches(job.spec.selector, labels)) {
      errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
    }
  }
  checkPodNames(errors, job);
  return errors;
}

/** Indexed jobs name their pods after themselves and the highest index. */
function checkPodNames(errors: FieldError[], job: Job): void {
  const { completionMode, completions } = job.spec;
  if (completionMode !== 'Indexed' || !completions || completions <= 0) return;
  const longest = `${job.metadata.name}-${completions - 1}`;
  const messages = checkLabel(longest);
  if (messages.length === 0) return;
  const text = `will not able to create pod with invalid DNS label: ${longest}`;
  errors.push(invalid('metadata.name', job.metadata.name, text));
}

function checkGeneratedSelector(errors: FieldError[], job: Job): void {
  if (job.spec.manualSelector || !job.spec.selector) return;
  const { uid = '', name } = job.metadata;
  if (!uid) errors.push(required('metadata.uid'));
  const labels = job.spec.template?.metadata?.labels ?? {};
  const expected: Record<string, string> = {
    [prefix + legacyUid]: uid,
    [prefix + legacyName]: name,
    [legacyUid]: uid,
    [legacyName]: name,
  };
  for (const key in expected) {
    const field = `spec.template.metadata.labels[${key}]`;
    if (labels[key] === undefined) errors.push(required(field, `must be '${expected[key]}'`));
    else if (labels[key] !== expected[key]) errors.push(invalid(field, labels[key], `must be '${expected[key]}'`));
  }
  if (!selectorMatches(job.spec.selector, expected)) {
    errors.push(invalid('spec.selector', job.spec.selector, '`selector` not auto-generated'));
  }
}

/** What jobs and the templates of cron jobs have in common. */
export function checkJobSpec(errors: FieldError[], path: string, spec: JobSpec): void {
  for (const field of counters) checkNonNegative(errors, `${path}.${field}`, spec[field]);
  checkIndexed(errors, path, spec);
  if (spec.managedBy !== undefined) checkManagedBy(errors, `${path}.managedBy`, spec.managedBy);
  const mode = spec.completionMode;
  if (mode !== undefined && !modes.includes(mode)) errors.push(notSupported(`${path}.completionMode`, mode, modes));
  if (mode === 'Indexed') checkIndexCounts(errors, path, spec);
  const policy = spec.template?.spec?.restartPolicy ?? '';
  if (spec.podFailurePolicy) checkPodFailurePolicy(errors, `${path}.podFailurePolicy`, spec);
  if (spec.successPolicy) checkSuccessPolicy(errors, `${path}.successPolicy`, spec);
  checkReplacement(errors, `${path}.podReplacementPolicy`, spec);
  checkPodTemplate(errors, `${path}.template`, spec.template);
  const field = `${path}.template.spec.restartPolicy`;
  if (policy === 'Always') errors.push(required(field, 'valid values: "OnFailure", "Never"'));
  else if (!restartPolicies.includes(policy)) {
    errors.push(notSupported(field, policy, restartPolicies));
  } else if (spec.podFailurePolicy && policy !== 'Never') {
    const detail = 'only "Never" is supported when podFailurePolicy is specified';
    errors.push(invalid(field, policy, detail));
  }
}

function checkIndexed(errors: FieldError[], path: string, spec: JobSpec): void {
  if (spec.backoffLimitPerIndex !== undefined && spec.completionMode !== 'Indexed') {
    errors.push(invalid(`${path}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, 'requires indexed completion mode'));
  }
  const most = spec.maxFailedIndexes;
  if (most === undefined) return;
  if (spec.completions !== undefined && most > spec.completions) {
    const detail = `must be less than or equal to ${spec.completions}`;
    errors.push(invalid(`${path}.maxFailedIndexes`, most, detail));
  }
  if (most > maxParallelIndexes) {
    const detail = `must be less than or equal to ${maxParallelIndexes}`;
    errors.push(invalid(`${path}.maxFailedIndexes`, most, detail));
  }
  if (spec.backoffLimitPerIndex === undefined) {
    errors.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
}

function checkIndexCounts(errors: FieldError[], path: string, spec: JobSpec): void {
  if (spec.completions === undefined) {
    errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  }
  if ((spec.parallelism ?? 0) > maxParallelIndexes) {
    const detail = `must be less than or equal to ${maxParallelIndexes} when completion mode is Indexed`;
    errors.push(invalid(`${path}.parallelism`, spec.parallelism, detail));
  }
  if ((spec.completions ?? 0) <= maxParallelIndexes || spec.backoffLimitPerIndex === undefined) return;
  const detail = `must be less than or equal to ${maxManyIndexes} when completions are above ${maxParallelIndexes}`;
  if (spec.maxFailedIndexes === undefined) {
    errors.push(
      required(`${path}.maxFailedIndexes`, `must be specified when completions is above ${maxParallelIndexes}`),
    );
  } else if (spec.maxFailedIndexes > maxManyIndexes) {
    errors.push(invalid(`${path}.maxFailedIndexes`, spec.maxFailedIndexes, detail));
  }
  if ((spec.parallelism ?? 0) > maxManyIndexes) errors.push(invalid(`${path}.parallelism`, spec.parallelism, detail));
}

/** `example.com/controller`. */
function checkManagedBy(errors: FieldError[], path: string, name: string): void {
  const [domain = '', rest = ''] = [name.split('/')[0], name.split('/').slice(1).join('/')];
  if (!domain || !rest) {
    errors.push(invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")'));
    return;
  }
  pushInvalid(errors, path, domain, checkSubdomain(domain));
  if (name.length > 63)
    errors.push({
      ...invalid(path, name, ''),
      reason: 'FieldValueTooLong',
      message: 'Too long: may not be more than 63 bytes',
    });
  for (const segment of rest.split('/')) pushInvalid(errors, path, segment, checkPathSegment(segment));
}

function checkReplacement(errors: FieldError[], path: string, spec: JobSpec): void {
  const policy = spec.podReplacementPolicy;
  if (policy === undefined) return;
  const allowed = spec.podFailurePolicy ? ['Failed'] : replacements;
  if (!allowed.includes(policy)) errors.push(notSupported(path, policy, allowed));
}

export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const errors = validateJob(job);
  checkCompletionsUpdate(errors, job.spec, old.spec);
  if (!semanticallyEqual(job.spec.selector, old.spec.selector)) {
    errors.push(invalid('spec.selector', job.spec.selector, immutableMessage));
  }
  if (!semanticallyEqual(munged(job.spec.template, job, old), old.spec.template)) {
    errors.push(invalid('spec.template', job.spec.template, immutableMessage));
  }
  for (const field of [
    'completionMode',
    'podFailurePolicy',
    'backoffLimitPerIndex',
    'managedBy',
    'successPolicy',
  ] as const) {
    if (!semanticallyEqual(job.spec[field], old.spec[field])) {
      errors.push(invalid(`spec.${field}`, job.spec[field], immutableMessage));
    }
  }
  return errors;
}

/** An indexed job may grow and shrink, when all its indexes run at once. */
function checkCompletionsUpdate(errors: FieldError[], spec: JobSpec, old: JobSpec): void {
  if (spec.completions === old.completions) return;
  const elastic = spec.completionMode === 'Indexed' && spec.completions !== undefined && old.completions !== undefined;
  if (!elastic) errors.push(invalid('spec.completions', spec.completions, immutableMessage));
  else if (spec.completions !== spec.parallelism || old.completions !== old.parallelism) {
    const detail = 'can only be modified in tandem with parallelism';
    errors.push(invalid('spec.completions', spec.completions, `${detail}`));
  }
}

/** While a job is suspended and has not run, where its pods shall go may still change. */
function munged(template: PodTemplateSpec | undefined, job: Job, old: Job): PodTemplateSpec | undefined {
  const suspended = old.spec.suspend && !old.status?.startTime;
  if (!suspended || !template || !job.spec.template || !old.spec.template?.spec) return template;
  const { metadata, spec } = old.spec.template;
  const { nodeSelector, tolerations, schedulingGates, affinity } = spec;
  const kept = {
    nodeSelector,
    tolerations,
    schedulingGates,
    affinity:
      template.spec?.affinity || affinity
        ? { ...template.spec?.affinity, nodeAffinity: affinity?.nodeAffinity }
        : affinity,
  };
  const result: PodTemplateSpec = { metadata: { ...template.metadata } };
  if (template.spec) result.spec = { ...template.spec, ...kept };
  if (metadata?.labels) result.metadata = { ...result.metadata, labels: metadata.labels };
  if (metadata?.annotations) result.metadata = { ...result.metadata, annotations: metadata.annotations };
  return result;
}
