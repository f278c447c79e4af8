import type { Clock, Log } from '#base';
import type { Store } from '../store.ts';
import type { EtcdClusterOptions } from './cluster.ts';

export interface EtcdStoreOptions extends Pick<EtcdClusterOptions, 'endpoints' | 'tls' | 'user'> {
  /** What stands for `/registry` at the beginning of keys in etcd. Default that. */
  readonly prefix?: string;
  /** Watches lie below this; other keys can be read and written, but not watched. Default `/registry/`. */
  readonly scope?: string;
  /** False: nobody else compacts this etcd, so no key need say who does. Default true. */
  readonly isShared?: boolean;
}

/**
 * Opens a store in etcd 3.4 or newer. Rejects with StoreError `unavailable`, whose message names the endpoints and the remedy, when no member answers or it does not
 * take the credentials. The caller disposes the store. The driver is loaded only
 * here: a server with SQLite never needs it.
 */
export async function openEtcdStore(options: EtcdStoreOptions, deps: { clock: Clock; log: Log }): Promise<Store> {
  const { openWith } = await import('./opening.ts');
  return openWith(options, deps);
}
