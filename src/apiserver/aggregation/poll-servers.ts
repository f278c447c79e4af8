import type { APIService } from '#api';
import type { Clock, Log } from '#base';
import { startQueue } from '#client';
import type { ApiServices } from './api-services.ts';
import { type Backends, defaultServicePort } from './backend.ts';
import type { FetchDeps } from './fetch.ts';

/** What the servers behind this one say about themselves, as they said it last. */
export interface Polled<T> extends AsyncDisposable {
  /** Of the server of an APIService; undefined before its first answer. */
  of(object: APIService): { readonly value: T | undefined; readonly isStale: boolean };
  /** Something about an APIService changed: its server is asked again. */
  poke(object: APIService): void;
  /** Grows with every change. */
  readonly generation: number;
}

/** Servers are asked anew after this (as upstream). */
const refreshMs = 60_000;
/** A server that does not answer is asked again soon, and then less and less often. */
const backoff = { firstMs: 50, maxMs: refreshMs };
/** Asked at the same time: a dead server takes seconds, and must not keep others waiting. */
const concurrency = 64;

export interface PollOptions<T> {
  readonly name: string;
  readonly services: ApiServices;
  readonly backends: Backends;
  readonly clock: Clock;
  readonly log: Log;
  /** Asks one server for all the APIServices that name it. Gives `before` itself when nothing changed; rejects when there is no answer to be had. */
  ask(users: readonly APIService[], before: T | undefined, deps: FetchDeps): Promise<T>;
}

/** Asks every server that an APIService names, in the background: nobody's request waits for what another server has to tell. */
export function pollServers<T>(options: PollOptions<T>): Polled<T> {
  const { name, services, clock, log } = options;
  const known = new Map<string, { value: T | undefined; isStale: boolean }>();
  const failures = new Map<string, number>();
  let generation = 0;
  const keep = (key: string, value: T | undefined, isStale: boolean) => {
    const before = known.get(key);
    if (before && before.value === value && before.isStale === isStale) return;
    known.set(key, { value, isStale });
    generation++;
  };
  const handle = async (key: string, signal: AbortSignal) => {
    const users = services.remotes().filter(object => keyOf(object) === key);
    if (users.length === 0) {
      failures.delete(key);
      if (known.delete(key)) generation++;
      return undefined;
    }
    const before = known.get(key)?.value;
    try {
      keep(key, await options.ask(users, before, { ...options, signal }), false);
      failures.delete(key);
      return { afterMs: refreshMs };
    } catch (error) {
      if (signal.aborted) return undefined;
      keep(key, before, true);
      log.debug('a server behind this one does not describe itself', { about: name, service: key, error });
      const count = failures.get(key) ?? 0;
      failures.set(key, count + 1);
      return { afterMs: Math.min(backoff.firstMs * 2 ** count, backoff.maxMs) };
    }
  };
  const queue = startQueue({ name, concurrency, handle }, { clock, log });
  return {
    of: object => known.get(keyOf(object)) ?? { value: undefined, isStale: true },
    poke: object => queue.add(keyOf(object)),
    get generation() {
      return generation;
    },
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  };
}

function keyOf({ spec }: APIService): string {
  const { namespace = '', name = '', port = defaultServicePort } = spec.service ?? {};
  return `${namespace}/${name}:${port}`;
}
