import type { Duplex } from 'node:stream';
import { createSpdyClient, type Response, type SpdyStream } from '#wire';
import { badRequest } from '../access/refuse.ts';
import { loadChannels, pauseUntilDrained } from './websocket-channels.ts';

/** What clients other than kubectl speak to forward ports: two channels for each port that the query names, data and errors. */
export const portProtocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const;
const maxPort = 65_535;

/** The ports of a query: `ports=80,81&ports=82`. Throws 400. */
export function readPorts(query: URLSearchParams): number[] {
  const texts = query.getAll('ports').flatMap(text => text.split(','));
  if (texts.length === 0) throw badRequest('query parameter "port" is required');
  return texts.map(text => {
    const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(port <= maxPort)) throw badRequest(`unable to parse ${JSON.stringify(text)} as a port`);
    if (port === 0) throw badRequest(`port ${JSON.stringify(text)} must be > 0`);
    return port;
  });
}

/** Each pair of channels becomes a pair of SPDY streams towards the kubelet. Each channel begins with its port, low byte first, as upstream. */
export async function joinPorts(
  kubelet: { socket: Duplex; head: Uint8Array },
  { ports, isBase64 }: { ports: readonly number[]; isBase64: boolean },
): Promise<NonNullable<Response['upgrade']>> {
  const openChannels = await loadChannels();
  return (socket, head) => {
    const spdy = createSpdyClient(kubelet.socket, kubelet.head);
    const inputs = new Map<number, SpdyStream>();
    const channels = openChannels(
      { socket, head },
      { isBase64, source: kubelet.socket },
      {
        onMessage(number, payload) {
          if (payload.length && inputs.get(number)?.write(payload) === false) pauseUntilDrained(socket, kubelet.socket);
        },
        onClose: () => kubelet.socket.destroy(),
      },
    );
    let open = ports.length;
    ports.forEach((port, index) => {
      const [data, errors] = [2 * index, 2 * index + 1];
      const about = { port: String(port), requestID: String(index) };
      const first = Buffer.from([port & 0xff, port >> 8]);
      for (const number of [data, errors]) channels.send(number, first);
      const onErrors = { onData: (chunk: Buffer) => channels.send(errors, chunk), onEnd: () => undefined };
      spdy.open({ streamType: 'error', ...about }, onErrors).end();
      const onEnd = () => {
        open--;
        if (open === 0) channels.close(1000);
      };
      const onData = (chunk: Buffer) => channels.send(data, chunk);
      inputs.set(data, spdy.open({ streamType: 'data', ...about }, { onData, onEnd }));
    });
    spdy.closed.catch(() => socket.destroy());
  };
}
