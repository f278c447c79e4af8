/** The store's contract on an etcd of three members, as src/store/etcd/contract.test.ts has it on one. */
import { describe } from 'node:test';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { openEtcdStore } from '#store';
import { describeStore, missingEtcd, type StoreHarness, startEtcd } from '#store/testing';

const deps = { clock: createSystemClock(), log: createRecordingLog() };

async function openThree(): Promise<StoreHarness> {
  const etcd = await startEtcd({ members: 3 });
  const open = () => openEtcdStore({ endpoints: etcd.endpoints, scope: '', isShared: false }, deps);
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
      await etcd[Symbol.asyncDispose]();
    },
  };
}

describe('etcd', { skip: missingEtcd() ?? false }, () => {
  const skipVolatile = 'etcd keeps volatile keys like any other';
  describeStore('etcd of three members', { open: openThree, skipVolatile });
});
