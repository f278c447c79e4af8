export type { FieldOptions, KindName } from './jobs.ts';
export type { Thread } from './thread.ts';
export { createThread } from './thread.ts';
