/** A control plane in this process, behind TLS, spoken to byte by byte: what no client library would send can be sent. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { ClientHttp2Session } from 'node:http2';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createMeter, createRandom, createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import type { TlsFiles } from '#wire';
import { type KeyPair, signLeaf } from '../../src/cluster/certificate-authority.ts';
import { openCertificateFolder } from '../../src/cluster/certificates.ts';
import { type ControlPlane, startControlPlane } from '../../src/cluster/control-plane.ts';

/** Who knocks: a certificate, a token, both or neither. */
export interface Credentials {
  pair?: KeyPair | undefined;
  token?: string | undefined;
}

export interface Call {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | undefined;
  as?: Credentials;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  text: string;
  /** The body parsed; undefined when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every kind.
  json: any;
}

export interface SecureApi extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly port: number;
  readonly ca: string;
  /** What the server shows, for another server with the same handler. */
  readonly tls: TlsFiles;
  readonly log: ReturnType<typeof createRecordingLog>;
  readonly admin: Credentials;
  /** Signs a client certificate. `nowMs`: the day of issue; `from`: whose authority, default the cluster's. */
  client(name: string, options?: { groups?: string[]; nowMs?: number; from?: KeyPair }): Promise<Credentials>;
  /** One request on its own HTTP/1.1 connection; as the administrator unless said otherwise. */
  send(call: Call): Promise<Answer>;
  /** A JSON object written, answered with what the server made of it; throws when it is refused. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  put(path: string, object: object, method?: string): Promise<any>;
  http2(port?: number): Promise<ClientHttp2Session>;
  /** A bare TLS connection of the administrator that has agreed on HTTP/1.1. */
  socket(port?: number): Promise<TLSSocket>;
}

/** Starts it on a free port with everything a cluster has, but no components that change things by themselves. */
export async function startSecureApi(): Promise<SecureApi> {
  const folderPath = mkdtempSync(join(tmpdir(), 'wherry-api-'));
  const [clock, random, log] = [createSystemClock(), createRandom(), createRecordingLog()];
  const folder = openCertificateFolder(folderPath, { clock, random });
  await folder.ensureAuthorities();
  const names = ['localhost', '127.0.0.1'];
  const serving = await folder.ensure({
    name: 'serving',
    authority: 'server-ca',
    request: { commonName: 'kube-apiserver', usage: 'server', names },
  });
  const ca = folder.authority('server-ca').certificate;
  const authority = folder.authority('client-ca');
  const client: SecureApi['client'] = async (name, options = {}) => {
    const request = { commonName: name, organizations: options.groups ?? [], usage: 'client' } as const;
    const pair = await signLeaf(options.from ?? authority, request, { nowMs: options.nowMs ?? clock.now(), random });
    return { pair };
  };
  const admin = await client('test-admin', { groups: ['system:masters'] });
  const controlPlane = await startControlPlane(
    {
      database: ':memory:',
      listen: { host: '127.0.0.1', port: 0, cert: serving.certificate, key: serving.key },
      advertise: { address: '192.0.2.1', port: 6443 },
      clientCa: authority.certificate,
      serverCa: ca,
      kubeletClient: { cert: admin.pair!.certificate, key: admin.pair!.key },
      serviceAccountKey: undefined,
      cluster: {
        'cluster-cidr': '10.42.0.0/16',
        'service-cidr': '10.43.0.0/16',
        'service-node-port-range': '30000-32767',
        'cluster-domain': 'cluster.local',
      },
    },
    { clock, random, log, meter: createMeter() },
  );
  const port = controlPlane.api.port!;
  const send = (call: Call) => sendHttp1({ port, ca, admin }, call);
  const put: SecureApi['put'] = async (path, object, method = 'POST') => {
    const headers = { 'content-type': 'application/json' };
    const answer = await send({ method, path, headers, body: JSON.stringify(object) });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  };
  return {
    controlPlane,
    port,
    ca,
    tls: { cert: serving.certificate, key: serving.key, ca: authority.certificate },
    log,
    admin,
    client,
    send,
    put,
    async http2(to = port) {
      const session = connectHttp2(`https://127.0.0.1:${to}`, { ca, ...pem(admin.pair) });
      session.on('error', () => undefined);
      await once(session, 'connect');
      return session;
    },
    async socket(to = port) {
      const socket = connectTls({ host: '127.0.0.1', port: to, ca, ...pem(admin.pair), ALPNProtocols: ['http/1.1'] });
      await once(socket, 'secureConnect');
      socket.on('error', () => undefined);
      return socket;
    },
    async [Symbol.asyncDispose]() {
      await controlPlane[Symbol.asyncDispose]();
      rmSync(folderPath, { recursive: true, force: true });
    },
  };
}

function pem(pair: KeyPair | undefined): { cert?: string; key?: string } {
  return pair ? { cert: pair.certificate, key: pair.key } : {};
}

/** One request on a connection of its own; `admin` unless the call says who. */
export function sendHttp1(to: { port: number; ca: string; admin: Credentials }, call: Call): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const as = call.as ?? to.admin;
  const bytes = Buffer.from(call.body ?? '');
  const isChunked = call.headers?.['transfer-encoding'] !== undefined;
  const headers = {
    ...(as.token && { authorization: `Bearer ${as.token}` }),
    // Node leaves it out for some methods, and then the body is the next request.
    ...(bytes.length > 0 && !isChunked && { 'content-length': String(bytes.length) }),
    ...call.headers,
  };
  const { method = 'GET', path } = call;
  const target = { host: '127.0.0.1', port: to.port, ca: to.ca, ...pem(as.pair), agent: false as const };
  const out = httpsRequest({ ...target, method, path, headers }, answer => {
    const chunks: Buffer[] = [];
    answer.on('data', chunk => chunks.push(chunk));
    answer.on('error', reject);
    answer.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      resolve({ status: answer.statusCode!, headers: answer.headers, text, json: parsed(text) });
    });
  });
  out.on('error', reject);
  out.end(bytes);
  return promise;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Some answers are plain text.
    return undefined;
  }
}
