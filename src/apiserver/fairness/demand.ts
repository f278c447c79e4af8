import type { Demand } from './allocation.ts';

/** Upstream's damping of falling demand: about five minutes at one sharing-out each ten seconds. */
const smoothing = 0.977;

/** Integrates how many seats are wanted over time. */
export class DemandMeter {
  #wanted = 0;
  #sinceMs: number;
  #startMs: number;
  #area = 0;
  #squares = 0;
  #highest = 0;
  #smooth = 0;
  average = 0;
  deviation = 0;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#startMs = nowMs;
  }

  /** From now on so many seats are used and waited for. */
  set(wanted: number, nowMs: number): void {
    this.#integrate(nowMs);
    this.#wanted = wanted;
    if (wanted > this.#highest) this.#highest = wanted;
  }

  /** What there was since the last call; a new period begins. */
  take(nowMs: number): Demand {
    this.#integrate(nowMs);
    const durationMs = nowMs - this.#startMs;
    this.average = durationMs > 0 ? this.#area / durationMs : this.#wanted;
    const square = durationMs > 0 ? this.#squares / durationMs : this.#wanted ** 2;
    this.deviation = Math.sqrt(Math.max(0, square - this.average ** 2));
    const highest = this.#highest;
    const envelope = Math.min(highest, this.average + this.deviation);
    this.#smooth = Math.max(envelope, smoothing * this.#smooth + (1 - smoothing) * envelope);
    [this.#area, this.#squares, this.#startMs, this.#highest] = [0, 0, nowMs, this.#wanted];
    return { highest, smooth: this.#smooth };
  }

  #integrate(nowMs: number): void {
    const passed = nowMs - this.#sinceMs;
    this.#area += this.#wanted * passed;
    this.#squares += this.#wanted ** 2 * passed;
    this.#sinceMs = nowMs;
  }
}
