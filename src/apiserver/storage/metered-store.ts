import type { Clock, Meter } from '#base';
import type { Store } from '#store';
import { Family, type Series } from '../stages/series.ts';
import { registryPrefix } from './keys.ts';

/** Upstream's buckets of etcd_request_duration_seconds. */
const buckets = [
  ...[0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60],
];

/** Counts and times what is asked of the store, under the names by which dashboards know it, whatever the store is. */
export function meterStore(store: Store, { meter, clock }: { meter: Meter; clock: Clock }): Store {
  const labels = ['operation', 'type'];
  const seconds = new Family({
    name: 'etcd_request_duration_seconds',
    help: 'Etcd request latency in seconds for each operation and object type.',
    type: 'histogram',
    labels,
    buckets,
  });
  const errors = new Family({
    name: 'etcd_request_errors_total',
    help: 'Etcd failed request counts for each operation and object type.',
    type: 'counter',
    labels,
  });
  meter.expose(() => seconds.text() + errors.text());
  const known = new Map<string, Series>();
  const timed = async <T>(operation: string, key: string, work: Promise<T>): Promise<T> => {
    const type = typeOf(key);
    const name = `${operation} ${type}`;
    const series = known.get(name) ?? seconds.of(operation, type);
    known.set(name, series);
    const startMs = clock.monotonicMs();
    try {
      return await work;
    } catch (error) {
      errors.of(operation, type).add();
      throw error;
    } finally {
      series.observe((clock.monotonicMs() - startMs) / 1000);
    }
  };
  return {
    revision: () => store.revision(),
    get: key => timed('get', key, store.get(key)),
    list: options => timed('list', options.prefix, store.list(options)),
    write: write => {
      const operation = write.value === undefined ? 'delete' : write.expect === 0 ? 'create' : 'update';
      return timed(operation, write.key, store.write(write));
    },
    watch: options => store.watch(options),
    compact: revision => store.compact(revision),
    stats: () => store.stats(),
    ...(store.current && { current: () => store.current!() }),
    ...(store.problem && { problem: () => store.problem!() }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** The first part of the key after /registry. */
function typeOf(key: string): string {
  const start = registryPrefix.length;
  const end = key.indexOf('/', start);
  return end < 0 ? key.slice(start) : key.slice(start, end);
}
