export type { FieldOptions, KindName } from './jobs.ts';
export type { Threads } from './threads.ts';
export { createThreads } from './threads.ts';
