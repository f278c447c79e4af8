import type { Scheme } from '#api';
import { groupsOf } from '#api';
import type { ApiServices } from './api-services.ts';
import { discoveredVersion, type ServerDiscovery } from './discovery-cache.ts';
import type { Polled } from './poll-servers.ts';
import {
  builtInPriority,
  customPriority,
  groupVersionOf,
  type OrderedGroup,
  orderGroups,
  type Priority,
  registrationGroup,
} from './priorities.ts';

type Fields = Record<string, unknown>;

/** Puts what other servers serve into this server's discovery documents. */
export interface DiscoveryMerge {
  /** Changes when a document would. */
  generation(): string;
  /** `GET /apis`. */
  groupList(own: Fields, scheme: Scheme): Fields;
  /** `GET /apis/<name>`; undefined when nobody serves the group. */
  group(name: string, own: Fields | undefined, scheme: Scheme): Fields | undefined;
  /** `GET /apis` as an aggregated document. */
  aggregated(own: Fields, scheme: Scheme): Fields;
}

const first: Priority = { group: Number.POSITIVE_INFINITY, version: 0 };

/** Documents are those of this server alone, in its own order, until an APIService says otherwise. */
export function createDiscoveryMerge({
  services,
  cache,
}: {
  services: ApiServices;
  cache: Polled<ServerDiscovery>;
}): DiscoveryMerge {
  const groups = (scheme: Scheme) => mergeGroups(scheme, services);
  return {
    generation: () => `${services.generation} ${cache.generation}`,
    groupList: (own, scheme) => ({
      ...own,
      groups: groups(scheme)
        .filter(({ name }) => name !== '')
        .map(describeGroup),
    }),
    group(name, own, scheme) {
      const found = name === '' ? undefined : groups(scheme).find(group => group.name === name);
      return found ? { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(found) } : own;
    },
    aggregated: (own, scheme) => mergeAggregated(own, groups(scheme), { services, cache }),
  };
}

/** Every group that is served here or elsewhere. */
function mergeGroups(scheme: Scheme, services: ApiServices): OrderedGroup[] {
  const stored = new Map(
    services
      .all()
      .map(({ spec }) => [
        `${spec.group ?? ''}/${spec.version}`,
        { group: spec.groupPriorityMinimum, version: spec.versionPriority },
      ]),
  );
  const own = groupsOf(scheme).flatMap(({ name, versions }) => versions.map(version => ({ group: name, version })));
  const others = services.remotes().map(groupVersionOf);
  const all = new Map([...own, ...others].map(one => [`${one.group}/${one.version}`, one]));
  const priorityOf = (key: string, group: string, version: string) =>
    group === registrationGroup ? first : (stored.get(key) ?? builtInPriority({ group, version }) ?? customPriority);
  return orderGroups([...all].map(([key, one]) => ({ ...one, priority: priorityOf(key, one.group, one.version) })));
}

function describeGroup({ name, versions }: OrderedGroup): Fields {
  const described = versions.map(version => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: described, preferredVersion: described[0] };
}

interface OwnItem {
  metadata: { name?: string };
  versions: Fields[];
}

function mergeAggregated(
  own: Fields,
  groups: readonly OrderedGroup[],
  { services, cache }: { services: ApiServices; cache: Polled<ServerDiscovery> },
): Fields {
  const items = new Map((own['items'] as OwnItem[]).map(item => [item.metadata.name ?? '', item]));
  const versionOf = (group: string, version: string) => {
    const remote = services.remoteOf(group, version);
    if (remote) return discoveredVersion(cache, remote);
    return items.get(group)?.versions.find(one => one['version'] === version);
  };
  return {
    ...own,
    items: groups
      .filter(({ name }) => name !== '')
      .map(({ name, versions }) => ({
        metadata: { ...items.get(name)?.metadata, name },
        versions: versions.flatMap(version => versionOf(name, version) ?? []),
      })),
  };
}
