/** Starting with a full store. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, createSystemClock } from '#base';
import { openSqliteStore } from '#store';
import type { Measurement } from './measurement.ts';
import { launchWherry } from './subjects.ts';

export const fullObjects = 100_000;
const database = join('server', 'db', 'state.db');

export const startFull: Measurement = {
  name: `start with ${fullObjects.toLocaleString('en')} objects of 1 KB to /readyz 200`,
  against: 'start with an empty store, and reading the file of the full one',
  unit: 'ms',
  bar: { kind: 'at most', ratio: 3 },
  note:
    'All objects are read into the watch cache before the first answer. Their bytes are copied, with the version put in; nothing is parsed that nobody asks for. The file is in the ' +
    'page cache, so that reading it costs little.',
  open: openStart,
};

async function openStart(): ReturnType<Measurement['open']> {
  const folders = await openFolders();
  const { full, empty } = folders;
  const start = (folder: string) => launchWherry(folder, ['--disable-agent']);
  await fill(full);
  await (await start(full))[Symbol.asyncDispose]();
  return {
    async round() {
      const ours = await start(full);
      await ours[Symbol.asyncDispose]();
      const theirs = await start(empty);
      await theirs[Symbol.asyncDispose]();
      const startMs = performance.now();
      readFileSync(join(full, database));
      return { ours: ours.readyMs, theirs: theirs.readyMs + performance.now() - startMs };
    },
    [Symbol.asyncDispose]: async () => folders[Symbol.dispose](),
  };
}

/** Two data folders that a server has been started on once: that makes certificates and fills the compile cache. */
export async function openFolders(): Promise<Disposable & { full: string; empty: string }> {
  const make = (name: string) => mkdtempSync(join(tmpdir(), `wherry-bench-${name}-`));
  const [full, empty] = [make('full'), make('empty')];
  for (const folder of [full, empty]) await (await launchWherry(folder, ['--disable-agent']))[Symbol.asyncDispose]();
  return {
    ...{ full, empty },
    [Symbol.dispose]() {
      for (const folder of [full, empty]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Puts ConfigMaps into the store of a data folder as the API server stores them; resolves with the sum of their bytes. */
export async function fill(folder: string): Promise<number> {
  const clock = createSystemClock();
  const log = createLog({ level: 'error', now: clock.now, write: () => undefined });
  await using store = await openSqliteStore({ path: join(folder, database), clock, log });
  let bytes = 0;
  const create = (index: number) => {
    const name = `full-${index}`;
    const namespace = 'default';
    const creationTimestamp = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
    const metadata = { name, namespace, uid: randomUUID(), creationTimestamp };
    const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { text: 'x'.repeat(820) } };
    const value = Buffer.from(`${JSON.stringify(object)}\n`);
    bytes += value.length;
    return store.write({ key: `/registry/configmaps/${namespace}/${name}`, value, expect: 0 });
  };
  for (let from = 0; from < fullObjects; from += 1000) {
    await Promise.all(Array.from({ length: 1000 }, (_, index) => create(from + index)));
  }
  return bytes;
}
