/** A webhook that conformance tests configure: it answers by path, and is reached by a Service, as one in the cluster would be. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { json } from 'node:stream/consumers';
import { createTestCertificates } from '#wire/testing';
import type { Json } from './api.ts';
import type { World } from './suite.ts';

export interface Webhook {
  /** For `clientConfig`, or the `webhook.clientConfig` of a conversion. */
  clientConfig(path: string): Json;
}

/** Answers the request of a review, or of a conversion. */
export type Respond = (path: string, request: Json) => Json | Promise<Json>;

/** Starts it for one test: HTTPS on this machine's address, a Service without selector, and an EndpointSlice that leads here. */
export async function startWebhook(world: World, respond: Respond): Promise<Webhook> {
  const name = 'e2e-test-webhook';
  const host = `${name}.${world.namespace}.svc`;
  const { tls } = await createTestCertificates([host]);
  const server = createServer(tls, async (message, answer) => {
    const review = (await json(message)) as Json;
    const response = await respond((message.url ?? '/').replace(/\?.*/, ''), review.request);
    const { apiVersion, kind, request } = review;
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify({ apiVersion, kind, response: { uid: request.uid, ...response } }));
  });
  const address = ownAddress();
  server.listen(0, address ?? '127.0.0.1');
  await once(server, 'listening');
  world.cleanUp(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(tls.ca).toString('base64');
  // The API refuses loopback addresses as endpoints: on a machine with nothing else the webhook has a URL.
  if (!address) return { clientConfig: path => ({ caBundle, url: `https://127.0.0.1:${port}${path}` }) };
  await serve(world, name, { address, port });
  const service = { name, namespace: world.namespace, port: 8443 };
  return { clientConfig: path => ({ caBundle, service: { ...service, path } }) };
}

async function serve(world: World, name: string, { address, port }: { address: string; port: number }): Promise<void> {
  const ports = [{ name: 'https', port: 8443, targetPort: port, protocol: 'TCP' }];
  await world.api.create(world.inNamespace('services'), { metadata: { name }, spec: { ports } });
  await world.api.create(world.inNamespace('endpointslices', 'discovery.k8s.io/v1'), {
    metadata: { name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'https', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  });
}

function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap(list => list ?? []);
  return all.find(({ internal, family, address }) => !internal && family === 'IPv4' && !address.startsWith('10.4'))
    ?.address;
}

/** The answer of a webhook that changes the object. */
export function patchAnswer(operations: readonly Json[]): Json {
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { allowed: true, patchType: 'JSONPatch', patch };
}
