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
    let calls = 12 * 120;
    const history = await recordHistory(store, { clients: 12, goesOn: () => calls-- > 0 });
    await watch.reached(store.revision());
    assert.deepEqual(checkHistory(history, watch.changes), []);
    assert.ok(
      history.some(operation => operation.kind === 'conflict'),
      'some writes met each other',
    );
    assert.ok(watch.changes.length > 100, 'enough writes succeeded');
  });
}

/** What came of clients that went on while `disturb` did its worst to the store. */
export interface DisturbedHistory {
  /** What does not fit one order of events. */
  readonly problems: readonly string[];
  /** Calls that were answered. */
  readonly answered: number;
  /** Calls of which the store said that it could not answer them. */
  readonly failed: number;
}

/** Clients that work, and a watch that runs, from before `disturb` until some calls after it. The store must be empty under /h/. */
export async function recordDisturbed(
  store: Store,
  options: { clients: number; after: number; disturb(): Promise<void> },
): Promise<DisturbedHistory> {
  using watch = recordWatch(store, { prefix: '/h/', after: store.revision() });
  let isOver = false;
  let failed = 0;
  const disturbing = options.disturb().finally(() => {
    isOver = true;
  });
  let left = options.after;
  const goesOn = () => !isOver || left-- > 0;
  const onFailure = () => {
    failed += 1;
  };
  const history = await recordHistory(store, { clients: options.clients, goesOn, onFailure });
  await disturbing;
  const { revision } = await store.write({ key: '/h/end', value: bytes('end'), expect: 0 });
  await watch.until(({ changes, error }) => error !== undefined || changes.at(-1)?.revision === revision);
  const problems = [...checkHistory(history, watch.changes), ...(watch.error ? [String(watch.error)] : [])];
  return { problems, answered: history.length, failed };
}

interface Load {
  clients: number;
  /** Asked before each call. */
  goesOn(): boolean;
  /** Told of each call that the store could not answer; without it that is an error. */
  onFailure?(): void;
}

/** Clients that read, list, create, update and delete a few keys at random, each knowing only what it was told last. */
async function recordHistory(store: Store, load: Load): Promise<Operation[]> {
  const history: Operation[] = [];
  let tick = 0;
  const client = async (name: number) => {
    const known = new Map<string, number>();
    for (let index = 0; load.goesOn(); index++) {
      const start = tick++;
      const step = { key: pick(keys), known, value: `${name}-${index}` };
      try {
        const answer = await pick([write, write, write, read, list])(store, step);
        history.push({ ...answer, start, end: tick++ });
      } catch (error) {
        // Done or not: whichever it is must fit what the others see.
        if (!load.onFailure || !(error instanceof StoreError && error.code === 'unavailable')) throw error;
        load.onFailure();
      }
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
