import type { APIService, Document, OpenApi } from '#api';
import { assemble, jsonBytesSteps, parseJsonSteps } from '#api';
import type { Clock, Log, Steps } from '#base';
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

/** Documents are merged each time that they are asked for, in steps: who asks keeps them. Those of single group versions are not here: they are asked of the server itself. */
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
      return { v3: own.v3, v2: () => mergeV2(own, servers), index: () => mergeIndex(own, servers, remoteNames) };
    },
  };
}

function* mergeV2(own: OpenApi, servers: readonly ServerOpenApi[]): Steps<Document> {
  const ours = yield* own.v2();
  const specs = servers.flatMap(({ v2 }) => v2 ?? []);
  if (specs.length === 0) return ours;
  let merged = (yield* parseJsonSteps(ours.bytes.toString())) as Spec;
  for (const spec of specs) {
    merged = addSpec(merged, spec);
    yield;
  }
  return yield* assemble(yield* jsonBytesSteps(merged));
}

function* mergeIndex(own: OpenApi, servers: readonly ServerOpenApi[], remoteNames: readonly string[]): Steps<Document> {
  const { paths } = JSON.parse((yield* own.index()).bytes.toString()) as { paths: Fields };
  for (const name of remoteNames) delete paths[name];
  for (const { index } of servers) Object.assign(paths, Object.fromEntries(index));
  return yield* assemble([Buffer.from(JSON.stringify({ paths }))]);
}
