import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Entry, openSqliteStore, type Store, StoreError } from '#store';
import { shareBootstrap } from './bootstrap.ts';
import { openCertificateFolder } from './certificates.ts';
import type { Config } from './config-table.ts';
import { readOrMakeKey } from './control-plane.ts';
import { isShared, openDatastore } from './datastore.ts';
import type { Migration, MigrationDeps } from './migrate.ts';
import { pathsOf } from './paths.ts';
import { runningPid } from './start.ts';
import { StartError } from './start-error.ts';
import { knownToken } from './token.ts';

const registry = '/registry/';
const bootstrap = '/bootstrap/';
/** While it stands, what else stands in etcd comes from a migration that did not come to its end. */
const markKey = `${bootstrap}migration`;
const pageKeys = 1000;
const concurrency = 64;
const sayMs = 1000;

/** What `migrateDatastore` describes. */
export async function runMigration(config: Config, deps: MigrationDeps): Promise<Migration> {
  const { log, clock, random, say } = deps;
  const paths = pathsOf(config);
  if (!isShared(config)) throw new StartError('datastore-endpoint: say where to, https://host:2379');
  const pid = runningPid(paths.pidFile);
  if (pid) throw new StartError(`the server runs (process ${pid}): stop it first`);
  if (!existsSync(paths.database)) throw new StartError(`${paths.database}: no SQLite file: is --data-dir right?`);
  const token = knownToken(config, paths.tokenFile);
  if (!token) throw new StartError(`${paths.tokenFile}: no token; start the server once without datastore-endpoint`);
  await using source = await openSqliteStore({ path: paths.database, clock, log });
  await using target = await openDatastore(config, { clock, log });
  await claim(target, source.revision());
  const entries = await readAll(source);
  say(`${entries.length} objects at revision ${source.revision()} in ${paths.database}`);
  await raise(target, source.revision(), deps);
  await copy(target, entries, deps);
  const newRevision = await verify(target, entries, source.revision());
  say('verified: every object is there, byte for byte, with a newer revision');
  // Who remembers a version of the old store, or of the way here, starts over.
  await target.compact(target.revision());
  await unmark(target);
  const certificates = openCertificateFolder(paths.certificates, { clock, random });
  const makeFiles = async () => {
    await certificates.ensureAuthorities();
    readOrMakeKey(join(paths.certificates, 'service.key'));
  };
  await shareBootstrap(
    { folder: dirname(paths.tokenFile), secret: token.secret, makeFiles },
    { store: target, random, log },
  );
  return { objects: entries.length, oldRevision: source.revision(), newRevision };
}

/** Makes sure that nothing is there but what a migration left. */
async function claim(target: Store, revision: number): Promise<void> {
  const mark = await target.get(markKey);
  const value = Buffer.from(JSON.stringify({ from: revision }));
  if (mark && Buffer.compare(mark.value, value) === 0) return;
  for (const prefix of [bootstrap, registry]) {
    const { entries } = await target.list({ prefix, limit: 1 });
    if (entries.length === 0) continue;
    const remedy = 'use an empty etcd, or another --etcd-prefix';
    const why = mark ? ' (a migration of another state of the file was broken off)' : '';
    throw new StartError(`datastore-endpoint: the etcd is not empty: it has keys under ${prefix}${why}; ${remedy}`);
  }
  await target.write({ key: markKey, value, expect: 0 });
}

async function unmark(target: Store): Promise<void> {
  const mark = await target.get(markKey);
  if (mark) await target.write({ key: markKey, value: undefined, expect: mark.revision });
}

async function readAll(store: Store): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let after = ''; ; after = entries.at(-1)!.key) {
    const page = await store.list({ prefix: registry, after, limit: pageKeys });
    entries.push(...page.entries);
    // In the order in which they were written.
    if (!page.more) return entries.sort((a, b) => a.revision - b.revision);
  }
}

/** etcd counts its revisions itself: they go up by writing. Each worker has a key of its own, for writes of one key wait for each other. */
async function raise(target: Store, upTo: number, deps: MigrationDeps): Promise<void> {
  if ((await target.current!()) > upTo) return;
  const telling = createTelling(deps, () => `raising etcd's revision: ${target.revision()} of ${upTo}`);
  const work = async (_: unknown, worker: number) => {
    const key = `${markKey}/${worker}`;
    let expect = (await target.get(key))?.revision ?? 0;
    while (target.revision() <= upTo) {
      ({ revision: expect } = await target.write({ key, value: Buffer.from('1'), expect }));
      telling();
    }
    if (expect > 0) await target.write({ key, value: undefined, expect });
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

async function copy(target: Store, entries: readonly Entry[], deps: MigrationDeps): Promise<void> {
  let next = 0;
  const telling = createTelling(deps, () => `copied ${next} of ${entries.length}`);
  const work = async () => {
    for (let entry = entries[next++]; entry; entry = entries[next++]) {
      await put(target, entry);
      telling();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

async function put(target: Store, { key, value }: Entry): Promise<void> {
  try {
    await target.write({ key, value, expect: 0 });
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'conflict' && error.entry)) throw error;
    // An earlier run came as far as here.
    if (Buffer.compare(error.entry.value, value) !== 0) {
      await target.write({ key, value, expect: error.entry.revision });
    }
  }
}

/** Reads everything back. Gives the oldest revision of an object. */
async function verify(target: Store, entries: readonly Entry[], oldRevision: number): Promise<number> {
  const wanted = new Map(entries.map(({ key, value }) => [key, value]));
  let oldest = Number.POSITIVE_INFINITY;
  for (const { key, value, revision } of await readAll(target)) {
    const original = wanted.get(key);
    if (!original || Buffer.compare(original, value) !== 0)
      throw new StartError(
        `${key}: ${original ? 'is not the same' : 'has appeared'} in etcd: does somebody else use it?`,
      );
    wanted.delete(key);
    oldest = Math.min(oldest, revision);
  }
  const [missing] = wanted.keys();
  if (missing !== undefined)
    throw new StartError(`${missing} and ${wanted.size - 1} others are not in etcd; run it again`);
  if (oldest <= oldRevision)
    throw new StartError(`revision ${oldest} in etcd is not above ${oldRevision}; run it again`);
  return oldest;
}

function createTelling({ clock, say }: MigrationDeps, text: () => string): () => void {
  let lastMs = clock.monotonicMs();
  return () => {
    if (clock.monotonicMs() - lastMs < sayMs) return;
    lastMs = clock.monotonicMs();
    say(text());
  };
}
