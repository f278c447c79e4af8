import { type Pod, resources, type Service } from '#api';
import type { Random } from '#base';
import type { Request, Response } from '#wire';
import { badRequest, notFound, serviceUnavailable } from '../access/refuse.ts';
import type { ObjectReader } from '../reader.ts';
import type { RequestInfo } from '../request-info.ts';
import { type ProxyTarget, proxyRequest, type Tls } from './http-proxy.ts';
import { findNode, findPod, kubeletUrl } from './kubelet-address.ts';

export interface ProxyDeps {
  reader: ObjectReader;
  random: Random;
  /** How the API server shows itself to kubelets. */
  kubeletTls: Tls;
}

/** The `proxy` subresource of pods, services and nodes: any method, streaming, upgrades. */
export async function connectProxy(request: Request, info: RequestInfo, deps: ProxyDeps): Promise<Response> {
  const target = targetOf(info, deps);
  const search = request.search ? `?${request.search}` : '';
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  // Relative links of a page at the top lead below it only behind a slash.
  if (!info.rest && isRead && !request.headers['upgrade']) {
    return { status: 301, headers: { location: `${request.path}/${search}` } };
  }
  const path = info.rest || '/';
  const prefix = request.path.slice(0, request.path.length - info.rest.length);
  const host = request.headers['host'] ?? request.headers[':authority'] ?? '';
  try {
    return await proxyRequest(request, {
      ...target,
      url: `${target.url}${path}${search}`,
      headers: forwarded(request),
      rewrite: { host, prefix },
    });
  } catch (cause) {
    throw serviceUnavailable(`error trying to reach service: ${(cause as Error).message}`);
  }
}

/** Who asked, and for what, as proxies tell. */
function forwarded({ path, headers, peer }: Request): Record<string, string> {
  const before = headers['x-forwarded-for'];
  const address = peer.address ?? '';
  return {
    'x-forwarded-uri': path,
    ...(address && { 'x-forwarded-for': before ? `${before}, ${address}` : address }),
  };
}

function targetOf(info: RequestInfo, deps: ProxyDeps): ProxyTarget {
  const { scheme, name, port } = parseProxyName(info);
  switch (info.resource) {
    case 'nodes':
      return { url: kubeletUrl(findNode(deps.reader, name)), tls: deps.kubeletTls };
    case 'pods':
      return podTarget(findPod(deps.reader, info.namespace, name), scheme, port);
    case 'services':
      return serviceTarget({ info, name, scheme, port, deps });
    default:
      throw badRequest(`${info.resource} cannot be proxied`);
  }
}

/** `[scheme:]name[:port]`. Throws 400. */
function parseProxyName(info: RequestInfo): { scheme: 'http' | 'https'; name: string; port: string } {
  const parts = info.name.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : ['', parts[0], parts[1] ?? ''];
  if (parts.length > 3 || !name || !['', 'http', 'https'].includes(scheme!)) {
    throw badRequest(`invalid ${info.resource.slice(0, -1)} request ${JSON.stringify(info.name)}`);
  }
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port: port! };
}

function podTarget(pod: Pod, scheme: 'http' | 'https', port: string): ProxyTarget {
  const address = pod.status?.podIP;
  if (!address) throw badRequest('address not allowed');
  const first = pod.spec.containers.flatMap(container => container.ports ?? []).find(entry => entry.protocol !== 'UDP');
  return {
    url: `${scheme}://${hostOf(address)}:${port || first?.containerPort || (scheme === 'https' ? 443 : 80)}`,
    tls: { insecure: true },
  };
}

function serviceTarget(asked: {
  info: RequestInfo;
  name: string;
  scheme: 'http' | 'https';
  port: string;
  deps: ProxyDeps;
}): ProxyTarget {
  const { info, name, scheme, port, deps } = asked;
  const service = deps.reader.get(resources.services, info.namespace, name);
  if (!service) throw notFound({ group: '', resource: 'services' }, name);
  const portName = portNameOf(service, port);
  const ready = deps.reader
    .list(resources.endpointslices, info.namespace)
    .filter(slice => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
    .flatMap(slice => {
      const number = slice.ports?.find(entry => (entry.name ?? '') === portName)?.port;
      const addresses = (slice.endpoints ?? [])
        .filter(endpoint => endpoint.conditions?.ready !== false)
        .flatMap(endpoint => endpoint.addresses);
      return number ? addresses.map(address => `${hostOf(address)}:${number}`) : [];
    });
  const chosen = ready[Math.floor(deps.random.next() * ready.length)];
  if (!chosen) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(info.name)}`);
  return { url: `${scheme}://${chosen}`, tls: { insecure: true } };
}

function portNameOf(service: Service, asked: string): string {
  const ports = service.spec.ports ?? [];
  const found = asked ? ports.find(port => port.name === asked || String(port.port) === asked) : ports[0];
  if (!found)
    throw serviceUnavailable(
      `no service port ${JSON.stringify(asked)} found for service ${JSON.stringify(service.metadata.name)}`,
    );
  return found.name ?? '';
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
