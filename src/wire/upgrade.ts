import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';

export interface UpgradeTarget {
  url: string;
  method: string;
  headers: Record<string, string>;
  /** For https. */
  tls?:
    | { ca?: string | undefined; cert?: string | undefined; key?: string | undefined; insecure?: boolean }
    | undefined;
  signal?: AbortSignal;
}

export type UpgradeOutcome =
  /** The server speaks the new protocol; the socket belongs to the caller. */
  | { upgraded: true; headers: IncomingHttpHeaders; socket: Duplex; head: Buffer }
  /** It answered something else. */
  | { upgraded: false; status: number; headers: IncomingHttpHeaders; body: Buffer };

/** Bodies of refusals are short; what is longer is cut. */
const maxRefusalBytes = 64 * 1024;

/** Asks a server to change protocols. Rejects when it cannot be reached. */
export async function requestUpgrade(target: UpgradeTarget): Promise<UpgradeOutcome> {
  const send = await loadHttpRequest(target.url);
  const { promise, resolve, reject } = Promise.withResolvers<UpgradeOutcome>();
  const { ca, cert, key, insecure } = target.tls ?? {};
  const call = send(target.url, {
    method: target.method,
    headers: { connection: 'Upgrade', ...target.headers },
    agent: false,
    servername: serverName(target.url),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(insecure && { rejectUnauthorized: false }),
    ...(target.signal && { signal: target.signal }),
  });
  call.on('upgrade', (response, socket, head) => resolve({ upgraded: true, headers: response.headers, socket, head }));
  call.on('response', response => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxRefusalBytes) chunks.push(chunk);
    });
    response.on('end', () =>
      resolve({
        upgraded: false,
        status: response.statusCode!,
        headers: response.headers,
        body: Buffer.concat(chunks),
      }),
    );
    response.on('error', reject);
  });
  call.on('error', reject);
  call.end();
  return promise;
}

/** The name that the target's certificate must have, for `servername`: left alone, Node takes it from a Host header, which a proxy passes on. */
export function serverName(url: string): string {
  const { hostname } = new URL(url);
  return isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname;
}

/** Node's `request` for a URL. Importing `node:http` also loads a whole fetch client, a tenth of a server's start, so nothing here does before it must. */
export async function loadHttpRequest(url: string) {
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  return request;
}

/** Joins two sockets until one of them ends; then both do. Bytes that came with the handshakes go first. */
export function joinSockets(a: { socket: Duplex; head: Uint8Array }, b: { socket: Duplex; head: Uint8Array }): void {
  if (b.head.length) a.socket.write(b.head);
  if (a.head.length) b.socket.write(a.head);
  a.socket.pipe(b.socket);
  b.socket.pipe(a.socket);
  const destroyBoth = () => {
    a.socket.destroy();
    b.socket.destroy();
  };
  for (const { socket } of [a, b]) {
    socket.on('error', destroyBoth);
    socket.on('close', destroyBoth);
  }
}
