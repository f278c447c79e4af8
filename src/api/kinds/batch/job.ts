import type { Column, KindBehaviour } from '../../kind.ts';
import type { Job, JobSpec } from '../../types.ts';
import { countGeneration, keepAllButStatus, keepStatus } from '../behaviour.ts';
import { ageColumn, containerColumns, nameColumn, text, wide } from '../columns.ts';
import { humanDuration } from '../duration.ts';
import { formatSelector } from '../label-selector.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { workloadWarnings } from '../template-warnings.ts';
import { validateJob } from './job-rules.ts';
import { validateJobStatus } from './job-status-rules.ts';
import { validateJobUpdate } from './job-update-rules.ts';

const maxInt32 = 2 ** 31 - 1;

/** The labels that tie pods to their job: the new names, and the old ones that clients still select by. */
export const uidLabels = ['batch.kubernetes.io/controller-uid', 'controller-uid'] as const;
export const nameLabels = ['batch.kubernetes.io/job-name', 'job-name'] as const;

/** Fills in a job's spec: of a job, or of a cron job's template. */
export function defaultJobSpec(spec: JobSpec): void {
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed';
  spec.manualSelector ??= false;
  defaultFailurePolicy(spec);
  defaultPodTemplate(spec.template);
}

/** A pattern without a status means that the condition is true. */
export function defaultFailurePolicy(spec: JobSpec): void {
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
}

/** A job selects its pods by its own identity, unless the user insists on doing it himself. The server has set name and uid before. */
function generateSelector(draft: Job): void {
  const { spec, metadata } = draft;
  const uid = metadata.uid ?? '';
  spec.template.metadata ??= {};
  spec.template.metadata.labels ??= {};
  const labels = spec.template.metadata.labels;
  for (const key of nameLabels) labels[key] ??= metadata.name;
  for (const key of uidLabels) labels[key] ??= uid;
  spec.selector ??= {};
  spec.selector.matchLabels ??= {};
  spec.selector.matchLabels[uidLabels[0]] ??= uid;
}

function formatStatus(job: Job): string {
  const has = (type: string) => job.status?.conditions?.some(c => c.type === type && c.status === 'True');
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function formatCompletions(job: Job): string {
  const done = job.status?.succeeded ?? 0;
  if (job.spec.completions !== undefined) return `${done}/${job.spec.completions}`;
  const parallelism = job.spec.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function formatDuration(job: Job, nowMs: number): string {
  const { startTime, completionTime } = job.status ?? {};
  if (!startTime) return '';
  return humanDuration((completionTime ? Date.parse(completionTime) : nowMs) - Date.parse(startTime));
}

const columns: readonly Column<Job>[] = [
  nameColumn,
  text('Status', 'Status of the job.', formatStatus),
  text('Completions', 'How many pods have succeeded, of how many.', formatCompletions),
  text('Duration', 'Time required to complete the job.', formatDuration),
  ageColumn,
  ...containerColumns<Job>(o => o.spec.template),
  wide(text('Selector', 'Which pods belong to it.', o => formatSelector(o.spec.selector))),
];

const manyIndexes =
  'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail';

/** What is odd with the spec of a job, beside its pods. */
export function warnAboutManyIndexes(path: string, spec: JobSpec | undefined): string[] {
  const { completionMode, completions = 0, parallelism = 0 } = spec ?? {};
  const isMuch = completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000;
  return isMuch ? [`${path}: ${manyIndexes}`] : [];
}

export const job: KindBehaviour<Job> = {
  categories: ['all'],
  defaults(draft) {
    defaultJobSpec(draft.spec);
    const labels = draft.spec.template?.metadata?.labels;
    if (labels && Object.keys(draft.metadata.labels ?? {}).length === 0) draft.metadata.labels = { ...labels };
  },
  prepareCreate(draft) {
    if (!draft.spec.manualSelector) generateSelector(draft);
    delete draft.status;
    draft.metadata.generation = 1;
  },
  prepareUpdate(draft, old) {
    keepStatus(draft, old);
    countGeneration(draft, old);
  },
  prepareSubresource(draft, old, subresource) {
    if (subresource === 'status') keepAllButStatus(draft, old);
  },
  validateCreate: validateJob,
  validateUpdate: validateJobUpdate,
  validateSubresource: validateJobStatus,
  warnings: workloadWarnings<Job>(
    o => o.spec.template,
    'spec.template',
    o => warnAboutManyIndexes('spec', o.spec),
  ),
  columns,
  selectableFields: { 'status.successful': o => String(o.status?.succeeded ?? 0) },
};
