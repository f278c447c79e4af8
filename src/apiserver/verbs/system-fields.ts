import type { Kind, UnknownObject } from '#api';
import { apiVersionOf } from '#api';
import { formatTime } from '#base';
import type { Core } from '../core.ts';
import { badRequest, StatusError } from '../errors.ts';

/** Upstream's lengths: 63 characters for a name, of which five are made up. */
const suffixLength = 5;
const maxPrefixLength = 63 - suffixLength;

/** `generateName` with five characters behind it. */
export function generateName(core: Core, prefix: string): string {
  return prefix.slice(0, maxPrefixLength) + core.random.suffix(suffixLength);
}

/** What only the server says about a new object. */
export function fillNewMetadata(core: Core, draft: UnknownObject): void {
  const { metadata } = draft;
  metadata.uid = core.random.uuid();
  metadata.creationTimestamp = formatTime(core.clock.now());
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  if (!metadata.name && metadata.generateName) metadata.name = generateName(core, metadata.generateName);
}

/** A body must be of the kind that its URL serves. `wanted` differs from the resource's own kind for subresources. */
export function checkType(object: UnknownObject, wanted: { group: string; version: string; kind: string }): void {
  const apiVersion = apiVersionOf(wanted);
  object.apiVersion ??= apiVersion;
  object.kind ??= wanted.kind;
  if (object.kind !== wanted.kind) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${wanted.kind}): no kind "${object.kind}" is registered for version "${object.apiVersion}"`,
    );
  }
  if (object.apiVersion !== apiVersion) {
    throw badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`,
    );
  }
}

/** The namespace of the URL goes into the object; another one in the object is a mistake. Cluster-scoped objects have none. */
export function alignNamespace(kind: Kind, draft: UnknownObject, namespace: string | undefined): void {
  const { metadata } = draft;
  if (!kind.namespaced) {
    if (metadata.namespace) throw badRequest('namespace may not be set on cluster-scoped objects');
    delete metadata.namespace;
    return;
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (namespace) metadata.namespace = namespace;
}

/** An update must name the object of its URL. */
export function alignName(draft: UnknownObject, name: string): void {
  const { metadata } = draft;
  if (metadata.name && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  metadata.name = name;
}

/** A new object has no resourceVersion; upstream answers this one with a bare 500. */
export function refuseResourceVersion(): StatusError {
  return new StatusError({
    code: 500,
    reason: '',
    message: 'resourceVersion should not be set on objects to be created',
  });
}

/** What an update cannot change, taken over from the old object when the new one leaves it out. */
export function inheritMetadata(draft: UnknownObject, old: UnknownObject): void {
  const [to, from] = [draft.metadata, old.metadata];
  to.uid ||= from.uid;
  to.creationTimestamp ||= from.creationTimestamp;
  delete to.selfLink;
  if (from.generateName && !to.generateName) to.generateName = from.generateName;
  for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    // Deletion is asked for with DELETE only: an update neither begins nor ends it.
    if (to[field] === undefined && from[field] !== undefined) Object.assign(to, { [field]: from[field] });
  }
  if (from.generation === undefined) delete to.generation;
  else to.generation = from.generation;
}
