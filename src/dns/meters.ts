import type { CounterMeter, HistogramMeter, Meter } from '#base';

export interface DnsMeters {
  /** By `zone`, `rcode`, `protocol`. */
  requests: CounterMeter;
  dropped: CounterMeter;
  cacheLookups: CounterMeter;
  forwardSeconds: HistogramMeter;
}

export function createDnsMeters(meter: Meter): DnsMeters {
  return {
    requests: meter.counter({
      name: 'dns_requests_total',
      help: 'Queries answered, by zone, response code and protocol.',
      labels: ['zone', 'rcode', 'protocol'],
    }),
    dropped: meter.counter({
      name: 'dns_dropped_total',
      help: 'Messages that were not answered, by reason.',
      labels: ['reason'],
    }),
    cacheLookups: meter.counter({
      name: 'dns_cache_lookups_total',
      help: 'Names outside the cluster looked up in the cache, by result (hit, miss).',
      labels: ['result'],
    }),
    forwardSeconds: meter.histogram({
      name: 'dns_forward_seconds',
      help: 'Time that other name servers took, by server and outcome.',
      labels: ['to', 'outcome'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2],
    }),
  };
}
