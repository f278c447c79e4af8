export type { Fairness, FairnessOptions } from './fairness.ts';
export { createFairness } from './fairness.ts';
export type { FairnessObjectsOptions, FairnessWriter } from './objects.ts';
export { startFairnessObjects } from './objects.ts';
