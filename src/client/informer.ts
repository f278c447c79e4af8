import type { KubeObject, Resource } from '#api';

export interface InformerEvent<T> {
  type: 'added' | 'updated' | 'deleted';
  /** The newest state; for `deleted` the last one seen. Shared: never change it. */
  object: T;
  /** Only for `updated`. */
  old?: T | undefined;
}

/** A local copy of all objects of a resource (or a selection), kept current by list and watch, which resumes by itself for ever. */
export interface Informer<T extends KubeObject> {
  /** Undefined when unknown. `namespace` is undefined for cluster-scoped objects. */
  get(namespace: string | undefined, name: string): T | undefined;
  byUid(uid: string): T | undefined;
  list(namespace?: string): T[];
  /** Objects for which the index function (given to `informers.of`) yields `value`. */
  byIndex(index: string, value: string): T[];
  /** Calls `handle` for every change from now on, and at once with `added` for all that is known. Must not throw. */
  onChange(handle: (event: InformerEvent<T>) => void): Disposable;
  /** True after the first complete listing. */
  synced(): boolean;
  /** Resolves at the first complete listing; rejects when the informers are disposed before. */
  whenSynced(): Promise<void>;
}

export interface InformerOptions<T> {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Objects have nothing but what names them, who owns them and what their deletion waits for (and their kind is PartialObjectMetadata). */
  ownershipOnly?: boolean;
  /** Named functions from an object to the values under which byIndex finds it. */
  indexes?: Record<string, (object: T) => readonly string[]>;
}

/** The informers of one identity: asking twice for the same selection gives the same informer; indexes are added to it. */
export interface Informers extends AsyncDisposable {
  of<T extends KubeObject>(resource: Resource<T>, options?: InformerOptions<T>): Informer<T>;
  /** Ends the informer of a selection, if there is one. For who knows that nobody else uses it: it tells nothing more, and `of` makes another. */
  leave<T extends KubeObject>(resource: Resource<T>, options?: InformerOptions<T>): void;
  /** Resolves when every informer asked for so far has synced. */
  whenSynced(signal?: AbortSignal): Promise<void>;
}
