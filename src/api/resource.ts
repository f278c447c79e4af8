import type { ListMeta, Metadata } from './types.ts';

/** Any object that the API serves: built in or custom. */
export interface KubeObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: Metadata;
}

/** An object of which nothing but the envelope is known. */
export interface UnknownObject extends KubeObject {
  [field: string]: unknown;
}

export interface KubeList<T> {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ListMeta;
  items: T[];
}

/** A place in the API that serves objects of type T. The constants in resources.ts name the built-in ones. */
export interface Resource<T extends KubeObject = UnknownObject> {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural name, as in the URL. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Only for the type checker: which type the objects have. Never set. */
  readonly objectType?: T;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: { group: string; version: string }): string {
  return resource.group ? `${resource.group}/${resource.version}` : resource.version;
}

/** `pods` or `deployments.apps`. */
export function groupResourceOf(resource: { group: string; resource: string }): string {
  return resource.group ? `${resource.resource}.${resource.group}` : resource.resource;
}
