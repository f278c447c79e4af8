import watchers from './api-machinery/watchers.ts';
import type { Register } from './suite.ts';

/** All files with tests. */
export const registers: readonly Register[] = [watchers];
