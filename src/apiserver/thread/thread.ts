import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import { Worker } from 'node:worker_threads';
import { DecodeError } from '#api';
import type { Clock, Log } from '#base';
import { StatusError, tooManyRequests } from '../errors.ts';
import type { JobAnswer, JobName, Jobs } from './jobs.ts';

/**
 * Does what takes longer than a turn of the event loop may, in a thread of its own: one job after the other. The thread is started for the first job and ends
 * when there was none for a while: a server whose clients are nice never has it.
 */
export interface Thread extends AsyncDisposable {
  /** Rejects with DecodeError for what the client did wrong, and with a Status when it takes too long (504), too many wait (429) or the server stops (503). */
  run<K extends JobName>(name: K, input: Jobs[K]['input']): Promise<Jobs[K]['output']>;
}

export interface ThreadDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** Everything within the limits of costs and sizes takes less on a machine that is not starved. */
const jobTimeoutMs = 30_000;
const idleMs = 15_000;
/** Beyond this a client is told to come back. */
const maxWaiting = 200;

interface Job {
  readonly name: JobName;
  readonly input: unknown;
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

export function createThread(deps: ThreadDeps): Thread {
  return new JobThread(deps);
}

class JobThread implements Thread {
  readonly #deps: ThreadDeps;
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  #worker: Worker | undefined;
  #timer: Disposable | undefined;
  #ended = false;

  constructor(deps: ThreadDeps) {
    this.#deps = deps;
  }

  run<K extends JobName>(name: K, input: Jobs[K]['input']): Promise<Jobs[K]['output']> {
    if (this.#ended) return Promise.reject(unavailable());
    if (this.#waiting.length >= maxWaiting)
      return Promise.reject(tooManyRequests('too many objects wait to be judged, please try again later', 1));
    const { promise, resolve, reject } = Promise.withResolvers<Jobs[K]['output']>();
    this.#waiting.push({ name, input, resolve: output => resolve(output as Jobs[K]['output']), reject });
    this.#next();
    return promise;
  }

  #next(): void {
    if (this.#running || this.#ended) return;
    this.#timer?.[Symbol.dispose]();
    this.#running = this.#waiting.shift();
    if (!this.#running) {
      this.#timer = this.#deps.clock.timer(idleMs, () => void this.#stop(), { unref: true });
      return;
    }
    this.#timer = this.#deps.clock.timer(jobTimeoutMs, () => this.#giveUp(), { unref: true });
    this.#worker ??= this.#start();
    this.#worker.postMessage({ name: this.#running.name, input: this.#running.input });
  }

  #start(): Worker {
    const worker = new Worker(workerFile());
    worker.unref();
    worker.on('message', (answer: JobAnswer) => this.#settle(answer));
    // Ends it; what it did is answered as any other mistake of ours.
    worker.on('error', error => {
      if (worker !== this.#worker) return;
      this.#worker = undefined;
      this.#settle({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    });
    return worker;
  }

  #settle(answer: JobAnswer): void {
    const job = this.#running;
    this.#running = undefined;
    if (job) settle(job, answer);
    this.#next();
  }

  #giveUp(): void {
    const job = this.#running;
    this.#running = undefined;
    this.#deps.log.warn('a judgement took too long', { job: job?.name ?? '', timeoutMs: jobTimeoutMs });
    job?.reject(timedOut());
    void this.#stop();
    this.#next();
  }

  async #stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#timer?.[Symbol.dispose]();
    for (const job of [this.#running, ...this.#waiting.splice(0)]) job?.reject(unavailable());
    this.#running = undefined;
    await this.#stop();
  }
}

function settle(job: Job, answer: JobAnswer): void {
  if ('output' in answer) job.resolve(answer.output);
  else if ('refused' in answer) job.reject(new DecodeError(answer.refused));
  else job.reject(new Error(`the worker thread failed: ${answer.failed}`));
}

/** The file beside this one, also when both have been bundled. */
function workerFile(): string {
  const { scriptName } = getCallSites(1)[0]!;
  const path = scriptName.startsWith('file:') ? fileURLToPath(scriptName) : scriptName;
  return join(dirname(path), `jobs.worker${extname(path)}`);
}

function unavailable(): StatusError {
  return new StatusError({ code: 503, reason: 'ServiceUnavailable', message: 'the server stops' });
}

function timedOut(): StatusError {
  const message = 'Timeout: the object could not be judged within 30 seconds';
  return new StatusError({ code: 504, reason: 'Timeout', message });
}
