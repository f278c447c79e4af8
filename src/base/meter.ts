// Its parts and not the whole: that brings an HTTP client and the meters of the process, which cost a server its start.
import Counter from 'prom-client/lib/counter.js';
import Gauge from 'prom-client/lib/gauge.js';
import Histogram from 'prom-client/lib/histogram.js';
import Registry from 'prom-client/lib/registry.js';

export type Labels = Readonly<Record<string, string>>;
export interface CounterMeter {
  add(labels?: Labels, by?: number): void;
}
export interface GaugeMeter {
  set(value: number, labels?: Labels): void;
}
export interface HistogramMeter {
  observe(value: number, labels?: Labels): void;
}
export interface MeterSpec {
  /** Prometheus name, unit last: `apiserver_request_duration_seconds`. */
  name: string;
  help: string;
  labels?: readonly string[];
}

/** What a component counts. One meter per control plane, so that two in one process share nothing. */
export interface Meter {
  counter(spec: MeterSpec): CounterMeter;
  gauge(spec: MeterSpec): GaugeMeter;
  histogram(spec: MeterSpec & { buckets: readonly number[] }): HistogramMeter;
  /** Series that somebody keeps by himself, because they change too often for labels to be looked up each time: asked for with every `text`. */
  expose(text: () => string): void;
  /** Everything in the Prometheus text format 0.0.4. */
  text(): Promise<string>;
}

/** Asking twice for the same name gives the same series. */
export function createMeter(): Meter {
  const registry = new Registry();
  const exposed: (() => string)[] = [];
  const base = (spec: MeterSpec) => ({
    name: spec.name,
    help: spec.help,
    labelNames: [...(spec.labels ?? [])],
    registers: [registry],
  });
  const known = <T>(name: string, make: () => T): T => (registry.getSingleMetric(name) as T | undefined) ?? make();
  return {
    counter(spec) {
      const counter = known(spec.name, () => new Counter(base(spec)));
      return { add: (labels, by = 1) => counter.inc(labels ?? {}, by) };
    },
    gauge(spec) {
      const gauge = known(spec.name, () => new Gauge(base(spec)));
      return { set: (value, labels) => gauge.set(labels ?? {}, value) };
    },
    histogram(spec) {
      const histogram = known(spec.name, () => new Histogram({ ...base(spec), buckets: [...spec.buckets] }));
      return { observe: (value, labels) => histogram.observe(labels ?? {}, value) };
    },
    expose: text => void exposed.push(text),
    text: async () => [await registry.metrics(), ...exposed.map(text => text())].join(''),
  };
}
