/**
 * What a durable CREATE costs, by the way of making it durable: `node bench/store.ts [requests]`. 16 closed-loop clients; each request also
 * burns a fixed piece of processor time before its write, standing for the HTTP and JSON work around it. Medians of 5.
 */
import { fdatasyncSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createLog, createSystemClock } from '#base';
import type { Write } from '#store';
import { openDatabase } from '../src/store/sqlite/database.ts';
import type { SyncFile } from '../src/store/sqlite/disk.ts';
import { syncFile } from '../src/store/sqlite/disk.ts';
import { createStoreOn } from '../src/store/sqlite/open.ts';

const clients = 16;
const rounds = 5;
const requests = Number(process.argv[2] ?? 4000);
const clock = createSystemClock();
const log = createLog({ level: 'warn', now: () => 0, write: record => process.stderr.write(`${record.message}\n`) });

/** Something that takes a write and tells when it is durable. */
interface Way extends AsyncDisposable {
  write(write: Write): Promise<unknown>;
}

/** A disk that takes so much longer for each sync: cheap flash. */
const slower = (sync: SyncFile, ms: number): SyncFile => {
  return ms === 0 ? sync : async (fd, file) => clock.sleep(ms).then(() => sync(fd, file));
};
/** What `synchronous=FULL` does: the event loop stands still. */
const blocking = (ms: number): SyncFile => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  return async fd => {
    if (ms > 0) Atomics.wait(cell, 0, 0, ms);
    fdatasyncSync(fd);
  };
};

const ways: Record<string, (path: string, slowMs: number) => Promise<Way> | Way> = {
  'blocking sync': (path, ms) => createStoreOn(openDatabase(path), { path, clock, log }, { syncFile: blocking(ms) }),
  'sync off the loop': (path, ms) =>
    createStoreOn(openDatabase(path), { path, clock, log }, { syncFile: slower(syncFile, ms) }),
  'worker thread': (path, ms) => startWorker(path, ms),
};

/** The whole store in a worker; batches of one turn go over as one message. */
async function startWorker(path: string, slowMs: number): Promise<Way> {
  const worker = new Worker(join(import.meta.dirname, 'store-worker.ts'), { workerData: { path, slowMs } });
  await new Promise(resolve => worker.once('message', resolve));
  let batch: Write[] = [];
  let waiting: (() => void)[] = [];
  const sent: (() => void)[][] = [];
  worker.on('message', () => sent.shift()?.forEach(done => void done()));
  const send = () => {
    worker.postMessage(batch);
    sent.push(waiting);
    batch = [];
    waiting = [];
  };
  return {
    write: write =>
      new Promise<void>(resolve => {
        if (batch.length === 0) setImmediate(send);
        batch.push(write);
        waiting.push(resolve);
      }),
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}

function burn(untilMs: number): void {
  while (performance.now() < untilMs);
}

interface Result {
  /** Creates a second. */
  rate: number;
  /** How late a timer of 1 ms was: what a reader waits for the event loop. */
  lateP99Ms: number;
}

/** Looks every millisecond how late it is, until told to stop. */
async function watchLoop(signal: AbortSignal): Promise<number> {
  const late: number[] = [];
  while (!signal.aborted) {
    const startMs = performance.now();
    await clock.sleep(1);
    late.push(performance.now() - startMs - 1);
  }
  return late.sort((a, b) => a - b)[Math.floor(late.length * 0.99)] ?? 0;
}

async function measure(way: Way, cpuMs: number): Promise<Result> {
  const value = Buffer.alloc(1000, 'x');
  const stop = new AbortController();
  const late = watchLoop(stop.signal);
  const startMs = performance.now();
  const client = async (name: number) => {
    for (let index = 0; index < requests / clients; index++) {
      // Each request arrives by itself, as from a socket.
      await new Promise(resolve => setImmediate(resolve));
      burn(performance.now() + cpuMs);
      await way.write({ key: `/registry/configmaps/default/c-${name}-${index}`, value, expect: 0 });
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, name) => client(name)));
  const rate = (requests / (performance.now() - startMs)) * 1000;
  stop.abort();
  return { rate, lateP99Ms: await late };
}

async function medianOf(name: string, cpuMs: number, slowMs: number): Promise<Result> {
  const results: Result[] = [];
  for (let round = 0; round < rounds; round++) {
    const folder = await mkdtemp(join(tmpdir(), 'wherry-bench-'));
    {
      await using way = await ways[name]!(join(folder, 'a.db'), slowMs);
      results.push(await measure(way, cpuMs));
    }
    await rm(folder, { recursive: true });
  }
  return results.sort((a, b) => a.rate - b.rate)[rounds >> 1]!;
}

process.stdout.write(
  '| way | work per request | extra sync time | creates/s | timer late, p99 |\n|---|---|---|---|---|\n',
);
for (const [cpuMs, slowMs] of [
  [0, 0],
  [0.1, 0],
  [0.1, 5],
] as const) {
  for (const name of Object.keys(ways)) {
    const { rate, lateP99Ms } = await medianOf(name, cpuMs, slowMs);
    process.stdout.write(
      `| ${name} | ${cpuMs} ms | ${slowMs} ms | ${Math.round(rate)} | ${lateP99Ms.toFixed(1)} ms |\n`,
    );
  }
}
