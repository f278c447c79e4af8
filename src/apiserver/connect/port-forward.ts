import type { Duplex } from 'node:stream';
import {
  isWebSocketRequest,
  loadWebSocket,
  offeredProtocols,
  type Request,
  type Response,
  requestUpgrade,
  webSocketAnswer,
} from '#wire';
import { badRequest } from '../access/refuse.ts';
import { type ProxyTarget, proxyUpgrade } from './http-proxy.ts';
import { joinPorts, portProtocols, readPorts } from './port-channels.ts';

/** SPDY inside WebSocket messages, as kubectl does since 1.31. Source: KEP-4006. */
const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io';
const innerProtocol = 'portforward.k8s.io';

/** port-forward: SPDY is passed through; inside a WebSocket it is unwrapped first, and channels of one become streams. */
export async function connectPortForward(
  request: Request,
  target: ProxyTarget,
  query: URLSearchParams,
): Promise<Response> {
  if (!isWebSocketRequest(request.headers)) return proxyUpgrade(request, target);
  const offered = offeredProtocols(request.headers);
  const isTunnel = offered.includes(tunnelProtocol);
  const protocol = isTunnel ? tunnelProtocol : portProtocols.find(name => offered.includes(name));
  if (!protocol && offered.length > 0) {
    const known = [tunnelProtocol, ...portProtocols].join(', ');
    throw badRequest(`unable to upgrade: no subprotocol of ${JSON.stringify(offered)} is supported, only ${known}`);
  }
  const ports = isTunnel ? [] : readPorts(query);
  const openWebSocket = await loadWebSocket();
  const outcome = await requestUpgrade({
    url: target.url,
    method: 'POST',
    headers: { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': innerProtocol, ...target.headers },
    tls: target.tls,
  });
  if (!outcome.upgraded)
    return { status: outcome.status, headers: { 'content-type': 'text/plain' }, body: outcome.body };
  const isBase64 = protocol?.includes('base64') ?? false;
  return {
    status: 101,
    headers: webSocketAnswer(request.headers, protocol),
    upgrade: isTunnel
      ? (socket, head) => unwrap({ client: { socket, head }, kubelet: outcome, openWebSocket })
      : await joinPorts(outcome, { ports, isBase64 }),
  };
}

interface Ends {
  client: { socket: Duplex; head: Uint8Array };
  kubelet: { socket: Duplex; head: Uint8Array };
  openWebSocket: Awaited<ReturnType<typeof loadWebSocket>>;
}

function unwrap({ client, kubelet, openWebSocket }: Ends): void {
  const connection = openWebSocket(client.socket, client.head, {
    onMessage(message) {
      if (!kubelet.socket.write(message)) {
        client.socket.pause();
        kubelet.socket.once('drain', () => client.socket.resume());
      }
    },
    onClose: () => kubelet.socket.destroy(),
  });
  const pass = (chunk: Uint8Array) => {
    if (connection.send(chunk)) return;
    kubelet.socket.pause();
    client.socket.once('drain', () => kubelet.socket.resume());
  };
  if (kubelet.head.length) pass(kubelet.head);
  kubelet.socket.on('data', pass);
  kubelet.socket.on('end', () => connection.close(1000));
  kubelet.socket.on('error', () => connection.close(1011));
}
