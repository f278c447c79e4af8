export type { Change, Entry, Listing, ListOptions, Store, StoreErrorCode, WatchOptions, Write } from './store.ts';
export { StoreError } from './store.ts';
