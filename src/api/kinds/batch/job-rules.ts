import type { FieldError } from '../../kind.ts';
import type { Job, JobSpec } from '../../types.ts';
import { checkDomainPath } from '../domain-path.ts';
import { checkNonNegative, invalid, notSupported, required, tooLong } from '../field-error.ts';
import { checkLabelSelector, selectorMatches } from '../label-selector.ts';
import { checkLabel } from '../name-rules.ts';
import { checkPodTemplate } from '../pod-template.ts';
import { checkPodFailurePolicy, checkSuccessPolicy } from './job-policies.ts';

const modes: readonly string[] = ['NonIndexed', 'Indexed'];
const replacements: readonly string[] = ['Failed', 'TerminatingOrFailed'];
const restartPolicies: readonly string[] = ['OnFailure', 'Never'];
const maxParallelIndexes = 100_000;
const maxManyIndexes = 10_000;
const maxManagerLength = 63;
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
  checkSelector(errors, job.spec);
  checkPodNames(errors, job);
  return errors;
}

function checkSelector(errors: FieldError[], { selector, template }: JobSpec): void {
  const before = errors.length;
  if (selector) checkLabelSelector(errors, 'spec.selector', selector);
  const isWrong = errors.length > before;
  if (!selector) errors.push(required('spec.selector'));
  const labels = template?.metadata?.labels;
  // A selector that is missing matches nothing, and one of no form is not asked.
  if (isWrong || (selector && selectorMatches(selector, labels))) return;
  errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
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
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
  if (spec.managedBy !== undefined) checkManagedBy(errors, `${path}.managedBy`, spec.managedBy);
  const mode = spec.completionMode;
  if (mode !== undefined && !modes.includes(mode)) errors.push(notSupported(`${path}.completionMode`, mode, modes));
  if (mode === 'Indexed') checkIndexCounts(errors, path, spec);
  if (mode === undefined || mode === 'NonIndexed') {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      const value = spec[field];
      if (value !== undefined) errors.push(invalid(`${path}.${field}`, value, 'requires indexed completion mode'));
    }
  }
  if (spec.podFailurePolicy) checkPodFailurePolicy(errors, `${path}.podFailurePolicy`, spec);
  if (spec.successPolicy) checkSuccessPolicy(errors, `${path}.successPolicy`, spec);
  checkReplacement(errors, `${path}.podReplacementPolicy`, spec);
  checkPodTemplate(errors, `${path}.template`, spec.template);
  checkRestart(errors, `${path}.template.spec.restartPolicy`, spec);
}

function checkRestart(errors: FieldError[], path: string, spec: JobSpec): void {
  const policy = spec.template?.spec?.restartPolicy ?? '';
  if (policy === 'Always' || policy === '') errors.push(required(path, 'valid values: "OnFailure", "Never"'));
  else if (!restartPolicies.includes(policy)) errors.push(notSupported(path, policy, restartPolicies));
  else if (spec.podFailurePolicy && policy !== 'Never') {
    errors.push(invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
}

function checkIndexCounts(errors: FieldError[], path: string, spec: JobSpec): void {
  const { completions, parallelism = 0, maxFailedIndexes: most } = spec;
  if (completions === undefined) errors.push(required(`${path}.completions`, 'when completion mode is Indexed'));
  if (parallelism > maxParallelIndexes) {
    const detail = `must be less than or equal to ${maxParallelIndexes} when completion mode is Indexed`;
    errors.push(invalid(`${path}.parallelism`, parallelism, detail));
  }
  if (completions !== undefined && most !== undefined && most > completions) {
    errors.push(invalid(`${path}.maxFailedIndexes`, most, 'must be less than or equal to completions'));
  }
  if (most !== undefined && most > maxParallelIndexes) {
    errors.push(invalid(`${path}.maxFailedIndexes`, most, `must be less than or equal to ${maxParallelIndexes}`));
  }
  if ((completions ?? 0) <= maxParallelIndexes || spec.backoffLimitPerIndex === undefined) return;
  const when = `when completions are above ${maxParallelIndexes} and used with backoff limit per index`;
  const detail = `must be less than or equal to ${maxManyIndexes} ${when}`;
  if (most === undefined) {
    const text = `must be specified when completions is above ${maxParallelIndexes}`;
    errors.push(required(`${path}.maxFailedIndexes`, text));
  }
  if (parallelism > maxManyIndexes) errors.push(invalid(`${path}.parallelism`, parallelism, detail));
  if (most !== undefined && most > maxManyIndexes) errors.push(invalid(`${path}.maxFailedIndexes`, most, detail));
}

/** `example.com/controller`. */
function checkManagedBy(errors: FieldError[], path: string, name: string): void {
  checkDomainPath(errors, path, name);
  if (name.length > maxManagerLength) errors.push(tooLong(path, maxManagerLength));
}

function checkReplacement(errors: FieldError[], path: string, spec: JobSpec): void {
  const policy = spec.podReplacementPolicy;
  if (policy === undefined) return;
  const allowed = spec.podFailurePolicy ? ['Failed'] : replacements;
  if (!allowed.includes(policy)) errors.push(notSupported(path, policy, allowed));
}
