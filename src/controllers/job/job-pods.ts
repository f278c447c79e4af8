import type { Container, Job, Pod } from '#api';
import { resources } from '#api';
import { controllerRefTo } from '../owners.ts';
import { podFromTemplate } from '../pods.ts';

export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

export const isIndexed = (job: Job): boolean => job.spec.completionMode === 'Indexed';

export const isTracked = (pod: Pod): boolean => pod.metadata.finalizers?.includes(trackingFinalizer) === true;

/** The completion index of a pod; undefined when it has none that can be. */
export function indexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[indexAnnotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

export const succeeded = (pod: Pod): boolean => pod.status?.phase === 'Succeeded';

/** A pod that is being deleted counts as failed at once, unless only failed ones are replaced (KEP-3939). */
export function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && pod.metadata.deletionTimestamp !== undefined && !succeeded(pod);
}

export function replacesOnlyFailed({ spec }: Job): boolean {
  return (spec.podReplacementPolicy ?? (spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed')) === 'Failed';
}

/** A pod of the job, tracked by a finalizer so that its end is counted once and only once. */
export function buildJobPod(job: Job, index: number | undefined): Pod {
  const pod = podFromTemplate(job.spec.template, job, controllerRefTo(resources.jobs, job));
  const { metadata, spec } = pod;
  metadata.finalizers = [...(metadata.finalizers ?? []), trackingFinalizer];
  if (index === undefined) return pod;
  metadata.annotations = { ...metadata.annotations, [indexAnnotation]: String(index) };
  metadata.labels = { ...metadata.labels, [indexAnnotation]: String(index) };
  metadata.generateName = `${job.metadata.name}-${index}-`;
  spec.hostname = `${job.metadata.name}-${index}`;
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) addIndexVariable(container);
  return pod;
}

function addIndexVariable(container: Container): void {
  const name = 'JOB_COMPLETION_INDEX';
  if (container.env?.some(variable => variable.name === name)) return;
  const valueFrom = { fieldRef: { fieldPath: `metadata.labels['${indexAnnotation}']` } };
  container.env = [...(container.env ?? []), { name, valueFrom }];
}

/** Restarts of a pod's containers, which count against the backoff limit where the kubelet restarts them. */
export function restartsOf(pod: Pod): number {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].reduce((sum, status) => sum + status.restartCount, 0);
}
