import { join } from 'node:path';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { temporaryFolder } from '../suite/temporary.ts';
import type { StoreHarness } from '../testing.ts';
import { describeStore } from '../testing.ts';
import { openSqliteStore } from './open.ts';

async function openFile(): Promise<StoreHarness> {
  const folder = await temporaryFolder();
  const open = () =>
    openSqliteStore({ path: join(folder.path, 'a.db'), clock: createSystemClock(), log: createRecordingLog() });
  let store = await open();
  return {
    store,
    async restart() {
      await store[Symbol.asyncDispose]();
      store = await open();
      return store;
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function openMemory(): Promise<StoreHarness> {
  const store = await openSqliteStore({ path: ':memory:', clock: createSystemClock(), log: createRecordingLog() });
  return { store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

describeStore('sqlite in a file', { open: openFile });
describeStore('sqlite in memory', { open: openMemory });
