import type { KubeObject, Resource } from '#api';

/** The server's own view of what is stored: the watch cache, parsed. Objects are shared: never change them. Everything is synchronous. */
export interface ObjectReader {
  get<T extends KubeObject>(resource: Resource<T>, namespace: string | undefined, name: string): T | undefined;
  list<T extends KubeObject>(resource: Resource<T>, namespace?: string): readonly T[];
  /** Calls back after every change of the resource (also for the first filling); for indexes that plugins keep. */
  onChange<T extends KubeObject>(resource: Resource<T>, handle: (object: T, deleted: boolean) => void): Disposable;
}
