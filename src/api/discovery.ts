import { apiVersionOf } from './resource.ts';
import type { Kind, Scheme, Verb } from './scheme.ts';

/** Upstream's order of groups: core first, then by what clients prefer (pkg/controlplane and kube-aggregator priorities). */
const groupOrder = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'resource.k8s.io',
];

interface Group {
  name: string;
  /** Best first. */
  versions: string[];
}

/** The groups of a scheme, the core group included under its empty name. */
export function groupsOf(scheme: Scheme): Group[] {
  const byName = new Map<string, Set<string>>();
  for (const { group, version } of scheme.kinds()) byName.set(group, (byName.get(group) ?? new Set()).add(version));
  const rank = (name: string) => (groupOrder.includes(name) ? groupOrder.indexOf(name) : groupOrder.length);
  return [...byName]
    .map(([name, versions]) => ({ name, versions: [...versions].sort(compareVersions) }))
    .sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
}

/** Stable before beta before alpha, higher before lower (upstream's CompareKubeAwareVersionStrings, reversed). */
export function compareVersions(a: string, b: string): number {
  const key = (version: string) => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (!match) return [9, 0, 0];
    return [match[2] === undefined ? 0 : match[2] === 'beta' ? 1 : 2, -Number(match[1]), -Number(match[3] ?? 0)];
  };
  const [left, right] = [key(a), key(b)];
  return left[0]! - right[0]! || left[1]! - right[1]! || left[2]! - right[2]! || (a < b ? -1 : a > b ? 1 : 0);
}

/** `GET /api`. */
export function apiVersions(serverAddress: string): Record<string, unknown> {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

/** `GET /apis`. */
export function apiGroupList(scheme: Scheme): Record<string, unknown> {
  const groups = groupsOf(scheme)
    .filter(({ name }) => name !== '')
    .map(describeGroup);
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

/** `GET /apis/<group>`; undefined when there is no such group. */
export function apiGroup(scheme: Scheme, name: string): Record<string, unknown> | undefined {
  const group = groupsOf(scheme).find(candidate => candidate.name === name && name !== '');
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(group) };
}

function describeGroup({ name, versions }: Group) {
  const described = versions.map(version => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: described, preferredVersion: described[0]! };
}

/** `GET /api/v1`, `/apis/<group>/<version>`; undefined when nothing is served there. */
export function apiResourceList(scheme: Scheme, group: string, version: string): Record<string, unknown> | undefined {
  const kinds = kindsOf(scheme, group, version);
  if (kinds.length === 0) return undefined;
  const resources = kinds.flatMap(kind => [
    describeResource(kind),
    ...[...kind.subresources.values()].map(sub => describeSubresource(kind, sub)),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersionOf({ group, version }), resources };
}

function kindsOf(scheme: Scheme, group: string, version: string): Kind[] {
  return scheme
    .kinds()
    .filter(kind => kind.group === group && kind.version === version)
    .sort((a, b) => (a.resource < b.resource ? -1 : 1));
}

function describeResource(kind: Kind) {
  return {
    name: kind.resource,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: sortVerbs(kind.verbs),
    ...(kind.shortNames.length && { shortNames: kind.shortNames }),
    ...(kind.categories.length && { categories: kind.categories }),
    ...(kind.verbs.includes('get') && { storageVersionHash: storageVersionHash(kind) }),
  };
}

function describeSubresource(
  kind: Kind,
  sub: { name: string; verbs: readonly Verb[]; kind: { group: string; version: string; kind: string } },
) {
  const isOwn = sub.kind.group === kind.group && sub.kind.version === kind.version;
  return {
    name: `${kind.resource}/${sub.name}`,
    singularName: '',
    namespaced: kind.namespaced,
    ...(!isOwn && { group: sub.kind.group, version: sub.kind.version }),
    kind: sub.kind.kind,
    verbs: sortVerbs(sub.verbs),
  };
}

function sortVerbs(verbs: readonly Verb[]): Verb[] {
  return [...verbs].sort();
}

/** A short text that changes when objects of the kind are stored in another form. */
function storageVersionHash(kind: Kind): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(`${kind.group}/${kind.version}/${kind.kind}`))
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(hash);
  return bytes.toString('base64');
}

/** `GET /api` or `/apis` as apidiscovery.k8s.io/v2 APIGroupDiscoveryList. */
export function aggregatedDiscovery(scheme: Scheme, root: 'api' | 'apis'): Record<string, unknown> {
  const groups = groupsOf(scheme).filter(({ name }) => (root === 'api') === (name === ''));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(({ name, versions }) => ({
      metadata: name ? { name } : {},
      versions: versions.map(version => ({
        version,
        freshness: 'Current',
        resources: kindsOf(scheme, name, version).map(discoverKind),
      })),
    })),
  };
}

function discoverKind(kind: Kind) {
  const subresources = [...kind.subresources.values()].map(sub => ({
    subresource: sub.name,
    responseKind: sub.kind,
    verbs: sortVerbs(sub.verbs),
  }));
  return {
    resource: kind.resource,
    responseKind: { group: kind.group, version: kind.version, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: sortVerbs(kind.verbs),
    ...(kind.shortNames.length && { shortNames: kind.shortNames }),
    ...(kind.categories.length && { categories: kind.categories }),
    ...(subresources.length && { subresources }),
  };
}
