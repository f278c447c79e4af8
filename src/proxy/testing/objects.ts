import type { Endpoint, EndpointSlice, Pod, Service } from '#api';

/** Parts of a Service; the rest is a Service `default/web` with TCP port 80 at 10.43.0.7. */
export interface ServiceParts {
  name?: string;
  labels?: Record<string, string>;
  created?: string;
  spec?: Partial<Service['spec']>;
  ingress?: { ip?: string; ipMode?: string }[];
}

export function testService({
  name = 'web',
  labels = {},
  created = '',
  spec = {},
  ingress,
}: ServiceParts = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', labels, ...(created && { creationTimestamp: created }) },
    spec: {
      ...{ type: 'ClusterIP', clusterIP: '10.43.0.7', ports: [{ port: 80, protocol: 'TCP' }] },
      ...spec,
    },
    ...(ingress && { status: { loadBalancer: { ingress } } }),
  };
}

/** `10.42.0.2`, `10.42.1.2@b` (on node b), `10.42.0.2!` (terminating, still serving), `10.42.0.2?` (not ready). */
export function testEndpoint(text: string): Endpoint {
  const [, address = '', mark, nodeName = 'a'] = /^([\d.:a-f]+)([!?]?)(?:@(\w+))?$/.exec(text) ?? [];
  const [ready, serving, terminating] = mark === '!' ? [false, true, true] : [mark !== '?', mark !== '?', false];
  return { addresses: [address], nodeName, conditions: { ready, serving, terminating } };
}

export interface SliceParts {
  name?: string;
  of?: string;
  ports?: EndpointSlice['ports'];
}

/** A slice of Service `web` with TCP port 8080. */
export function testSlice(
  endpoints: readonly string[],
  { name = 'web-1', of = 'web', ports }: SliceParts = {},
): EndpointSlice {
  return {
    ...{ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4' },
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
    endpoints: endpoints.map(testEndpoint),
    ports: ports ?? [{ name: '', port: 8080, protocol: 'TCP' }],
  };
}

export interface PodParts {
  name?: string;
  ip?: string;
  hostPort?: number;
  part?: { metadata?: Partial<Pod['metadata']>; spec?: Partial<Pod['spec']>; status?: Pod['status'] };
  port?: { hostIP?: string; protocol?: string };
}

/** A running pod of node a with a host port to its port 8080. */
export function testPod({
  name = 'door',
  ip = '10.42.0.9',
  hostPort = 8088,
  part = {},
  port = {},
}: PodParts = {}): Pod {
  const ports = [{ containerPort: 8080, hostPort, protocol: 'TCP', ...port }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ...part.metadata },
    spec: { nodeName: 'a', containers: [{ name: 'main', image: 'door', ports }], ...part.spec },
    status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], ...part.status },
  };
}
