import type { CounterMeter, GaugeMeter, HistogramMeter, Meter } from '#base';

export interface ProxyMeters {
  /** By `kind` (`full`, `change`, `cleanup`) and `result` (`ok`, `error`). */
  transactions: CounterMeter;
  seconds: HistogramMeter;
  rules: GaugeMeter;
  /** UDP flows that were made forgotten. */
  staleFlows: CounterMeter;
}

export function createProxyMeters(meter: Meter): ProxyMeters {
  return {
    transactions: meter.counter({
      name: 'proxy_transactions_total',
      help: 'Transactions of service rules, by kind (full, change, cleanup) and result.',
      labels: ['kind', 'result'],
    }),
    seconds: meter.histogram({
      name: 'proxy_transaction_seconds',
      help: 'Time that nft took for a transaction of service rules, by kind.',
      labels: ['kind'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    }),
    rules: meter.gauge({
      name: 'proxy_rules',
      help: 'Rules and elements that Services and host ports have in the kernel.',
    }),
    staleFlows: meter.counter({
      name: 'proxy_stale_flows_total',
      help: 'Kinds of UDP flows to endpoints that are gone, removed from connection tracking.',
    }),
  };
}
