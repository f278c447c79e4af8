import type { KubeList, KubeObject, Resource } from '#api';
import type { Request, Response } from '#wire';

/** Names one object; `namespace` only for namespaced resources. */
export interface ObjectRef {
  namespace?: string | undefined;
  name: string;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  /** `status`, `scale`, `binding`, `eviction`, ... */
  subresource?: string | undefined;
  dryRun?: boolean | undefined;
  fieldManager?: string | undefined;
}

export interface ListSelection extends CallOptions {
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  /** As in the URL: `app=web,tier!=db`. */
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  resourceVersion?: string | undefined;
  /** Objects have nothing but their metadata (and their kind is PartialObjectMetadata), where the server can do that. */
  metadataOnly?: boolean | undefined;
  /** The caller never changes what it gets: a server in this process may then hand out objects of its own. */
  shares?: boolean | undefined;
}

export interface Patch extends WriteOptions {
  type: 'json' | 'merge' | 'strategic' | 'apply';
  /** An object, or operations for `json`. */
  body: unknown;
  /** Only for `apply`: take fields over from other managers. */
  force?: boolean | undefined;
  /** True: who patches does not look at the answer, which then has nothing but metadata: for objects that may be large. */
  metadataOnly?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  gracePeriodSeconds?: number | undefined;
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
  dryRun?: boolean | undefined;
}

export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string; annotations?: Record<string, string> } } };

/**
 * The Kubernetes API for one identity. Every call rejects with ApiError for an answer that is a Status (see isNotFound, isConflict, ...),
 * and with ClientError `unreachable` when no answer came. Objects returned belong to the caller; objects from informers are shared and never changed.
 */
export interface Client {
  get<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options?: CallOptions & { subresource?: string },
  ): Promise<T>;
  /** All pages, fetched in chunks of 500. */
  list<T extends KubeObject>(resource: Resource<T>, selection?: ListSelection): Promise<KubeList<T>>;
  /** With `subresource` the object's metadata.name names the parent (pods/binding, pods/eviction, serviceaccounts/token). */
  create<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options?: WriteOptions,
  ): Promise<R>;
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, patch: Patch): Promise<T>;
  /** Resolves with the object or the Status that the server answered. */
  delete<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef, options?: DeleteOptions): Promise<unknown>;
  deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    selection: ListSelection,
    options?: DeleteOptions,
  ): Promise<void>;
  /** One watch request: ends when the server ends it, rejects with ApiError (410 as isExpired) when it says so. Resuming is the informer's work. */
  watch<T extends KubeObject>(
    resource: Resource<T>,
    selection: ListSelection & { allowBookmarks?: boolean; sendInitialEvents?: boolean; timeoutSeconds?: number },
  ): AsyncIterable<WatchEvent<T>>;
  /** Any request, any answer: for raw paths and streams. */
  raw(request: RawRequest): Promise<RawResponse>;
}

export interface RawRequest {
  method: string;
  /** Path with query. */
  path: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string | undefined;
  signal?: AbortSignal | undefined;
  /** As in ListSelection. */
  shares?: boolean | undefined;
}

export interface RawResponse {
  status: number;
  headers: Record<string, string>;
  /** The body as it arrives. */
  body: AsyncIterable<Uint8Array>;
  /** The answer to who shares, where the server is in this process; the body is empty then. */
  value?: unknown;
  /** The same for a stream. */
  values?: AsyncIterable<unknown> | undefined;
}

/** Carries one request to a server: over HTTPS, or by calling its Handler. */
export interface Transport extends AsyncDisposable {
  send(request: RawRequest): Promise<RawResponse>;
}

export type { Request, Response };
