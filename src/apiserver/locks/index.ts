export type { AcrossServersDeps, LockOf } from './across-servers.ts';
export { createAcrossServers } from './across-servers.ts';
export type { StoreLock, StoreLockDeps } from './store-lock.ts';
export { createStoreLock } from './store-lock.ts';
