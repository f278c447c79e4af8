export type { Thread } from './thread.ts';
export { createThread } from './thread.ts';
