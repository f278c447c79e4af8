import { resources, type Service, type ServicePort } from '#api';
import { type Client, isAlreadyExists, isNotFound, retryOnConflict } from '#client';

/** kube-proxy, and every proxy that keeps its rules, leaves Services alone that carry this label (upstream: KEP-2447). */
export const serviceProxyNameLabel = 'service.kubernetes.io/service-proxy-name';
/** Its value on our Service: packets to it are for the node agent on the node itself. */
export const dnsProxyName = 'wherry-dns';

const ref = { namespace: 'kube-system', name: 'kube-dns' } as const;

const labels: Readonly<Record<string, string>> = {
  'k8s-app': 'kube-dns',
  'kubernetes.io/cluster-service': 'true',
  'kubernetes.io/name': 'CoreDNS',
  [serviceProxyNameLabel]: dnsProxyName,
};

const ports: readonly ServicePort[] = [
  { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
  { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
];

export interface DnsServiceConfig {
  /** `10.43.0.10`. */
  clusterIp: string;
}

/**
 * Sees to it that kube-system/kube-dns exists, so that clients find cluster DNS where they look for it. It has no selector and no endpoints: the
 * address is answered on every node itself. A Service that is as wanted is left alone; labels, ports and a selector are repaired. Rejects when it
 * stands under another address, which cannot be changed.
 */
export async function ensureDnsService(config: DnsServiceConfig, deps: { client: Client }): Promise<void> {
  await retryOnConflict(async () => {
    const old = await getOrCreate(config, deps.client);
    if (!old) return;
    if (old.spec.clusterIP !== config.clusterIp) {
      throw new Error(
        `Service kube-system/kube-dns has address ${old.spec.clusterIP}, not ${config.clusterIp}: delete it, or set cluster-dns to its address`,
      );
    }
    if (!isAsWanted(old)) await deps.client.update(resources.services, repaired(old));
  });
}

/** The Service that was there; undefined when it was created now. */
async function getOrCreate({ clusterIp }: DnsServiceConfig, client: Client): Promise<Service | undefined> {
  try {
    return await client.get(resources.services, ref);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  try {
    await client.create(resources.services, dnsService(clusterIp));
    return undefined;
  } catch (error) {
    // Another server was faster.
    if (isAlreadyExists(error)) return client.get(resources.services, ref);
    throw error;
  }
}

function dnsService(clusterIP: string): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...ref, labels: { ...labels } },
    spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports: [...ports] },
  };
}

function isAsWanted({ metadata, spec }: Service): boolean {
  const text = (all: readonly ServicePort[] = []) => {
    return all.map(({ name, port, protocol = 'TCP' }) => `${name}/${port}/${protocol}`).join();
  };
  const hasLabels = Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value);
  return hasLabels && text(spec.ports) === text(ports) && !Object.keys(spec.selector ?? {}).length;
}

function repaired(old: Service): Service {
  const { selector: _, ...spec } = old.spec;
  return {
    ...old,
    metadata: { ...old.metadata, labels: { ...old.metadata.labels, ...labels } },
    spec: { ...spec, ports: [...ports] },
  };
}
