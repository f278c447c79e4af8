export type { CompactionOptions } from './compaction.ts';
export { startCompaction } from './compaction.ts';
export type { EtcdTls } from './etcd/cluster.ts';
export type { EtcdStoreOptions } from './etcd/open.ts';
export { openEtcdStore } from './etcd/open.ts';
export type { SqliteStoreOptions } from './sqlite/open.ts';
export { openSqliteStore } from './sqlite/open.ts';
export type { Change, Entry, Listing, ListOptions, Store, StoreErrorCode, WatchOptions, Write } from './store.ts';
export { StoreError } from './store.ts';
