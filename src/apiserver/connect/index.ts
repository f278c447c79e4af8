import { isTrue, isWebSocketRequest, type Request, type Response } from '#wire';
import { badRequest, StatusError } from '../access/refuse.ts';
import type { RequestInfo } from '../request-info.ts';
import { dialFailed } from './dial-words.ts';
import { type ProxyTarget, proxyUpgrade } from './http-proxy.ts';
import { containerOf, findPod, kubeletOfPod } from './kubelet-address.ts';
import { connectLog } from './log.ts';
import { connectPortForward } from './port-forward.ts';
import { connectProxy } from './proxy.ts';
import type { ProxyDeps } from './proxy-target.ts';
import { translateRemoteCommand } from './remote-command.ts';

/** Subresources that reach into a node or a pod instead of the store. */
export const connectSubresources: readonly string[] = ['log', 'exec', 'attach', 'portforward', 'proxy'];

/** Answers a request for one of connectSubresources. Throws Status. */
export type Connect = (request: Request, info: RequestInfo) => Promise<Response>;

export function createConnect(deps: ProxyDeps): Connect {
  return async (request, info) => {
    if (info.subresource === 'proxy') return connectProxy(request, info, deps);
    if (info.subresource === 'log') return connectLog(request, info, deps);
    const pod = findPod(deps.reader, info.namespace, info.name);
    const container = info.subresource === 'portforward' ? undefined : containerOf(pod, info.query.get('container'));
    const kubelet: ProxyTarget = { url: kubeletOfPod(deps.reader, pod), tls: deps.kubeletTls };
    if (!request.headers['upgrade']) throw badRequest('Upgrade request required');
    try {
      if (container === undefined) {
        const url = `${kubelet.url}/portForward/${info.namespace}/${info.name}`;
        return await connectPortForward(request, { ...kubelet, url }, info.query);
      }
      const url = `${kubelet.url}${remoteCommandPath(info, container)}`;
      return isWebSocketRequest(request.headers)
        ? await translateRemoteCommand(request, { ...kubelet, url }, wishesOf(info.query))
        : await proxyUpgrade(request, { ...kubelet, url });
    } catch (error) {
      if (error instanceof StatusError) throw error;
      throw dialFailed(error);
    }
  };
}

function wishesOf(query: URLSearchParams) {
  const is = (name: string) => isTrue(query.get(name));
  return { stdin: is('stdin'), stdout: is('stdout'), stderr: is('stderr'), tty: is('tty') };
}

/** `/exec/ns/pod/container?command=...`, with the kubelet's names for the streams. */
function remoteCommandPath(info: RequestInfo, container: string): string {
  const wishes = wishesOf(info.query);
  const query = new URLSearchParams();
  for (const part of info.query.getAll('command')) query.append('command', part);
  if (wishes.stdin) query.set('input', '1');
  if (wishes.stdout) query.set('output', '1');
  if (wishes.stderr) query.set('error', '1');
  if (wishes.tty) query.set('tty', '1');
  return `/${info.subresource}/${info.namespace}/${info.name}/${container}?${query}`;
}
