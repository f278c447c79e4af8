import type { Duplex } from 'node:stream';
import {
  createSpdyClient,
  loadWebSocket,
  offeredProtocols,
  type Request,
  type Response,
  requestUpgrade,
  type SpdyStream,
  type WebSocketConnection,
  webSocketAnswer,
} from '#wire';
import { badRequest } from '../access/refuse.ts';
import type { ProxyTarget } from './http-proxy.ts';

/** Channels of remote command over WebSocket; 255 says that the peer closed one (v5). Source: KEP-4006. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
/** What we speak, best first. Names with `base64.` carry text frames; the first two have no error channel in JSON. */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const;

export interface StreamWishes {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** exec and attach for a client that speaks WebSocket: each channel becomes a SPDY stream towards the kubelet, which speaks only that. */
export async function translateRemoteCommand(
  request: Request,
  target: ProxyTarget,
  wishes: StreamWishes,
): Promise<Response> {
  const offered = offeredProtocols(request.headers);
  const protocol = protocols.find(name => offered.includes(name));
  if (!protocol)
    throw badRequest(
      `unable to upgrade: no subprotocol of ${JSON.stringify(offered)} is supported, only ${protocols.join(', ')}`,
    );
  const openWebSocket = await loadWebSocket();
  const outcome = await requestUpgrade({
    url: target.url,
    method: 'POST',
    headers: { upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io', ...target.headers },
    tls: target.tls,
  });
  if (!outcome.upgraded) {
    return {
      status: outcome.status,
      headers: { 'content-type': outcome.headers['content-type'] ?? 'text/plain' },
      body: outcome.body,
    };
  }
  return {
    status: 101,
    headers: webSocketAnswer(request.headers, protocol),
    upgrade: (socket, head) => join({ client: { socket, head }, kubelet: outcome, wishes, protocol, openWebSocket }),
  };
}

interface Ends {
  client: { socket: Duplex; head: Uint8Array };
  kubelet: { socket: Duplex; head: Uint8Array };
  wishes: StreamWishes;
  protocol: (typeof protocols)[number];
  openWebSocket: Awaited<ReturnType<typeof loadWebSocket>>;
}

function join({ client, kubelet, wishes, protocol, openWebSocket }: Ends): void {
  const isBase64 = protocol.includes('base64');
  const spdy = createSpdyClient(kubelet.socket, kubelet.head);
  const inputs = new Map<number, SpdyStream>();
  const connection: WebSocketConnection = openWebSocket(client.socket, client.head, {
    onMessage(message) {
      const [number, payload] = isBase64
        ? [message[0]! - 48, Buffer.from(message.toString('latin1', 1), 'base64')]
        : [message[0]!, message.subarray(1)];
      if (number === channel.close) inputs.get(payload[0] ?? -1)?.end();
      else if (payload.length && inputs.get(number)?.write(payload) === false)
        pauseUntilDrained(client.socket, kubelet.socket);
    },
    onClose: () => kubelet.socket.destroy(),
  });
  const sendOn = (number: number, payload: Buffer) => {
    const message = isBase64
      ? Buffer.from(`${number}${payload.toString('base64')}`)
      : Buffer.concat([Buffer.from([number]), payload]);
    if (!connection.send(message, { text: isBase64 })) pauseUntilDrained(kubelet.socket, client.socket);
  };
  // The error stream is the last word: when it has ended, and the outputs with it, the command is over.
  const open = new Set<number>();
  const output = (streamType: string, number: number) => {
    open.add(number);
    const onEnd = () => {
      open.delete(number);
      if (open.size === 0) connection.close(1000);
    };
    return spdy.open({ streamType }, { onData: chunk => sendOn(number, chunk), onEnd });
  };
  const input = (streamType: string, number: number) => {
    inputs.set(number, spdy.open({ streamType }, { onData: () => undefined, onEnd: () => undefined }));
  };
  // Upstream's order: the runtime waits for exactly these streams.
  output('error', channel.error).end();
  if (wishes.stdin) input('stdin', channel.stdin);
  if (wishes.stdout) output('stdout', channel.stdout).end();
  if (wishes.stderr && !wishes.tty) output('stderr', channel.stderr).end();
  if (wishes.tty) input('resize', channel.resize);
  // Clients wait for the first frame of each output before they start (v4 and v5 alike).
  for (const number of open) if (number !== channel.error) sendOn(number, Buffer.alloc(0));
  spdy.closed.catch(() => client.socket.destroy());
}

/** Stops reading from one side while the other is full. */
function pauseUntilDrained(from: Duplex, to: Duplex): void {
  from.pause();
  to.once('drain', () => from.resume());
}
