import type { Request, Response } from '#wire';
import { StatusError, serviceUnavailable } from '../access/refuse.ts';
import type { RequestInfo } from '../request-info.ts';
import { dialFailed, dialWords } from './dial-words.ts';
import { proxyRequest } from './http-proxy.ts';
import { type ProxyDeps, proxyTargetOf } from './proxy-target.ts';

/** The `proxy` subresource of pods, services and nodes: any method, streaming, upgrades. */
export async function connectProxy(request: Request, info: RequestInfo, deps: ProxyDeps): Promise<Response> {
  const target = await proxyTargetOf(info, deps);
  const search = request.search ? `?${request.search}` : '';
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const isUpgrade = request.headers['upgrade'] !== undefined;
  // Relative links of a page at the top lead below it only behind a slash.
  if (!info.rest && isRead && !isUpgrade) {
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
      rewrite: { hosts: [host, new URL(target.url).host], prefix },
    });
  } catch (error) {
    if (error instanceof StatusError) throw error;
    if (isUpgrade) throw dialFailed(error);
    throw serviceUnavailable(`error trying to reach service: ${dialWords(error)}`);
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
