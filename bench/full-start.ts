/** Starting with a full store. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, createSystemClock } from '#base';
import { openSqliteStore } from '#store';
import type { Measurement } from './measurement.ts';
import { launchWherry } from './subjects.ts';

const objects = 100_000;
const database = join('server', 'db', 'state.db');

export const startFull: Measurement = {
  name: `start with ${objects.toLocaleString('en')} objects of 1 KB to /readyz 200`,
  against: 'start with an empty store, and reading the file of the full one',
  unit: 'ms',
  bar: { kind: 'at most', ratio: 3 },
  note:
    'All objects are read into the watch cache before the first answer. Their bytes are copied, with the version put in; nothing is parsed that nobody asks for. The file is in the ' +
    'page cache, so that reading it costs little.',
  open: openStart,
};

async function openStart(): ReturnType<Measurement['open']> {
  const [full, empty] = ['full', 'empty'].map(name => mkdtempSync(join(tmpdir(), `wherry-bench-${name}-`))) as [
    string,
    string,
  ];
  const start = (folder: string) => launchWherry(folder, ['--disable-agent']);
  // The first start makes certificates and fills the compile cache.
  for (const folder of [full, empty]) await (await start(folder))[Symbol.asyncDispose]();
  await fill(join(full, database));
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
    async [Symbol.asyncDispose]() {
      for (const folder of [full, empty]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** ConfigMaps as the API server stores them. */
async function fill(path: string): Promise<void> {
  const clock = createSystemClock();
  const log = createLog({ level: 'error', now: clock.now, write: () => undefined });
  await using store = await openSqliteStore({ path, clock, log });
  const create = (index: number) => {
    const name = `full-${index}`;
    const namespace = 'default';
    const creationTimestamp = new Date(clock.now()).toISOString().replace(/\.\d+/, '');
    const metadata = { name, namespace, uid: randomUUID(), creationTimestamp };
    const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { text: 'x'.repeat(820) } };
    const key = `/registry/configmaps/${namespace}/${name}`;
    return store.write({ key, value: Buffer.from(`${JSON.stringify(object)}\n`), expect: 0 });
  };
  for (let from = 0; from < objects; from += 1000) {
    await Promise.all(Array.from({ length: 1000 }, (_, index) => create(from + index)));
  }
}
