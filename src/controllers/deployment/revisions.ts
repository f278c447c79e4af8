import type { Deployment, PodTemplateSpec, ReplicaSet } from '#api';
import { resources } from '#api';
import { equalContent } from '../hash.ts';
import { controllerRefTo } from '../owners.ts';
import { templateHash } from './template-hash.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';
export const hashLabel = 'pod-template-hash';

/** Annotations of a deployment that are not handed on to its sets. */
const ownAnnotations: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  ...[revisionAnnotation, historyAnnotation, desiredAnnotation, maxAnnotation],
  'deprecated.deployment.rollback.to',
]);

/** Upstream's limit for the list of earlier revisions of one set. */
const maxHistoryLength = 2000;

export const byCreation = (a: ReplicaSet, b: ReplicaSet): number =>
  compare(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') ||
  compare(a.metadata.name, b.metadata.name);

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The oldest set with the deployment's template: the one that it rolls to. */
export function findNewReplicaSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...sets].sort(byCreation).find(set => isSameTemplate(set.spec.template, deployment.spec.template));
}

/** Equal but for the hash that the controller itself puts there. */
export function isSameTemplate(one: PodTemplateSpec | undefined, other: PodTemplateSpec | undefined): boolean {
  return equalContent(withoutHash(one), withoutHash(other));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  const { creationTimestamp: __, ...metadata } = template?.metadata ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}

export function revisionOf(set: ReplicaSet): number {
  return Number.parseInt(set.metadata.annotations?.[revisionAnnotation] ?? '0', 10) || 0;
}

export function nextRevision(old: readonly ReplicaSet[]): string {
  return String(Math.max(0, ...old.map(revisionOf)) + 1);
}

/** Annotations of the new set: the deployment's, its revision, and the revisions that it had before (a rollback makes an old set new). */
export function newSetAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: string,
): Record<string, string> {
  const annotations = { ...set?.metadata.annotations };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!ownAnnotations.has(key)) annotations[key] = value;
  }
  const old = annotations[revisionAnnotation];
  if (old === undefined || (Number.parseInt(old, 10) || 0) < Number(revision)) {
    annotations[revisionAnnotation] = revision;
    if (old !== undefined && set) annotations[historyAnnotation] = historyWith(annotations[historyAnnotation], old);
  }
  return annotations;
}

function historyWith(history: string | undefined, revision: string): string {
  const all = history ? [...history.split(','), revision] : [revision];
  while (all.length > 1 && all.join(',').length > maxHistoryLength) all.shift();
  return all.join(',');
}

export function replicasAnnotations(desired: number, max: number): Record<string, string> {
  return { [desiredAnnotation]: String(desired), [maxAnnotation]: String(max) };
}

export interface NewReplicaSetInput {
  deployment: Deployment;
  replicas: number;
  maxReplicas: number;
  revision: string;
}

/** The set that a deployment rolls to, named by the hash of its template. */
export function buildReplicaSet({ deployment, replicas, maxReplicas, revision }: NewReplicaSetInput): ReplicaSet {
  const { metadata, spec, status } = deployment;
  const hash = templateHash(spec.template, status?.collisionCount);
  const { metadata: templateMetadata, ...template } = structuredClone(spec.template);
  const labels = { ...templateMetadata?.labels, [hashLabel]: hash };
  const { selector } = structuredClone(spec);
  return {
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace,
      labels,
      annotations: {
        ...newSetAnnotations(deployment, undefined, revision),
        ...replicasAnnotations(spec.replicas ?? 1, maxReplicas),
      },
      ownerReferences: [controllerRefTo(resources.deployments, deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: spec.minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...templateMetadata, labels } },
    },
  };
}
