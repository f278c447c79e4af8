/** The store in a worker thread, for bench/store.ts: a message is a batch, the answer comes when it is durable. */
import { fdatasyncSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { createLog, createSystemClock } from '#base';
import type { Write } from '#store';
import { openDatabase } from '../src/store/sqlite/database.ts';
import { createStoreOn } from '../src/store/sqlite/open.ts';

const { path, slowMs } = workerData as { path: string; slowMs: number };
const cell = new Int32Array(new SharedArrayBuffer(4));
const syncFile = async (fd: number) => {
  if (slowMs > 0) Atomics.wait(cell, 0, 0, slowMs);
  fdatasyncSync(fd);
};
const log = createLog({ level: 'error', now: () => 0, write: () => undefined });
const store = createStoreOn(openDatabase(path), { path, clock: createSystemClock(), log }, { syncFile });
parentPort?.on('message', async (batch: Write[]) => {
  await Promise.all(batch.map(write => store.write(write)));
  parentPort?.postMessage('done');
});
parentPort?.postMessage('ready');
