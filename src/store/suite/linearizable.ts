import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../store.ts';
import { StoreError } from '../store.ts';
import type { StoreSuite } from './harness.ts';
import { bytes, pick, recordWatch } from './harness.ts';
import type { Operation } from './history.ts';
import { checkHistory } from './history.ts';

const keys = ['/h/a', '/h/b', '/h/c/d', '/h/é'];

/** A recorded history of concurrent clients. */
export function linearizableTests(suite: StoreSuite): void {
  test('what concurrent clients are told fits one order of events', async () => {
    await using harness = await suite.open();
    const { store } = harness;
    using watch = recordWatch(store, { prefix: '/h/', after: 1 });
    const history = await recordHistory(store, { clients: 12, each: 120 });
    await watch.reached(store.revision());
    assert.deepEqual(checkHistory(history, watch.changes), []);
    assert.ok(
      history.some(operation => operation.kind === 'conflict'),
      'some writes met each other',
    );
    assert.ok(watch.changes.length > 100, 'enough writes succeeded');
  });
}

/** Clients that read, list, create, update and delete a few keys at random, each knowing only what it was told last. */
async function recordHistory(store: Store, load: { clients: number; each: number }): Promise<Operation[]> {
  const history: Operation[] = [];
  let tick = 0;
  const client = async (name: number) => {
    const known = new Map<string, number>();
    for (let index = 0; index < load.each; index++) {
      const start = tick++;
      const answer = await pick([write, write, write, read, list])(store, {
        key: pick(keys),
        known,
        value: `${name}-${index}`,
      });
      history.push({ ...answer, start, end: tick++ });
    }
  };
  await Promise.all(Array.from({ length: load.clients }, (_, name) => client(name)));
  return history;
}

type Answer = Operation extends infer Each ? (Each extends Operation ? Omit<Each, 'start' | 'end'> : never) : never;
interface Step {
  key: string;
  value: string;
  /** Key to the revision that this client saw last. */
  known: Map<string, number>;
}

async function write(store: Store, { key, value, known }: Step): Promise<Answer> {
  const expect = known.get(key) ?? 0;
  const remove = expect > 0 && Math.abs(value.length % 3) === 0;
  try {
    const { revision } = await store.write({ key, value: remove ? undefined : bytes(value), expect });
    known.set(key, remove ? 0 : revision);
    return { kind: 'write', key, value: remove ? undefined : value, expect, revision };
  } catch (error) {
    if (!(error instanceof StoreError && error.code === 'conflict')) throw error;
    known.set(key, error.entry?.revision ?? 0);
    return { kind: 'conflict', key, expect, entry: error.entry };
  }
}

async function read(store: Store, { key, known }: Step): Promise<Answer> {
  const entry = await store.get(key);
  known.set(key, entry?.revision ?? 0);
  return { kind: 'get', key, entry };
}

async function list(store: Store): Promise<Answer> {
  return { kind: 'list', prefix: '/h/', listing: await store.list({ prefix: '/h/' }) };
}
