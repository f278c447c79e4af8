/**
 * A started component. Disposing stops it and resolves when nothing of it is left running; disposing twice is harmless.
 */
export interface Running extends AsyncDisposable {
  /** `undefined` when the component does its work; else what is still missing, as a sentence fragment for people. */
  ready(): string | undefined;
}

/** Rejects with the signal's reason when it has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  signal?.throwIfAborted();
}

/** True for the rejection of an aborted wait: the caller asked for it, so it is not a failure. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORT_ERR'));
}

/** Resolves to undefined when `signal` aborts; already aborted resolves at once. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}
