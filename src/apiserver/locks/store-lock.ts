import type { Clock, Log, Random } from '#base';
import type { Store } from '#store';
import { StoreError } from '#store';

export interface StoreLockDeps {
  readonly store: Store;
  /** Names this server among those that share the store. */
  readonly holder: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A lock that servers on one store take turns with. In one server any number of requests hold it together. */
export interface StoreLock {
  /** Resolves, with the store's revision, when this server has the lock. Rejects with StoreError `unavailable`. Each must be followed by one `leave`. */
  enter(): Promise<number>;
  leave(): void;
}

/** The holder shows this often that it lives. */
const renewMs = 5_000;
/** A lock that nobody has renewed for so long, by this process' own clock, belongs to nobody. */
const abandonedMs = 20_000;
const retryMs = 10;
/** Nobody waits longer: a request takes at most a minute, and somebody's webhook may be what takes so long. */
const maxWaitMs = 30_000;
/** With others waiting, a server that is never idle gives the lock away after this. */
const turnMs = 100;

/** What one turn of this server is. */
interface Turn {
  revision: number;
  users: number;
  readonly sinceMs: number;
  renewal: Disposable | undefined;
  /** The renewal under way. */
  renewing: Promise<void>;
}

/** Under `key` in the store; what stands there is a small JSON object, so that tools that look at keys can read it. */
export function createStoreLock(key: string, deps: StoreLockDeps): StoreLock {
  const { store, clock, random, log } = deps;
  const value = () =>
    Buffer.from(
      JSON.stringify({
        kind: 'Lock',
        apiVersion: 'wherry/v1',
        metadata: { name: key.split('/').at(-1) },
        holder: deps.holder,
        renewed: new Date(clock.now()).toISOString(),
      }),
    );
  let turn: Turn | undefined;
  /** One at a time asks for the lock, and comes back without it only by an error. */
  let asking: Promise<Turn> | undefined;
  const waiting: (() => void)[] = [];
  /** The turn that ends: the next begins behind it. */
  let ending: Promise<void> = Promise.resolve();

  const renew = (own: Turn) => {
    own.renewal = clock.timer(
      renewMs,
      () => {
        own.renewing = store
          .write({ key, value: value(), expect: own.revision })
          .then(({ revision }) => {
            own.revision = revision;
            if (turn === own) renew(own);
          })
          .catch(error => log.warn('a lock between servers was not renewed', { key, error }));
      },
      { unref: true },
    );
  };
  const acquire = async (): Promise<Turn> => {
    await ending;
    let seen: { revision: number; atMs: number } | undefined;
    let expect = 0;
    const untilMs = clock.monotonicMs() + maxWaitMs;
    for (;;) {
      try {
        const { revision } = await store.write({ key, value: value(), expect });
        const own: Turn = { revision, users: 0, sinceMs: clock.monotonicMs(), renewal: undefined, renewing: ending };
        renew(own);
        return own;
      } catch (error) {
        if (!(error instanceof StoreError && error.code === 'conflict')) throw error;
        const { entry } = error;
        if (clock.monotonicMs() > untilMs)
          throw new StoreError('unavailable', `${key} is held by another server for too long`);
        if (entry && entry.revision !== seen?.revision) seen = { revision: entry.revision, atMs: clock.monotonicMs() };
        const isAbandoned = entry && seen && clock.monotonicMs() - seen.atMs > abandonedMs;
        if (isAbandoned) log.warn('taking over a lock that nobody renews', { key });
        expect = isAbandoned ? entry.revision : 0;
        await clock.sleep(retryMs * (1 + random.next()));
      }
    }
  };
  const end = async (own: Turn) => {
    own.renewal?.[Symbol.dispose]();
    await own.renewing;
    try {
      await store.write({ key, value: undefined, expect: own.revision });
    } catch (error) {
      // Others take it over when its time is up.
      log.warn('a lock between servers was not given back', { key, error });
    }
  };
  return {
    async enter() {
      // A turn that has lasted long is left to end, so that other servers come in.
      while (turn && clock.monotonicMs() - turn.sinceMs > turnMs) await new Promise<void>(wake => waiting.push(wake));
      if (!turn) {
        asking ??= acquire().finally(() => {
          asking = undefined;
        });
        const own = await asking;
        turn ??= own;
      }
      turn.users += 1;
      return turn.revision;
    },
    leave() {
      const own = turn;
      if (!own || --own.users > 0) return;
      turn = undefined;
      ending = end(own);
      for (const wake of waiting.splice(0)) wake();
    },
  };
}
