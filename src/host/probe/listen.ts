import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Listens on every address for a moment. The errno name of what hinders; undefined when nothing does. */
export async function tryListen(port: number, protocol: 'tcp' | 'udp'): Promise<string | undefined> {
  const once = protocol === 'tcp' ? tryTcp : tryUdp;
  const hindered = await once(port, 6);
  // A machine without IPv6 says so here, and then IPv4 alone is the question.
  return hindered === 'EAFNOSUPPORT' || hindered === 'EADDRNOTAVAIL' ? once(port, 4) : hindered;
}

function tryTcp(port: number, family: 4 | 6): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', error => resolve(codeOf(error)));
    server.listen({ port, host: family === 6 ? '::' : '0.0.0.0', exclusive: true }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}

function tryUdp(port: number, family: 4 | 6): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    socket.once('error', error => socket.close(() => resolve(codeOf(error))));
    socket.bind({ port, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}
