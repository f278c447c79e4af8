/** Measurements of the store in etcd, and of starting with a full store. */
import { createLog, createSystemClock } from '#base';
import { openEtcdStore } from '#store';
import { missingEtcd, startEtcd } from '#store/testing';
import { connectEtcd } from '#wire';
import type { Measurement } from './measurement.ts';

const concurrency = 16;
/** Each side writes in `turns` turns of `seconds` in every round. */
const seconds = 1;
const turns = 3;
const clock = createSystemClock();
const log = createLog({ level: 'error', now: clock.now, write: record => process.stderr.write(`${record.message}\n`) });
const value = Buffer.alloc(1024, 'x');

const note =
  'The driver asks for a condition, takes writes of one key one after the other, and watches what it writes, as under an API server: each write comes back as an event. ' +
  'Several writes in one transaction would be faster, but share a revision, and a client that resumes a watch between two of them would miss the second.';

export const createOnEtcd: Measurement = {
  name: 'etcd driver CREATE 1 KB, 16 at a time, with a watch over all',
  against: 'a bare etcd put with the same client library, 16 at a time',
  unit: 'calls/s',
  bar: { kind: 'at least', ratio: 0.6 },
  note,
  missing: async () => missingEtcd(),
  open: openCreate,
};

async function openCreate(): ReturnType<Measurement['open']> {
  await using cleanup = new AsyncDisposableStack();
  const etcd = cleanup.use(await startEtcd());
  const store = cleanup.use(await openEtcdStore({ endpoints: etcd.endpoints }, { clock, log }));
  const bare = await connectEtcd({ address: etcd.endpoints[0]!, now: clock.now, maxMessageBytes: -1 });
  cleanup.defer(() => bare.close());
  const stop = new AbortController();
  cleanup.defer(() => stop.abort());
  let seen = 0;
  store.watch({
    prefix: '/registry/',
    after: store.revision(),
    signal: stop.signal,
    onChanges: changes => {
      seen += changes.length;
    },
    onError: error => {
      throw error;
    },
  });
  let [made, put] = [0, 0];
  const create = () => store.write({ key: `/registry/configmaps/default/made-${made++}`, value, expect: 0 });
  const barePut = () => bare.put({ key: Buffer.from(`/bare/put-${put++}`), value, timeoutMs: 10_000 });
  const everything = cleanup.move();
  return {
    async round() {
      const [ours, theirs] = [
        { calls: 0, ms: 0 },
        { calls: 0, ms: 0 },
      ];
      for (let turn = 0; turn < turns; turn++) {
        await run(ours, create);
        await run(theirs, barePut);
      }
      if (seen < ours.calls) throw new Error(`the watch has shown ${seen} of ${ours.calls} writes`);
      return { ours: (ours.calls * 1000) / ours.ms, theirs: (theirs.calls * 1000) / theirs.ms };
    },
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}

async function run(sum: { calls: number; ms: number }, call: () => Promise<unknown>): Promise<void> {
  const startMs = clock.monotonicMs();
  const untilMs = startMs + seconds * 1000;
  const work = async () => {
    while (clock.monotonicMs() < untilMs) {
      await call();
      sum.calls += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  sum.ms += clock.monotonicMs() - startMs;
}
