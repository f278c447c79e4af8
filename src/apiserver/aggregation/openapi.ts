import { createHash } from 'node:crypto';
import type { APIService, Document, OpenApi } from '#api';
import type { Clock, Log } from '#base';
import type { ApiServices } from './api-services.ts';
import type { Backends } from './backend.ts';
import { type FetchDeps, fetchDocument, isRecord } from './fetch.ts';
import { addSpec, type Spec, specOfVersions } from './openapi-v2.ts';
import { type Polled, pollServers } from './poll-servers.ts';
import { groupVersionOf } from './priorities.ts';

type Fields = Record<string, unknown>;

/** What one server says in OpenAPI about the group versions that it serves here. */
export interface ServerOpenApi {
  /** Entries of the index of version 3 by `apis/<group>/<version>`. */
  readonly index: ReadonlyMap<string, Fields>;
  /** Version 2, with nothing but those group versions; undefined when the server has none. */
  readonly v2: Spec | undefined;
  readonly tags: readonly string[];
}

/** Puts what other servers serve into this server's OpenAPI documents. */
export interface OpenApiMerge {
  /** Changes when a document would. */
  generation(): string;
  wrap(own: OpenApi): OpenApi;
}

const json = 'application/json';

export function startOpenApiCache(deps: {
  services: ApiServices;
  backends: Backends;
  clock: Clock;
  log: Log;
}): Polled<ServerOpenApi> {
  return pollServers({ ...deps, name: 'aggregated-openapi', ask: askServer });
}

async function askServer(
  users: readonly APIService[],
  before: ServerOpenApi | undefined,
  deps: FetchDeps,
): Promise<ServerOpenApi> {
  const names = users.map(user => groupVersionOf(user)).map(({ group, version }) => `apis/${group}/${version}`);
  const index = await fetchDocument(users[0]!, { path: '/openapi/v3', accept: json }, deps);
  const v2 = await fetchDocument(users[0]!, { path: '/openapi/v2', accept: json }, deps);
  const tags = [...names, index.tag, v2.tag];
  if (before && JSON.stringify(before.tags) === JSON.stringify(tags)) return before;
  return { index: entriesOf(index.document, names), v2: specOfVersions(v2.document, names), tags };
}

function entriesOf(document: unknown, names: readonly string[]): ReadonlyMap<string, Fields> {
  const paths = isRecord(document) && isRecord(document['paths']) ? document['paths'] : {};
  const entries = new Map<string, Fields>();
  for (const name of names) {
    const entry = paths[name];
    if (isRecord(entry)) entries.set(name, entry);
  }
  return entries;
}

/** Documents are merged when they are asked for; those of single group versions are not here: they are asked of the server itself. */
export function createOpenApiMerge({
  services,
  cache,
}: {
  services: ApiServices;
  cache: Pick<Polled<ServerOpenApi>, 'of' | 'generation'>;
}): OpenApiMerge {
  return {
    generation: () => (services.hasRemotes ? `${services.generation} ${cache.generation}` : ''),
    wrap(own) {
      if (!services.hasRemotes) return own;
      const servers = [...new Set(services.remotes().flatMap(object => cache.of(object).value ?? []))];
      const remoteNames = services.remotes().map(object => `apis/${object.spec.group}/${object.spec.version}`);
      const [v2, index] = [once(() => mergeV2(own, servers)), once(() => mergeIndex(own, servers, remoteNames))];
      return { v3: own.v3, v2, index };
    },
  };
}

function mergeV2(own: OpenApi, servers: readonly ServerOpenApi[]): Document {
  const specs = servers.flatMap(({ v2 }) => v2 ?? []);
  if (specs.length === 0) return own.v2();
  let merged: Spec = JSON.parse(own.v2().bytes.toString());
  for (const spec of specs) merged = addSpec(merged, spec);
  return toDocument(merged);
}

function mergeIndex(own: OpenApi, servers: readonly ServerOpenApi[], remoteNames: readonly string[]): Document {
  const { paths } = JSON.parse(own.index().bytes.toString()) as { paths: Fields };
  for (const name of remoteNames) delete paths[name];
  for (const { index } of servers) Object.assign(paths, Object.fromEntries(index));
  return toDocument({ paths });
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function toDocument(value: unknown): Document {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, hash: createHash('sha512').update(bytes).digest('hex').toUpperCase() };
}
