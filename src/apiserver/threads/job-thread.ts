import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { JobAnswer, JobName } from './jobs.ts';

/** One worker thread, started for its first job. */
export interface JobThread {
  /** Resolves with the answer; a thread that breaks answers so, and is another one for the next job. Not before the job before is answered. */
  run(name: JobName, input: unknown): Promise<JobAnswer>;
  /** Ends it, also in the middle of a job, which then has no answer. */
  stop(): Promise<void>;
}

export function createJobThread(): JobThread {
  let worker: Worker | undefined;
  let answer: ((answer: JobAnswer) => void) | undefined;
  const start = () => {
    const started = new Worker(workerFile());
    started.unref();
    started.on('message', (message: JobAnswer) => answer?.(message));
    // Ends it; what it did is answered as any other mistake of ours.
    started.on('error', error => {
      if (started !== worker) return;
      worker = undefined;
      answer?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
    return started;
  };
  return {
    run(name, input) {
      const { promise, resolve } = Promise.withResolvers<JobAnswer>();
      answer = resolve;
      worker ??= start();
      worker.postMessage({ name, input });
      return promise;
    },
    async stop() {
      const stopped = worker;
      worker = undefined;
      answer = undefined;
      await stopped?.terminate();
    },
  };
}

/** The file beside this one, also when both have been bundled. */
function workerFile(): string {
  const { scriptName } = getCallSites(1)[0]!;
  const path = scriptName.startsWith('file:') ? fileURLToPath(scriptName) : scriptName;
  return join(dirname(path), `jobs.worker${extname(path)}`);
}
