import type { KubeObject, Resource } from '#api';
import type { DeleteOptions, ListSelection, ObjectRef, Patch, WriteOptions } from './client.ts';

type Query = Record<string, string | number | boolean | undefined>;

/** URL path of a collection, an object or a subresource, percent-encoded. */
export function pathOf<T extends KubeObject>(
  resource: Resource<T>,
  ref: { namespace?: string | undefined; name?: string | undefined },
  subresource?: string,
): string {
  const base = resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`;
  const parts = [base];
  if (resource.namespaced && ref.namespace) parts.push('namespaces', encodeURIComponent(ref.namespace));
  parts.push(resource.resource);
  if (ref.name !== undefined) parts.push(encodeURIComponent(ref.name));
  if (subresource) parts.push(subresource);
  return parts.join('/');
}

/** Appends a query; members that are undefined are left out. */
export function withQuery(path: string, query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Query members of writes. */
export function writeQuery(options: WriteOptions | undefined, fieldManager: string | undefined): Query {
  return { dryRun: options?.dryRun ? 'All' : undefined, fieldManager: options?.fieldManager ?? fieldManager };
}

/** Query members that select objects. */
export function selectionQuery(selection: ListSelection | undefined): Query {
  return {
    labelSelector: selection?.labelSelector || undefined,
    fieldSelector: selection?.fieldSelector || undefined,
    resourceVersion: selection?.resourceVersion,
  };
}

/** Body of a DELETE. */
export function deleteBody(options: DeleteOptions | undefined): string | undefined {
  if (!options) return undefined;
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = options;
  return JSON.stringify({
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds,
    propagationPolicy,
    preconditions,
    dryRun: dryRun ? ['All'] : undefined,
  });
}

export const patchContentTypes: Readonly<Record<Patch['type'], string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** Where an object lives. */
export function refOf(object: KubeObject): ObjectRef {
  return { namespace: object.metadata.namespace, name: object.metadata.name };
}
