/** A small extension API server: apples of fruit.example.com/v1, kept in memory, for whoever the front proxy says. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';

export interface ExtensionServer extends AsyncDisposable {
  readonly port: number;
  /** PEM of who signed its certificate. */
  readonly ca: string;
  /** Requests that did not come from the front proxy. */
  readonly refused: number;
}

interface Apple {
  metadata: { name: string; namespace: string; resourceVersion: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** An address of this machine that is not loopback, which no endpoint may have; undefined when it has none. */
export function ownAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

const group = 'fruit.example.com';
const root = `/apis/${group}/v1`;
const verbs = ['create', 'delete', 'get', 'list', 'watch'];
const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: `${group}/v1`,
  resources: [{ name: 'apples', singularName: 'apple', namespaced: true, kind: 'Apple', verbs, shortNames: ['ap'] }],
};

/** Starts it on an address; `trusted` is the authority of front proxies, from the ConfigMap that every cluster has. */
export async function startExtensionServer(
  host: string,
  trusted: { ca: string; names: string[] },
): Promise<ExtensionServer> {
  const tls = makeCertificate('fruit.default.svc');
  const apples = new Map<string, Apple>();
  const watchers = new Set<ServerResponse>();
  let [version, refused] = [100, 0];
  const options = { ...tls, ca: trusted.ca, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, async (request, response) => {
    const socket = request.socket as TLSSocket;
    const name = [socket.getPeerCertificate().subject?.CN].flat()[0] ?? '';
    if (!socket.authorized || !trusted.names.includes(name)) {
      refused++;
      return void answer(response, 401, { kind: 'Status', status: 'Failure', code: 401, reason: 'Unauthorized' });
    }
    await serve(request, response);
  });
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'https://x');
    if (pathname === root) return answer(response, 200, resourceList);
    const [, namespace, name] = new RegExp(`^${root}/namespaces/([^/]+)/apples(?:/([^/]+))?$`).exec(pathname) ?? [];
    if (!namespace) return answer(response, 404, { kind: 'Status', status: 'Failure', code: 404, reason: 'NotFound' });
    if (request.method === 'POST') {
      const user = { name: request.headers['x-remote-user'], groups: request.headers['x-remote-group'] };
      const object = { ...JSON.parse(await text(request)), createdBy: user } as Apple;
      Object.assign(object.metadata, { namespace, resourceVersion: String(++version) });
      apples.set(object.metadata.name, object);
      for (const watcher of watchers) watcher.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
      return answer(response, 201, object);
    }
    if (name) {
      const found = apples.get(name);
      if (request.method === 'DELETE') apples.delete(name);
      const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404, reason: 'NotFound' };
      return answer(response, found ? 200 : 404, found ?? { ...missing, message: `apples "${name}" not found` });
    }
    if (!searchParams.get('watch')) {
      const metadata = { resourceVersion: String(version) };
      return answer(response, 200, {
        kind: 'AppleList',
        apiVersion: `${group}/v1`,
        metadata,
        items: [...apples.values()],
      });
    }
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    watchers.add(response);
    response.on('close', () => watchers.delete(response));
  };
  server.on('upgrade', (_request, socket: Duplex) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    ca: tls.cert,
    get refused() {
      return refused;
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Self-signed, so it is its own authority. */
function makeCertificate(name: string): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-extension-'));
  try {
    writeFileSync(join(folder, 'config'), `[req]\ndistinguished_name=dn\n[dn]\n`);
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const { status, stderr } = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-config', join(folder, 'config'), '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`],
      ...['-keyout', key, '-out', cert],
    ]);
    if (status !== 0) throw new Error(`openssl: ${stderr}`);
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
