/** The worker thread: does one job after the other. See `thread.ts`. */
import { parentPort } from 'node:worker_threads';
import type { JobName } from './jobs.ts';
import { answerJob, createJobs } from './jobs.ts';

const jobs = createJobs();
parentPort?.on('message', ({ name, input }: { name: JobName; input: unknown }) => {
  parentPort?.postMessage(answerJob(jobs, name, input));
});
