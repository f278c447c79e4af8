/** A worker thread: does one job after the other. See `threads.ts`. */
import { existsSync, readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { JobName } from './jobs.ts';
import { answerJob, createJobs } from './jobs.ts';

/** Linux has it: a link to `<process>/task/<thread>`, of the thread that reads it. */
const threadSelf = '/proc/thread-self';
/** Of -20 to 19: on a busy machine the event loop, which answers everybody, gets some nine times as much of a processor (sched(7)). */
const niceness = 10;

// On Linux a priority belongs to a thread, and its number is taken where that of a process is asked for (setpriority(2)).
if (existsSync(threadSelf)) setPriority(Number(basename(readlinkSync(threadSelf))), niceness);

const jobs = createJobs();
parentPort?.on('message', ({ name, input }: { name: JobName; input: unknown }) => {
  parentPort?.postMessage(answerJob(jobs, name, input));
});
