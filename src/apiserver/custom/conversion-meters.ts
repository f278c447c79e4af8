import type { Clock, Meter } from '#base';
import { ConversionError } from './conversion-review.ts';

export interface MeterDeps {
  readonly meter: Meter;
  readonly clock: Clock;
}

/** Upstream's, from 5 ms to a minute. */
const buckets: readonly number[] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60];
const labels = ['result', 'failure_type'] as const;

/** Counts a call of a conversion webhook and how long it took, under upstream's names. Source: apiserver/conversion/metrics.go. */
export async function metered<T>({ meter, clock }: MeterDeps, run: () => Promise<T>): Promise<T> {
  const startMs = clock.monotonicMs();
  const note = (result: 'success' | 'failure', failure_type: string) => {
    const name = 'apiserver_conversion_webhook';
    const help = 'Counter for conversion webhook requests with success/failure and failure error type';
    meter.counter({ name: `${name}_request_total`, help, labels: [...labels] }).add({ result, failure_type });
    meter
      .histogram({
        name: `${name}_duration_seconds`,
        help: 'Conversion webhook request latency',
        labels: [...labels],
        buckets,
      })
      .observe((clock.monotonicMs() - startMs) / 1000, { result, failure_type });
  };
  try {
    const value = await run();
    note('success', '');
    return value;
  } catch (error) {
    note('failure', error instanceof ConversionError ? error.failureType : callFailure);
    throw error;
  }
}

const callFailure = 'conversion_webhook_call_failure';
