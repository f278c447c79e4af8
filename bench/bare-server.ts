/**
 * What Wherry is measured against: a Node HTTP/2 TLS server that does nothing but answer. Started as a process of its own with a JSON
 * argument; prints its port when it listens.
 */
import { readFileSync } from 'node:fs';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface BareOptions {
  key: string;
  certificate: string;
  clientCa: string;
}

/** Paths that load.ts asks for. `/bytes/N` answers N bytes, `/echo` sends the body back, `/push` streams what `/send` takes to all who listen. */
function main(options: BareOptions): void {
  const bodies = new Map<string, Buffer>();
  const listeners = new Set<ServerHttp2Stream>();
  const server = createSecureServer({
    key: readFileSync(options.key),
    cert: readFileSync(options.certificate),
    ca: readFileSync(options.clientCa),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const answer = (stream: ServerHttp2Stream, body: Buffer) => {
    stream.respond({ ':status': 200, 'content-type': 'application/json', 'content-length': body.length });
    stream.end(body);
  };
  server.on('stream', (stream, headers) => {
    const path = headers[':path']!;
    stream.on('error', () => listeners.delete(stream)); // the peer left: nothing to tell it
    if (path === '/push') {
      stream.respond({ ':status': 200, 'content-type': 'application/json' });
      listeners.add(stream);
      stream.on('close', () => listeners.delete(stream));
      return;
    }
    if (path.startsWith('/bytes/')) {
      const size = Number(path.slice('/bytes/'.length));
      const body = bodies.get(path) ?? Buffer.alloc(size, 'x');
      bodies.set(path, body);
      answer(stream, body);
      return;
    }
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const body = Buffer.concat(chunks);
      if (path === '/send') for (const listener of listeners) listener.write(body);
      answer(stream, body);
    });
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
}

main(JSON.parse(process.argv[2]!));
