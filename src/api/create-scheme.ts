import type { KindBehaviour } from './kind.ts';
import type { UnknownObject } from './resource.ts';
import type { Kind, Scheme, Subresource, TypeNode, Verb } from './scheme.ts';
import { zeroValue } from './shape.ts';
import { type ResourceEntry, resourceTable, typeTable } from './tables.ts';
import { createTypeNodes } from './type-nodes.ts';

export type Behaviours = ReadonlyMap<string, KindBehaviour<UnknownObject>>;

/** The table speaks of HTTP methods. */
const verbOfMethod: Readonly<Record<string, Verb>> = {
  get: 'get',
  list: 'list',
  post: 'create',
  put: 'update',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'deletecollection',
};

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** The built-in kinds: every stable resource of the tables, with what src/api/kinds says of it. */
export function createScheme(behaviours: Behaviours): Scheme {
  const nodes = createTypeNodes();
  const names = typeNames();
  const typeOf: Scheme['typeOf'] = (group, version, kind) =>
    nodes(names.get(`${group}/${version} ${kind}`) ?? `${metaPackage}${kind}`);
  const kinds = Object.entries(resourceTable)
    .filter(([key]) => isStable(key))
    .map(([key, entry]) => createKind({ key, entry, behaviour: behaviours.get(key) ?? {}, typeOf }));
  return schemeOf(kinds, typeOf);
}

/** A scheme of the given kinds; also for built-in ones with custom ones beside them. */
export function schemeOf(kinds: readonly Kind[], typeOf: Scheme['typeOf']): Scheme {
  const byResource = new Map(kinds.map(kind => [`${kind.group}/${kind.version}/${kind.resource}`, kind]));
  const byKind = new Map(kinds.map(kind => [`${kind.group}/${kind.version}/${kind.kind}`, kind]));
  return {
    kinds: () => kinds,
    byResource: (group, version, resource) => byResource.get(`${group}/${version}/${resource}`),
    byKind: (group, version, kind) => byKind.get(`${group}/${version}/${kind}`),
    typeOf,
  };
}

/** Type names by `group/version Kind`; meta types appear under many groups and are found by their own name instead. */
function typeNames(): ReadonlyMap<string, string> {
  const entries = Object.entries(typeTable).filter(([name, { gvk }]) => gvk && !name.startsWith(metaPackage));
  return new Map(entries.map(([name, { gvk }]) => [gvk!, name]));
}

/** Stable versions only; an alpha or beta resource is not served. */
function isStable(key: string): boolean {
  return /(?:^|\/)v\d+\//.test(key);
}

function createKind(options: {
  key: string;
  entry: ResourceEntry;
  behaviour: KindBehaviour<UnknownObject>;
  typeOf: Scheme['typeOf'];
}): Kind {
  const { key, entry, behaviour, typeOf } = options;
  const parts = key.split('/');
  const [group, version, resource] =
    parts.length === 2 ? ['', parts[0]!, parts[1]!] : [parts[0]!, parts[1]!, parts[2]!];
  const type: TypeNode | undefined = typeOf(group, version, entry.kind);
  if (!type) throw new Error(`the types table has no ${group}/${version} ${entry.kind}`);
  const verbs = entry.verbs.flatMap(method => verbOfMethod[method] ?? []);
  return {
    group,
    version,
    resource,
    kind: entry.kind,
    namespaced: entry.namespaced,
    listKind: `${entry.kind}List`,
    singular: behaviour.singular ?? entry.kind.toLowerCase(),
    shortNames: behaviour.shortNames ?? [],
    categories: behaviour.categories ?? [],
    verbs: verbs.includes('list') ? [...verbs, 'watch'] : verbs,
    subresources: new Map(Object.entries(entry.sub).map(([name, sub]) => [name, createSubresource(name, sub)])),
    type,
    behaviour: withStatus(behaviour, type),
    storagePrefix: storagePrefix(group, resource),
  };
}

/** A status that is no pointer in Go is there from the beginning, if only empty: clients (Python's) rely on it. */
function withStatus(behaviour: KindBehaviour<UnknownObject>, type: TypeNode): KindBehaviour<UnknownObject> {
  const status = type.fields?.get('status');
  const { prepareCreate } = behaviour;
  if (!status?.isStruct || !prepareCreate) return behaviour;
  return {
    ...behaviour,
    prepareCreate(draft, context) {
      prepareCreate(draft, context);
      draft['status'] ??= zeroValue(status.type);
    },
  };
}

function createSubresource(name: string, sub: { actions: readonly string[]; kind: string }): Subresource {
  const match = /^(?:(.*)\/)?(v\w+) (\w+)$/.exec(sub.kind)!;
  const isConnect = sub.actions.includes('connect');
  const verbs: Verb[] = isConnect
    ? ['create', 'delete', 'get', 'patch', 'update']
    : sub.actions.flatMap(method => verbOfMethod[method] ?? []);
  return { name, verbs, kind: { group: match[1] ?? '', version: match[2]!, kind: match[3]! }, connect: isConnect };
}

/** Where upstream keeps objects below /registry when that is not the resource's name (pkg/kubeapiserver/default_storage_factory_builder.go and registries). */
const prefixes: Readonly<Record<string, string>> = {
  'v1/services': 'services/specs',
  'v1/endpoints': 'services/endpoints',
  'v1/nodes': 'minions',
  'v1/replicationcontrollers': 'controllers',
  'networking.k8s.io/ingresses': 'ingress',
  'networking.k8s.io/ingressclasses': 'ingressclasses',
  'apiextensions.k8s.io/customresourcedefinitions': 'apiextensions.k8s.io/customresourcedefinitions',
  'apiregistration.k8s.io/apiservices': 'apiregistration.k8s.io/apiservices',
};

function storagePrefix(group: string, resource: string): string {
  return prefixes[`${group || 'v1'}/${resource}`] ?? resource;
}
