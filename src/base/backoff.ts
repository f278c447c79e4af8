import type { Random } from './random.ts';

export interface BackoffOptions {
  firstMs: number;
  maxMs: number;
  /** Each step multiplies by this; 2 unless told. */
  factor?: number;
  /** Part of the delay that is random, 0 to 1; 0 unless told. */
  jitter?: number;
}

/** Delay before try number `attempt` (0 is the first retry), in milliseconds. */
export function backoffMs(options: BackoffOptions, attempt: number, random?: Random): number {
  const full = Math.min(options.maxMs, options.firstMs * (options.factor ?? 2) ** attempt);
  const jitter = options.jitter ?? 0;
  return jitter && random ? full * (1 - jitter * random.next()) : full;
}
