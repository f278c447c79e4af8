import type { Client } from '#client';
import type { DiscoveredResource, Discovery } from './config.ts';

const accept =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';

interface GroupDiscovery {
  metadata?: { name?: string };
  versions?: {
    version: string;
    freshness?: string;
    resources?: { resource: string; scope: string; verbs?: string[]; responseKind?: { kind?: string } }[];
  }[];
}

/**
 * All resources that are served, each once, in its preferred version, without subresources; and which groups' servers do not answer. Throws when the
 * API server itself does not answer with aggregated discovery.
 */
export async function discoverResources(client: Client): Promise<Discovery> {
  const groups = (await Promise.all(['/api', '/apis'].map(path => readGroups(client, path)))).flat();
  return { resources: groups.flatMap(resourcesOf), stale: groups.flatMap(staleOf) };
}

async function readGroups(client: Client, path: string): Promise<GroupDiscovery[]> {
  const response = await client.raw({ method: 'GET', path, headers: { accept } });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  if (response.status !== 200) throw new Error(`discovery of ${path} answered ${response.status}`);
  const { items } = JSON.parse(text) as { items?: GroupDiscovery[] };
  if (!items) throw new Error(`discovery of ${path} is not aggregated`);
  return items;
}

function staleOf({ metadata, versions }: GroupDiscovery): string[] {
  const stale = versions?.filter(({ freshness }) => freshness === 'Stale') ?? [];
  return stale.map(({ version }) => `${metadata?.name}/${version}`);
}

function resourcesOf({ metadata, versions }: GroupDiscovery): DiscoveredResource[] {
  const found = new Map<string, DiscoveredResource>();
  const group = metadata?.name ?? '';
  for (const { version, resources } of versions ?? []) {
    for (const { resource, scope, verbs = [], responseKind } of resources ?? []) {
      if (found.has(resource)) continue;
      const namespaced = scope === 'Namespaced';
      found.set(resource, { group, version, resource, kind: responseKind?.kind ?? '', namespaced, verbs });
    }
  }
  return [...found.values()];
}
