import { DecodeError } from '#api';
import type { Clock, Log } from '#base';
import { StatusError, tooManyRequests } from '../errors.ts';
import { createJobQueue } from './job-queue.ts';
import type { JobThread } from './job-thread.ts';
import { createJobThread } from './job-thread.ts';
import type { JobAnswer, JobName, Jobs } from './jobs.ts';

/**
 * Does what takes longer than a turn of the event loop may, in threads of its own: one job of a user after the other, and users in turn. The first thread is
 * started for the first job, another one when a job takes long and somebody else waits; all end when there was nothing to do for a while: a server whose
 * clients are nice never has any.
 */
export interface Threads extends AsyncDisposable {
  /**
   * `owner` is the name of who asks. Rejects with DecodeError for what the client did wrong, and with a Status when it takes too long (504), too many
   * wait (429) or the server stops (503).
   */
  run<K extends JobName>(name: K, input: Jobs[K]['input'], owner: string): Promise<Jobs[K]['output']>;
}

export interface ThreadsDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Makes one of the threads; given by tests. */
  readonly createThread?: () => JobThread;
}

/** Everything within the limits of costs and sizes takes less on a machine that is not starved. */
const jobTimeoutMs = 30_000;
const idleMs = 15_000;
/** After this a running job is a long one, and others need not wait for it. */
const patienceMs = 100;
const maxThreads = 4;
/** Beyond these a client is told to come back. */
const maxWaiting = 200;
const maxWaitingOfOne = 50;

interface Job {
  readonly name: JobName;
  readonly input: unknown;
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

interface Running {
  readonly job: Job;
  readonly sinceMs: number;
}

/** A place for a thread, and what it does now. */
interface Seat {
  readonly thread: JobThread;
  running?: Running | undefined;
  timer?: Disposable | undefined;
}

export function createThreads(deps: ThreadsDeps): Threads {
  return new JobThreads(deps);
}

class JobThreads implements Threads {
  readonly #deps: ThreadsDeps;
  readonly #queue = createJobQueue<Job>();
  readonly #seats: Seat[] = [];
  #patience: Disposable | undefined;
  #ended = false;

  constructor(deps: ThreadsDeps) {
    this.#deps = deps;
  }

  run<K extends JobName>(name: K, input: Jobs[K]['input'], owner: string): Promise<Jobs[K]['output']> {
    if (this.#ended) return Promise.reject(unavailable());
    if (this.#queue.length >= maxWaiting || this.#queue.lengthOf(owner) >= maxWaitingOfOne)
      return Promise.reject(tooManyRequests('too many objects wait to be judged, please try again later', 1));
    const { promise, resolve, reject } = Promise.withResolvers<Jobs[K]['output']>();
    this.#queue.add(owner, { name, input, resolve: output => resolve(output as Jobs[K]['output']), reject });
    this.#next();
    return promise;
  }

  #next(): void {
    while (!this.#ended && this.#queue.length > 0) {
      const seat = this.#freeSeat();
      const next = seat && this.#queue.take();
      if (!next) return;
      void this.#work(seat, next.owner, next.job);
    }
  }

  /** One that does nothing, or a new one if all others have been at it for long; undefined: not now. */
  #freeSeat(): Seat | undefined {
    const free = this.#seats.find(seat => !seat.running);
    if (free) return free;
    if (this.#seats.length >= maxThreads) return undefined;
    const latestMs = Math.max(-Infinity, ...this.#seats.map(seat => seat.running!.sinceMs));
    const leftMs = latestMs + patienceMs - this.#deps.clock.monotonicMs();
    if (leftMs > 0) {
      this.#patience ??= this.#deps.clock.timer(leftMs, () => this.#impatient(), { unref: true });
      return undefined;
    }
    const seat: Seat = { thread: (this.#deps.createThread ?? createJobThread)() };
    this.#seats.push(seat);
    return seat;
  }

  #impatient(): void {
    this.#patience = undefined;
    this.#next();
  }

  async #work(seat: Seat, owner: string, job: Job): Promise<void> {
    const { clock } = this.#deps;
    const running: Running = { job, sinceMs: clock.monotonicMs() };
    seat.timer?.[Symbol.dispose]();
    seat.running = running;
    const timedOut = Promise.withResolvers<undefined>();
    seat.timer = clock.timer(jobTimeoutMs, () => timedOut.resolve(undefined), { unref: true });
    const answer = await Promise.race([seat.thread.run(job.name, job.input), timedOut.promise]);
    if (this.#ended) return;
    if (answer) settle(job, answer);
    else await this.#giveUp(seat, job);
    seat.timer[Symbol.dispose]();
    seat.running = undefined;
    this.#queue.done(owner);
    seat.timer = clock.timer(idleMs, () => void seat.thread.stop(), { unref: true });
    this.#next();
  }

  async #giveUp(seat: Seat, job: Job): Promise<void> {
    this.#deps.log.warn('a judgement took too long', { job: job.name, timeoutMs: jobTimeoutMs });
    job.reject(timedOut());
    await seat.thread.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#patience?.[Symbol.dispose]();
    const running = this.#seats.flatMap(seat => seat.running?.job ?? []);
    for (const job of [...running, ...this.#queue.drain()]) job.reject(unavailable());
    for (const seat of this.#seats) seat.timer?.[Symbol.dispose]();
    await Promise.all(this.#seats.map(seat => seat.thread.stop()));
  }
}

function settle(job: Job, answer: JobAnswer): void {
  if ('output' in answer) job.resolve(answer.output);
  else if ('refused' in answer) job.reject(new DecodeError(answer.refused));
  else job.reject(new Error(`the worker thread failed: ${answer.failed}`));
}

function unavailable(): StatusError {
  return new StatusError({ code: 503, reason: 'ServiceUnavailable', message: 'the server stops' });
}

function timedOut(): StatusError {
  const message = 'Timeout: the object could not be judged within 30 seconds';
  return new StatusError({ code: 504, reason: 'Timeout', message });
}
