import assert from 'node:assert/strict';
import { behaviours, createScheme } from '#api';
import { createMeter, createRandom, createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { createClient, createHandlerTransport } from '#client';
import { createTestCertificates } from '#wire/testing';
import { startTestApiServer, type TestServer } from '../../testing.ts';
import { type Aggregation, createAggregation } from '../aggregation.ts';
import { type BackendAnswer, startTestBackend } from '../testing.ts';

type Certificates = Awaited<ReturnType<typeof createTestCertificates>>;

/** The certificates of a test file: of the server behind, and of the front proxy. */
export async function createAggregationSetup(): Promise<AggregationSetup> {
  const [backendCertificates, frontProxy] = await Promise.all([
    createTestCertificates(['fruit.default.svc']),
    createTestCertificates(),
  ]);
  return {
    backendCertificates,
    frontProxy,
    startBackend: (answer = () => undefined) =>
      startTestBackend({ ...backendCertificates.tls, ca: frontProxy.tls.ca }, (request, response) =>
        request.url === root ? resourceList : answer(request, response),
      ),
    startServer: listen => startServer({ backendCertificates, frontProxy }, listen),
  };
}

export interface AggregationSetup {
  readonly backendCertificates: Certificates;
  readonly frontProxy: Certificates;
  /** A server behind that serves apples of fruit.example.com/v1. */
  startBackend(answer?: BackendAnswer): ReturnType<typeof startTestBackend>;
  startServer(listen?: boolean): Promise<Fixture>;
}

export const root = '/apis/fruit.example.com/v1';
export const apples = `${root}/namespaces/default/apples`;
export const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'fruit.example.com/v1',
  resources: [
    {
      name: 'apples',
      singularName: 'apple',
      namespaced: true,
      kind: 'Apple',
      verbs: ['get', 'list'],
      shortNames: ['ap'],
    },
    { name: 'apples/status', singularName: '', namespaced: true, kind: 'Apple', verbs: ['get'] },
  ],
};

export interface Fixture extends AsyncDisposable {
  readonly api: TestServer;
  readonly aggregation: Aggregation;
  readonly post: (path: string, object: unknown) => Promise<void>;
  /** Registers fruit.example.com/v1 at a port of this machine and waits for the condition. */
  register(port: number, options?: { reason?: string; spec?: Record<string, unknown> }): Promise<void>;
  /** Waits until the condition Available of an APIService has the reason; gives its message. */
  until(name: string, reason: string): Promise<string>;
}

async function startServer(
  { backendCertificates, frontProxy }: Pick<AggregationSetup, 'backendCertificates' | 'frontProxy'>,
  listen = false,
): Promise<Fixture> {
  const { promise, resolve } = Promise.withResolvers<Aggregation>();
  const { cert, key } = await frontProxy.client('front-proxy');
  const api = await startTestApiServer({
    ...(listen && { listen: { host: '127.0.0.1', port: 0, tls: backendCertificates.tls } }),
    extend: ({ reader }) => {
      const deps = { reader, clock: createSystemClock(), random: createRandom(), log: createRecordingLog() };
      const aggregation = createAggregation({ ...deps, meter: createMeter(), identity: { cert, key } });
      resolve(aggregation);
      return { aggregation };
    },
  });
  const aggregation = await promise;
  const transport = createHandlerTransport(api.handler, { name: 'system:apiserver', groups: ['system:masters'] });
  const client = createClient({ transport, userAgent: 'test', fieldManager: 'test' });
  const scheme = createScheme(behaviours);
  await aggregation.start(client, () => scheme);
  const post = async (path: string, object: unknown) => {
    const answer = await api.call('POST', path, { body: object });
    assert.equal(answer.status, 201, answer.text);
  };
  const until = async (name: string, reason: string) => {
    using watch = api.watch(`/apis/apiregistration.k8s.io/v1/apiservices?watch=1&fieldSelector=metadata.name=${name}`);
    for (;;) {
      const { object } = await watch.next();
      const found = object.status?.conditions?.find((one: { type: string }) => one.type === 'Available');
      if (found?.reason === reason) return found.message;
    }
  };
  await post('/api/v1/namespaces', { metadata: { name: 'default' } });
  return {
    api,
    aggregation,
    post,
    until,
    async register(port, options = {}) {
      const spec = { type: 'ExternalName', externalName: '127.0.0.1' };
      await post('/api/v1/namespaces/default/services', { metadata: { name: 'fruit' }, spec });
      await post(
        '/apis/apiregistration.k8s.io/v1/apiservices',
        apiService(backendCertificates.tls.ca, port, options.spec),
      );
      await until('v1.fruit.example.com', options.reason ?? 'Passed');
    },
    async [Symbol.asyncDispose]() {
      await aggregation[Symbol.asyncDispose]();
      await api[Symbol.asyncDispose]();
    },
  };
}

function apiService(ca: string, port: number, spec: Record<string, unknown> = {}) {
  return {
    metadata: { name: 'v1.fruit.example.com' },
    spec: {
      group: 'fruit.example.com',
      version: 'v1',
      groupPriorityMinimum: 2000,
      versionPriority: 10,
      service: { name: 'fruit', namespace: 'default', port },
      caBundle: Buffer.from(ca).toString('base64'),
      ...spec,
    },
  };
}
