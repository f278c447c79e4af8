import { type ObjectReference, type Pod, resources } from '#api';
import type { Random } from '#base';
import { badRequest, notFound, serviceUnavailable } from '../access/refuse.ts';
import type { ObjectReader } from '../reader.ts';
import type { RequestInfo } from '../request-info.ts';
import type { ProxyTarget, Tls } from './http-proxy.ts';
import { findNode, findPod, kubeletUrl } from './kubelet-address.ts';
import { checkProxyable, isProxyable } from './proxy-address.ts';

export interface ProxyDeps {
  reader: ObjectReader;
  random: Random;
  /** How the API server shows itself to kubelets. */
  kubeletTls: Tls;
}

interface Asked {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  /** Number or name, empty when not said. */
  readonly port: string;
}

/** Where a proxied request goes, up to the path. Throws Status 400, 404 and 503 as upstream words them. */
export async function proxyTargetOf(info: RequestInfo, deps: ProxyDeps): Promise<ProxyTarget> {
  const asked = parseProxyName(info);
  switch (info.resource) {
    case 'nodes':
      return nodeTarget(asked, deps);
    case 'pods':
      return podTarget(findPod(deps.reader, info.namespace, asked.name), asked);
    case 'services':
      return serviceTarget(info, asked, deps);
    default:
      throw badRequest(`${info.resource} cannot be proxied`);
  }
}

/** `name`, `name:port` or `scheme:name:port`. Throws 400. */
function parseProxyName(info: RequestInfo): Asked {
  const parts = info.name.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : ['', parts[0], parts[1] ?? ''];
  if (parts.length > 3 || !name || !['', 'http', 'https'].includes(scheme!)) {
    throw badRequest(`invalid ${info.resource.slice(0, -1)} request ${JSON.stringify(info.name)}`);
  }
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port: port! };
}

/** The kubelet, to whom the API server shows its certificate; or whatever else listens on the node, to which it does not. */
async function nodeTarget({ scheme, name, port }: Asked, deps: ProxyDeps): Promise<ProxyTarget> {
  const kubelet = kubeletUrl(findNode(deps.reader, name));
  const { hostname, port: kubeletPort } = new URL(kubelet);
  if (!port || port === kubeletPort) return { url: kubelet, tls: deps.kubeletTls };
  await checkProxyable(hostname.replace(/^\[|\]$/g, ''));
  return { url: `${scheme}://${hostname}:${port}`, tls: { insecure: true } };
}

function podTarget(pod: Pod, { scheme, port }: Asked): ProxyTarget {
  const address = pod.status?.podIPs?.[0]?.ip ?? '';
  if (!isProxyable(address)) throw badRequest('address not allowed');
  const first = pod.spec.containers.find(container => container.ports?.length)?.ports?.[0]?.containerPort;
  const number = port || first;
  return { url: `${scheme}://${hostOf(address)}${number ? `:${number}` : ''}`, tls: { insecure: true } };
}

/** One of the ready pods behind a service. An address that is not that of its pod is passed over: who writes slices could name anybody's. */
function serviceTarget(info: RequestInfo, { scheme, name, port }: Asked, deps: ProxyDeps): ProxyTarget {
  const portName = portNameOf(info, { name, port }, deps.reader);
  const slices = deps.reader
    .list(resources.endpointslices, info.namespace)
    .filter(slice => slice.metadata.labels?.['kubernetes.io/service-name'] === name);
  const hosts = slices.flatMap(slice => {
    const number = slice.ports?.find(entry => (entry.name ?? '') === portName)?.port;
    const ready = (slice.endpoints ?? []).filter(endpoint => endpoint.conditions?.ready !== false);
    const addresses = ready.flatMap(({ addresses, targetRef }) =>
      addresses.filter(address => isAddressOf(targetRef, address)),
    );
    return number ? addresses.map(address => `${hostOf(address)}:${number}`) : [];
  });
  const chosen = hosts[Math.floor(deps.random.next() * hosts.length)];
  if (!chosen) {
    const shown = slices.some(slice => slice.endpoints?.length) ? info.name : name;
    throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(shown)}`);
  }
  return { url: `${scheme}://${chosen}`, tls: { insecure: true } };

  function isAddressOf(target: ObjectReference | undefined, address: string): boolean {
    if (target?.namespace !== info.namespace || !target?.name || !isProxyable(address)) return false;
    const pod = deps.reader.get(resources.pods, info.namespace, target.name);
    return pod?.status?.podIPs?.some(({ ip }) => ip === address) ?? false;
  }
}

/** Ports are told apart by name, in a service and in its endpoints alike; none said is the one without a name. Throws 404 and 503. */
function portNameOf(info: RequestInfo, { name, port }: { name: string; port: string }, reader: ObjectReader): string {
  const service = reader.get(resources.services, info.namespace, name);
  if (!service) throw notFound({ group: '', resource: 'services' }, name);
  if (!/^\d+$/.test(port)) return port;
  const found = (service.spec.ports ?? []).find(entry => entry.port === Number(port));
  if (!found) throw serviceUnavailable(`no service port ${Number(port)} found for service ${JSON.stringify(name)}`);
  return found.name ?? '';
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
