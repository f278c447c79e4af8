import type { Duplex } from 'node:stream';
import {
  createSpdyClient,
  offeredProtocols,
  type Request,
  type Response,
  requestUpgrade,
  type SpdyStream,
  webSocketAnswer,
} from '#wire';
import { badRequest } from '../access/refuse.ts';
import type { ProxyTarget } from './http-proxy.ts';
import { wordsOfStatus } from './status-words.ts';
import { loadChannels, pauseUntilDrained } from './websocket-channels.ts';

/** Channels of remote command over WebSocket; 255 says that the peer closed one (v5). Source: KEP-4006. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
/** What we speak, best first. Names with `base64.` carry text frames. Those without a version, and none at all, are the first ones: their error channel has words, not a Status. */
const protocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const;

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
  if (!protocol && offered.length > 0)
    throw badRequest(
      `unable to upgrade: no subprotocol of ${JSON.stringify(offered)} is supported, only ${protocols.join(', ')}`,
    );
  const openChannels = await loadChannels();
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
    upgrade: (socket, head) => join({ client: { socket, head }, kubelet: outcome, wishes, protocol, openChannels }),
  };
}

interface Ends {
  client: { socket: Duplex; head: Uint8Array };
  kubelet: { socket: Duplex; head: Uint8Array };
  wishes: StreamWishes;
  protocol: (typeof protocols)[number] | undefined;
  openChannels: Awaited<ReturnType<typeof loadChannels>>;
}

function join({ client, kubelet, wishes, protocol = 'channel.k8s.io', openChannels }: Ends): void {
  const isBase64 = protocol.includes('base64');
  const isPlain = !/^v\d/.test(protocol);
  const spdy = createSpdyClient(kubelet.socket, kubelet.head);
  const inputs = new Map<number, SpdyStream>();
  const channels = openChannels(
    client,
    { isBase64, source: kubelet.socket },
    {
      onMessage(number, payload) {
        if (number === channel.close) inputs.get(payload[0] ?? -1)?.end();
        else if (payload.length && inputs.get(number)?.write(payload) === false)
          pauseUntilDrained(client.socket, kubelet.socket);
      },
      onClose: () => kubelet.socket.destroy(),
    },
  );
  // The error stream is the last word: when it has ended, and the outputs with it, the command is over.
  const open = new Set<number>();
  const output = (streamType: string, number: number, onData = (chunk: Buffer) => channels.send(number, chunk)) => {
    open.add(number);
    const onEnd = () => {
      open.delete(number);
      if (open.size === 0) channels.close(1000);
    };
    return spdy.open({ streamType }, { onData, onEnd });
  };
  const input = (streamType: string, number: number) => {
    inputs.set(number, spdy.open({ streamType }, { onData: () => undefined, onEnd: () => undefined }));
  };
  const sendWords = (chunk: Buffer) => {
    const words = wordsOfStatus(chunk);
    if (words) channels.send(channel.error, Buffer.from(words));
  };
  // Upstream's order: the runtime waits for exactly these streams.
  output('error', channel.error, isPlain ? sendWords : undefined).end();
  if (wishes.stdin) input('stdin', channel.stdin);
  if (wishes.stdout) output('stdout', channel.stdout).end();
  if (wishes.stderr && !wishes.tty) output('stderr', channel.stderr).end();
  if (wishes.tty) input('resize', channel.resize);
  // Clients wait for the first frame of each output before they start (all versions alike).
  for (const number of open) if (number !== channel.error) channels.send(number, Buffer.alloc(0));
  spdy.closed.catch(() => client.socket.destroy());
}
