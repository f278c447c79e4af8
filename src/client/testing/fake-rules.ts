import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, Namespace, Pod, Resource } from '#api';
import { apiVersionOf, groupResourceOf } from '#api';
import type { Clock, Random } from '#base';
import { formatTime } from '#base';
import type { DeleteOptions, ObjectRef } from '../client.ts';
import { ApiError } from '../errors.ts';
import { plain } from './fake-store.ts';

/** What the rules ask of the world. */
export interface World {
  clock: Clock;
  random: Random;
}

type Loose = KubeObject & { status?: unknown; spec?: unknown };

/** A Status as the API server words it. */
export function refusal(code: number, reason: string, message: string, resource: Resource<KubeObject>, name: string) {
  const details = { name, group: resource.group, kind: resource.resource };
  return new ApiError({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message, details });
}

export function notFound(resource: Resource<KubeObject>, name: string): ApiError {
  return refusal(404, 'NotFound', `${groupResourceOf(resource)} "${name}" not found`, resource, name);
}

/** What is stored for a new object: named, stamped, without a status that its user made up. */
export function prepareCreate(resource: Resource<KubeObject>, given: KubeObject, world: World): KubeObject {
  const object: Loose = plain(given);
  const { metadata } = object;
  metadata.name ||= metadata.generateName ? metadata.generateName + world.random.suffix(5) : '';
  if (!metadata.name) {
    throw refusal(422, 'Invalid', `${resource.kind} is invalid: metadata.name: Required value`, resource, '');
  }
  if (resource.namespaced && !metadata.namespace) {
    throw refusal(400, 'BadRequest', 'an empty namespace may not be set during creation', resource, metadata.name);
  }
  if (!resource.namespaced) delete metadata.namespace;
  delete object.status;
  if (resource.kind === 'Pod') object.status = { phase: 'Pending', qosClass: 'BestEffort' };
  if (resource.kind === 'Namespace')
    Object.assign(object, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  Object.assign(metadata, { uid: world.random.uuid(), creationTimestamp: formatTime(world.clock.now()) });
  if (object.spec !== undefined) metadata.generation = 1;
  for (const name of ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const) delete metadata[name];
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

/** What is stored for an update of an object or of a part of it. Throws the conflicts that the API server would answer. */
export function prepareUpdate(
  resource: Resource<KubeObject>,
  old: KubeObject,
  given: KubeObject,
  subresource: string | undefined,
): KubeObject {
  const [before, after] = [old as Loose, plain(given) as Loose];
  const { metadata } = after;
  const stale = metadata.resourceVersion && metadata.resourceVersion !== old.metadata.resourceVersion;
  if (stale || (metadata.uid && metadata.uid !== old.metadata.uid)) throw conflict(resource, old.metadata.name);
  if (subresource === 'status' || subresource === 'approval') {
    // As most of upstream's status strategies, annotations come through.
    const changed = { ...before.metadata, annotations: metadata.annotations };
    return plain({ ...before, metadata: changed, status: after.status }) as KubeObject;
  }
  if (subresource === 'finalize') return { ...before, spec: after.spec } as KubeObject;
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, name, namespace } =
    old.metadata;
  Object.assign(metadata, { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, name, namespace });
  if (before.status === undefined) delete after.status;
  else after.status = before.status;
  metadata.generation = generation;
  if (generation !== undefined && !isDeepStrictEqual(after.spec, before.spec)) metadata.generation = generation + 1;
  return plain({ ...after, apiVersion: before.apiVersion, kind: before.kind });
}

export function conflict(resource: Resource<KubeObject>, name: string): ApiError {
  const message =
    `Operation cannot be fulfilled on ${groupResourceOf(resource)} "${name}": the object has been modified; ` +
    'please apply your changes to the latest version and try again';
  return refusal(409, 'Conflict', message, resource, name);
}

/** True when nothing holds a deleted object back any more. */
export function isGone(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (!deletionTimestamp || finalizers?.length || deletionGracePeriodSeconds) return false;
  return object.kind !== 'Namespace' || !(object as Namespace).spec?.finalizers?.length;
}

/** The object with its deletion begun: what is stored when something still holds it back. */
export function prepareDelete(old: KubeObject, options: DeleteOptions, clock: Clock): KubeObject {
  const object = structuredClone(old);
  const { metadata } = object;
  const finalizer = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: undefined }[
    options.propagationPolicy ?? 'Background'
  ];
  if (finalizer && !metadata.finalizers?.includes(finalizer)) {
    metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
  }
  const seconds = graceSeconds(object, options.gracePeriodSeconds);
  const earlier = metadata.deletionGracePeriodSeconds;
  if (!metadata.deletionTimestamp || (earlier !== undefined && seconds < earlier)) {
    metadata.deletionTimestamp = formatTime(clock.now() + seconds * 1000);
    metadata.deletionGracePeriodSeconds = seconds;
  }
  if (object.kind === 'Namespace')
    (object as Namespace).status = { ...(object as Namespace).status, phase: 'Terminating' };
  return object;
}

/** Only pods that a node may be running are given time. */
function graceSeconds(object: KubeObject, requested: number | undefined): number {
  if (object.kind !== 'Pod') return 0;
  const { spec, status } = object as Pod;
  if (!spec?.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  return requested ?? spec.terminationGracePeriodSeconds ?? 30;
}

/** Throws when the deletion was meant for another incarnation of the object. */
export function checkPreconditions(resource: Resource<KubeObject>, old: KubeObject, options: DeleteOptions): void {
  const { uid, resourceVersion } = options.preconditions ?? {};
  if (uid && uid !== old.metadata.uid) throw conflict(resource, old.metadata.name);
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw conflict(resource, old.metadata.name);
}

export const keyOfRef = (resource: Resource<KubeObject>, ref: ObjectRef): string =>
  `${resource.namespaced ? (ref.namespace ?? '') : ''}/${ref.name}`;
