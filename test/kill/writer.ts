/**
 * The process that the kill loop kills: opens a store, resumes a watch, writes as fast as it can, and tells everything over standard output,
 * one JSON line each. Arguments: database file, round, revision to resume the watch from. Starts 200 times, so it loads little: the store needs
 * its clock for progress and meters only, which this does not look at.
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createFakeClock, createRecordingLog } from '#base/testing';
import type { Store } from '#store';
import { openSqliteStore } from '#store';
import type { Report } from './report.ts';

const clients = 8;
const keysPerClient = 12;

function tell(report: Report): void {
  writeSync(1, `${JSON.stringify(report)}\n`);
}

/** Creates, updates and deletes its own keys in turn; every fifth write is to a volatile key. */
async function writeForever(store: Store, client: number, round: number): Promise<void> {
  const revisions = new Map<string, number>();
  for (const entry of (await store.list({ prefix: `/d/${client}/` })).entries) revisions.set(entry.key, entry.revision);
  for (let index = 0; ; index++) {
    const volatile = index % 5 === 4;
    const key = `/${volatile ? 'v' : 'd'}/${client}/${index % keysPerClient}`;
    const expect = revisions.get(key) ?? 0;
    const text = expect > 0 && index % 7 === 0 ? undefined : `${round}-${client}-${index}`.padEnd(200, '.');
    const value = text === undefined ? undefined : Buffer.from(text);
    const { revision } = await store.write({ key, value, expect, volatile });
    revisions.set(key, text === undefined ? 0 : revision);
    tell({ kind: volatile ? 'volatile' : 'ack', revision, key, value: text });
  }
}

async function main([path, round, after]: string[]): Promise<void> {
  const store = await openSqliteStore({ path: path!, clock: createFakeClock(), log: createRecordingLog() });
  // It will not get to the end, where Node would save it.
  flushCompileCache();
  tell({ kind: 'start', revision: store.revision() });
  store.watch({
    prefix: '/d/',
    after: Number(after),
    signal: new AbortController().signal,
    onChanges(changes) {
      for (const { revision, key, value } of changes) {
        tell({ kind: 'change', revision, key, value: value && Buffer.from(value).toString() });
      }
    },
    onError(error) {
      throw error;
    },
  });
  await Promise.all(Array.from({ length: clients }, (_, client) => writeForever(store, client, Number(round))));
}

await main(process.argv.slice(2));
