import { isRecord, recordsIn } from './fetch.ts';

type Fields = Record<string, unknown>;

/**
 * What an APIResourceList says, as the resources of an aggregated discovery document: subresources move under their resource. One whose resource is not in the
 * list gets a place of its own, without verbs. After upstream's ConvertGroupVersionIntoToDiscovery.
 */
export function toDiscoveredResources(list: unknown, about: { group: string; version: string }): Fields[] {
  const entries = recordsIn(list, 'resources').filter(({ name }) => typeof name === 'string' && name !== '');
  const found = new Map<string, Fields>();
  const isSubresource = ({ name }: Fields) => String(name).includes('/');
  for (const entry of entries) if (!isSubresource(entry)) found.set(String(entry['name']), toResource(entry, about));
  for (const entry of entries.filter(isSubresource)) {
    const [name = '', ...rest] = String(entry['name']).split('/');
    const parent = found.get(name) ?? { resource: name, scope: scopeOf(entry), responseKind: {} };
    found.set(name, parent);
    const subresources = Array.isArray(parent['subresources']) ? parent['subresources'] : [];
    const one = { subresource: rest.join('/'), responseKind: kindOf(entry, about), verbs: verbsOf(entry) };
    parent['subresources'] = [...subresources, one];
  }
  return [...found.values()];
}

function toResource(entry: Fields, about: { group: string; version: string }): Fields {
  const { name, singularName, shortNames, categories } = entry;
  return {
    resource: name,
    responseKind: kindOf(entry, about),
    scope: scopeOf(entry),
    singularResource: singularName ?? '',
    verbs: verbsOf(entry),
    ...(Array.isArray(shortNames) && { shortNames }),
    ...(Array.isArray(categories) && { categories }),
  };
}

function kindOf(entry: Fields, about: { group: string; version: string }): Fields {
  return { group: entry['group'] || about.group, version: entry['version'] || about.version, kind: entry['kind'] };
}

function scopeOf({ namespaced }: Fields): string {
  return namespaced === true ? 'Namespaced' : 'Cluster';
}

function verbsOf({ verbs }: Fields): unknown[] {
  return Array.isArray(verbs) ? verbs : [];
}

/** The versions of an aggregated discovery document by `group/version`; empty for anything else. */
export function versionsIn(document: unknown): ReadonlyMap<string, Fields> {
  const found = new Map<string, Fields>();
  for (const { metadata, versions } of recordsIn(document, 'items')) {
    const group = isRecord(metadata) ? String(metadata['name'] ?? '') : '';
    for (const version of recordsIn({ versions }, 'versions')) found.set(`${group}/${version['version']}`, version);
  }
  return found;
}
