import type { APIService } from '#api';
import type { Clock, Log } from '#base';
import type { ApiServices } from './api-services.ts';
import type { Backends } from './backend.ts';
import { type FetchDeps, fetchDocument, isRecord } from './fetch.ts';
import { toDiscoveredResources, versionsIn } from './legacy-discovery.ts';
import { type Polled, pollServers } from './poll-servers.ts';
import { groupVersionOf } from './priorities.ts';

type Fields = Record<string, unknown>;

/** What one server serves: entries of an aggregated discovery document's versions by `group/version`. */
export interface ServerDiscovery {
  readonly versions: ReadonlyMap<string, Fields>;
  /** By which a document is known to be the same. */
  readonly tag: string;
}

const asForm = (version: string) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
const accept = `${asForm('v2')},${asForm('v2beta1')},application/json`;

export function startDiscoveryCache(deps: {
  services: ApiServices;
  backends: Backends;
  clock: Clock;
  log: Log;
}): Polled<ServerDiscovery> {
  return pollServers({ ...deps, name: 'aggregated-discovery', ask: askServer });
}

/** The entry of a group version; Stale, with what was known before, when its server could not be asked. */
export function discoveredVersion(cache: Pick<Polled<ServerDiscovery>, 'of'>, object: APIService): Fields {
  const { group, version } = groupVersionOf(object);
  const { value, isStale } = cache.of(object);
  const found = value?.versions.get(`${group}/${version}`);
  if (found && !isStale) return { ...found, freshness: 'Current' };
  return { ...(found ?? { version, resources: [] }), freshness: 'Stale' };
}

/** The aggregated document for everything that the server has; from servers that have none, the list of each group version. */
async function askServer(
  users: readonly APIService[],
  before: ServerDiscovery | undefined,
  deps: FetchDeps,
): Promise<ServerDiscovery> {
  const answer = await fetchDocument(users[0]!, { path: '/apis', accept, etag: before?.tag }, deps);
  if (before && (answer.status === 304 || answer.tag === before.tag)) return before;
  if (isRecord(answer.document) && answer.document['kind'] === 'APIGroupDiscoveryList')
    return { versions: versionsIn(answer.document), tag: answer.tag };
  return askForLists(users, before, deps);
}

async function askForLists(
  users: readonly APIService[],
  before: ServerDiscovery | undefined,
  deps: FetchDeps,
): Promise<ServerDiscovery> {
  const versions = new Map<string, Fields>();
  const tags: string[] = [];
  for (const object of users) {
    const about = groupVersionOf(object);
    const path = `/apis/${about.group}/${about.version}`;
    const list = await fetchDocument(object, { path, accept: 'application/json' }, deps);
    if (list.status !== 200) throw new Error(`${path}: status ${list.status}`);
    const resources = toDiscoveredResources(list.document, about);
    versions.set(`${about.group}/${about.version}`, { version: about.version, resources });
    tags.push(list.tag);
  }
  const tag = tags.join(' ');
  return before?.tag === tag ? before : { versions, tag };
}
