export type { SchedulerConfig } from './scheduler.ts';
export { schedulerReads, startScheduler } from './scheduler.ts';
