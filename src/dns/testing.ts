import { createSocket } from 'node:dgram';
import { connect, createServer, type Socket } from 'node:net';
import type { DecodedPacket, Packet } from 'dns-packet';
import { decode, encode, streamEncode } from 'dns-packet';
import type { EndpointSlice, KubeObject, Namespace, Service, ServiceSpec } from '#api';
import { createFakeDeps } from '#client/testing';
import { frame } from './exchange.ts';
import { type DnsConfig, startDns } from './start-dns.ts';

/** What the library decodes and its types leave out. */
export type Answered = DecodedPacket & { rcode: string; id: number };

export function namespace(name: string): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} };
}

export function service(name: string, spec: ServiceSpec, inNamespace = 'default'): Service {
  const { clusterIP } = spec;
  const clusterIPs = spec.clusterIPs ?? (clusterIP ? [clusterIP] : []);
  return {
    ...{ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: inNamespace } },
    spec: { type: 'ClusterIP', ...spec, ...(clusterIPs.length && { clusterIPs }) },
  };
}

/** A slice of service `of`; an endpoint is `[address, hostname?, isReady?]`. */
export function slice(
  name: string,
  of: string,
  endpoints: readonly (readonly [string, (string | undefined)?, boolean?])[],
  part: Partial<EndpointSlice> = {},
): EndpointSlice {
  return {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
    endpoints: endpoints.map(([address, hostname, ready = true]) => ({
      ...{ addresses: [address], conditions: { ready } },
      ...(hostname && { hostname }),
    })),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    ...part,
  };
}

/** Any port of loopback, and no name server behind. */
export const testConfig: DnsConfig = {
  ...{ zone: 'cluster.local', addresses: ['127.0.0.1'], port: 0, resolvConf: '/nonexistent/resolv.conf' },
  ...{ serviceCidrs: ['10.43.0.0/16'], clusterCidrs: ['10.42.0.0/16'] },
};

/** A whole server on loopback over a fake cluster. Upstreams: none unless given. */
export async function startTestDns(objects: readonly KubeObject[], config: Partial<DnsConfig> = {}) {
  const deps = createFakeDeps(objects);
  const dns = await startDns({ ...testConfig, ...config }, deps).catch(async error => {
    await deps[Symbol.asyncDispose]();
    throw error;
  });
  return {
    ...{ deps, dns, port: dns.port },
    udp: (packet: Packet) => askUdp(dns.port, encode(packet)).then(read),
    tcp: (packet: Packet) => askTcp(dns.port, streamEncode(packet)).then(read),
    async [Symbol.asyncDispose]() {
      await dns[Symbol.asyncDispose]();
      await deps[Symbol.asyncDispose]();
    },
  };
}

export function read(message: Buffer): Answered {
  return decode(message) as Answered;
}

/** One datagram out, one back. */
export async function askUdp(port: number, message: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  socket.on('error', reject);
  socket.on('message', resolve);
  socket.send(message, port, '127.0.0.1');
  return promise.finally(() => socket.close());
}

/** Sends bytes as they are; resolves with the first framed message. */
export async function askTcp(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let received = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('closed without an answer')));
  socket.on('data', chunk => {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) resolve(received.subarray(2));
  });
  socket.write(bytes);
  return promise.finally(() => socket.destroy());
}

export interface FakeUpstream extends AsyncDisposable {
  /** As `upstreams` of the configuration takes it. */
  readonly text: string;
  /** What was asked, oldest first: `udp example.com A`. */
  readonly asked: string[];
  /** Resolves when the `count`th question has come. */
  whenAsked(count: number): Promise<void>;
}

/** Answers of a fake upstream: a packet (identifier and question are filled in), raw bytes, or nothing. Several are sent one after another. */
export type FakeAnswer = (question: {
  query: Answered;
  protocol: 'udp' | 'tcp';
  name: string;
}) => (Packet | Buffer)[] | undefined;

/** A name server on loopback, by UDP and TCP. */
export async function startFakeUpstream(answer: FakeAnswer): Promise<FakeUpstream> {
  const asked: string[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const respond = (message: Buffer, protocol: 'udp' | 'tcp'): Buffer[] => {
    const query = read(message);
    const [{ name, type }] = query.questions as [{ name: string; type: string }];
    asked.push(`${protocol} ${name} ${type}`);
    for (const one of waiting) if (asked.length >= one.count) one.resolve();
    return (answer({ query, protocol, name }) ?? []).map(packet =>
      Buffer.isBuffer(packet)
        ? packet
        : encode({ type: 'response', id: query.id, questions: query.questions ?? [], ...packet }),
    );
  };
  const sockets = new Set<Socket>();
  const tcp = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', chunk => {
      for (const bytes of respond(chunk.subarray(2), 'tcp')) socket.write(frame(bytes));
    });
  });
  await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve));
  const { port } = tcp.address() as { port: number };
  const udp = createSocket('udp4');
  udp.on('message', (message, from) => {
    for (const bytes of respond(message, 'udp')) udp.send(bytes, from.port, from.address);
  });
  await new Promise<void>(resolve => udp.bind(port, '127.0.0.1', resolve));
  return {
    text: `127.0.0.1:${port}`,
    asked,
    whenAsked: count =>
      asked.length >= count ? Promise.resolve() : new Promise(resolve => waiting.push({ count, resolve })),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>(resolve => udp.close(resolve));
      await new Promise<void>(resolve => tcp.close(() => resolve()));
    },
  };
}
