/** Time as a value that is passed: components never call Date.now or setTimeout themselves. */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970. */
  now(): number;
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`, unless the timer is disposed first. Does not keep the process alive when `unref` is set. */
  timer(delayMs: number, run: () => void, options?: { unref?: boolean }): Disposable;
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The longest delay that setTimeout takes; a longer one fires at once, so longer timers are chained. */
const maxDelayMs = 0x7fffffff;

/** The machine's own clock. */
export function createSystemClock(): Clock {
  const timer: Clock['timer'] = (delayMs, run, options) => {
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number) => {
      handle = setTimeout(() => (leftMs > maxDelayMs ? arm(leftMs - maxDelayMs) : run()), Math.min(leftMs, maxDelayMs));
      if (options?.unref) handle.unref();
    };
    arm(Math.max(0, delayMs));
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  };
  return {
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    timer,
    sleep: (delayMs, signal) => sleepOn(timer, delayMs, signal),
  };
}

/** `sleep` for any clock that has timers. */
export function sleepOn(timer: Clock['timer'], delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      handle[Symbol.dispose]();
      reject(signal?.reason);
    };
    const handle = timer(delayMs, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** A time as Kubernetes writes metav1.Time: RFC 3339 in UTC with whole seconds. */
export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19) + 'Z';
}

/** A time as Kubernetes writes metav1.MicroTime: six decimal places. */
export function formatMicroTime(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 23) + '000Z';
}
