import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConfigMap, Container, Pod, Secret, Service } from '#api';
import { aPod } from '../testing.ts';
import { containerEnv, type ObjectReader } from './env.ts';
import { expand } from './expand.ts';
import { serviceEnv, visibleServices } from './service-env.ts';

const maps: Record<string, ConfigMap> = {
  settings: { metadata: { name: 'settings' }, data: { LEVEL: 'debug', COLOUR: 'red' } },
  empty: { metadata: { name: 'empty' } },
};
const secrets: Record<string, Secret> = {
  login: {
    metadata: { name: 'login' },
    data: { PASSWORD: Buffer.from('geheim').toString('base64'), LEVEL: 'aW5mbw==' },
  },
};
const objects: ObjectReader = {
  configMap: async (_, name) => maps[name],
  secret: async (_, name) => secrets[name],
};
const facts = {
  hostIps: ['192.168.0.1'],
  podIps: ['10.42.0.2', 'fd01::2'],
  allocatable: { cpu: '3500m', memory: '2Gi' },
};

async function envOf(container: Partial<Container>, more: { pod?: Pod; services?: Service[] } = {}) {
  const pod = more.pod ?? aPod();
  const inputs = { pod, container: { name: 'app', ...container }, services: more.services ?? [], objects, ...facts };
  return Object.fromEntries(await containerEnv(inputs));
}
const service = (name: string, spec: Service['spec'], namespace = 'default'): Service => ({
  metadata: { name, namespace },
  spec,
});

test('variables are expanded as upstream does', () => {
  const values: Record<string, string> = { A: 'a', B: '', 'x.y': 'dotted' };
  const cases: [string, string][] = [
    ['$(A)', 'a'],
    ['-$(A)-$(B)-', '-a--'],
    ['$(x.y)', 'dotted'],
    ['$(MISSING)', '$(MISSING)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$$$$(A)', '$$(A)'],
    ['$A $', '$A $'],
    ['$(A', '$(A'],
    ['$(A$$', '$(A$'],
    ['$($(A))', '$($(A))'],
    ['$()', '$()'],
  ];
  for (const [text, expected] of cases) {
    const found = expand(text, name => (Object.hasOwn(values, name) ? values[name] : undefined));
    assert.equal(found, expected, text);
  }
});

describe('the environment of a container', () => {
  test('variables may use those before them, and not those after', async () => {
    const env = [
      { name: 'ONE', value: '$(TWO)' },
      { name: 'TWO', value: '2' },
      { name: 'THREE', value: '$(TWO)+1' },
    ];
    assert.deepEqual(await envOf({ env }), { ONE: '$(TWO)', TWO: '2', THREE: '2+1' });
  });
  test('envFrom takes all keys with their prefix, the later source wins, env wins over both', async () => {
    const envFrom = [{ configMapRef: { name: 'settings' } }, { secretRef: { name: 'login' } }];
    assert.deepEqual(await envOf({ envFrom, env: [{ name: 'COLOUR', value: 'blue' }] }), {
      ...{ LEVEL: 'info', COLOUR: 'blue', PASSWORD: 'geheim' },
    });
    assert.deepEqual(await envOf({ envFrom: [{ prefix: 'P_', configMapRef: { name: 'settings' } }] }), {
      ...{ P_LEVEL: 'debug', P_COLOUR: 'red' },
    });
    assert.deepEqual(await envOf({ envFrom: [{ configMapRef: { name: 'empty' } }] }), {});
  });
  test('values from envFrom are not expanded, but can be used', async () => {
    maps['dollar'] = { metadata: { name: 'dollar' }, data: { RAW: '$(HOME)' } };
    const env = [{ name: 'USED', value: '<$(RAW)>' }];
    assert.deepEqual(await envOf({ envFrom: [{ configMapRef: { name: 'dollar' } }], env }), {
      ...{ RAW: '$(HOME)', USED: '<$(HOME)>' },
    });
  });
  test('a missing object keeps the container from starting, unless it is optional', async () => {
    await assert.rejects(
      envOf({ envFrom: [{ configMapRef: { name: 'none' } }] }),
      /^ContainerConfigError: configmap "none" not found$|configmap "none" not found/,
    );
    await assert.rejects(envOf({ envFrom: [{ secretRef: { name: 'none' } }] }), /secret "none" not found/);
    assert.deepEqual(await envOf({ envFrom: [{ configMapRef: { name: 'none', optional: true } }] }), {});
  });
  test('a missing key keeps the container from starting, unless it is optional', async () => {
    const from = (ref: object) => envOf({ env: [{ name: 'X', valueFrom: ref }] });
    await assert.rejects(from({ configMapKeyRef: { name: 'settings', key: 'k' } }), {
      message: "couldn't find key k in ConfigMap default/settings",
    });
    await assert.rejects(from({ secretKeyRef: { name: 'login', key: 'k' } }), {
      message: "couldn't find key k in Secret default/login",
    });
    await assert.rejects(from({ secretKeyRef: { name: 'none', key: 'k' } }), { message: 'secret "none" not found' });
    assert.deepEqual(await from({ configMapKeyRef: { name: 'settings', key: 'k', optional: true } }), {});
    assert.deepEqual(await from({ secretKeyRef: { name: 'login', key: 'PASSWORD' } }), { X: 'geheim' });
  });
  test('fields of the pod become values', async () => {
    const pod = aPod(
      { serviceAccountName: 'robot' },
      { metadata: { labels: { app: 'web' }, annotations: { 'example.com/a': 'b' } } },
    );
    const read = async (fieldPath: string) =>
      (await envOf({ env: [{ name: 'X', valueFrom: { fieldRef: { fieldPath } } }] }, { pod }))['X'];
    const expected: Record<string, string> = {
      'metadata.name': 'web',
      'metadata.namespace': 'default',
      'metadata.uid': 'uid-1',
      "metadata.labels['app']": 'web',
      "metadata.labels['none']": '',
      "metadata.annotations['example.com/a']": 'b',
      'spec.nodeName': 'node-1',
      'spec.serviceAccountName': 'robot',
      'status.hostIP': '192.168.0.1',
      'status.podIP': '10.42.0.2',
      'status.podIPs': '10.42.0.2,fd01::2',
    };
    for (const [path, value] of Object.entries(expected)) assert.equal(await read(path), value, path);
    await assert.rejects(read('spec.replicas'), { message: 'unsupported fieldPath: spec.replicas' });
  });
  test('resources are told in units of the divisor, rounded up; without a limit what the node has', async () => {
    const resources = { requests: { cpu: '250m', memory: '100Mi' }, limits: { memory: '129Mi' } };
    const read = async (resource: string, divisor?: string) => {
      const resourceFieldRef = { resource, ...(divisor && { divisor }) };
      return (await envOf({ resources, env: [{ name: 'X', valueFrom: { resourceFieldRef } }] }))['X'];
    };
    assert.equal(await read('requests.cpu'), '1');
    assert.equal(await read('requests.cpu', '1m'), '250');
    assert.equal(await read('requests.memory', '1Mi'), '100');
    assert.equal(await read('limits.memory', '1Mi'), '129');
    assert.equal(await read('limits.memory', '1Gi'), '1');
    assert.equal(await read('limits.cpu'), '4');
    assert.equal(await read('limits.cpu', '1m'), '3500');
  });
});

describe('variables of services', () => {
  const redis = service('redis-master', {
    clusterIP: '10.43.0.11',
    ports: [
      { port: 6379, name: 'main-port' },
      { port: 53, protocol: 'UDP' },
    ],
  });
  test('tell host, ports and links', () => {
    assert.deepEqual(Object.fromEntries(serviceEnv([redis])), {
      REDIS_MASTER_SERVICE_HOST: '10.43.0.11',
      REDIS_MASTER_SERVICE_PORT: '6379',
      REDIS_MASTER_SERVICE_PORT_MAIN_PORT: '6379',
      REDIS_MASTER_PORT: 'tcp://10.43.0.11:6379',
      REDIS_MASTER_PORT_6379_TCP: 'tcp://10.43.0.11:6379',
      REDIS_MASTER_PORT_6379_TCP_PROTO: 'tcp',
      REDIS_MASTER_PORT_6379_TCP_PORT: '6379',
      REDIS_MASTER_PORT_6379_TCP_ADDR: '10.43.0.11',
      REDIS_MASTER_PORT_53_UDP: 'udp://10.43.0.11:53',
      REDIS_MASTER_PORT_53_UDP_PROTO: 'udp',
      REDIS_MASTER_PORT_53_UDP_PORT: '53',
      REDIS_MASTER_PORT_53_UDP_ADDR: '10.43.0.11',
    });
  });
  test('an IPv6 address stands in brackets in links only', () => {
    const env = serviceEnv([service('six', { clusterIP: 'fd02::5', ports: [{ port: 80 }] })]);
    assert.equal(env.get('SIX_PORT'), 'tcp://[fd02::5]:80');
    assert.equal(env.get('SIX_SERVICE_HOST'), 'fd02::5');
  });
  const ports = [{ port: 443 }];
  const kubernetes = service('kubernetes', { clusterIP: '10.43.0.1', ports });
  const names = (list: readonly Service[], namespace: string, links: boolean) =>
    visibleServices(list, namespace, links).map(one => `${one.metadata.namespace}/${one.metadata.name}`);
  test('are those of the namespace and of the API server, and without links only the latter', () => {
    const all = [redis, service('other', { clusterIP: '10.43.0.9', ports }, 'elsewhere'), kubernetes];
    assert.deepEqual(names(all, 'default', true).sort(), ['default/kubernetes', 'default/redis-master']);
    assert.deepEqual(names(all, 'default', false), ['default/kubernetes']);
    assert.deepEqual(names(all, 'elsewhere', true), ['default/kubernetes', 'elsewhere/other']);
  });
  test('are none of services without an address', () => {
    const bare = [service('headless', { clusterIP: 'None', ports }), service('name', { externalName: 'example.com' })];
    assert.deepEqual(names(bare, 'default', true), []);
  });
  test('a service of the namespace called kubernetes hides the API server', () => {
    const own = service('kubernetes', { clusterIP: '10.43.0.99', ports }, 'mine');
    for (const all of [
      [own, kubernetes],
      [kubernetes, own],
    ]) {
      assert.equal(serviceEnv(visibleServices(all, 'mine', true)).get('KUBERNETES_SERVICE_HOST'), '10.43.0.99');
    }
  });
  test('can be used by variables, and give way to variables of the same name', async () => {
    const env = [
      { name: 'URL', value: 'https://$(KUBERNETES_SERVICE_HOST)' },
      { name: 'KUBERNETES_SERVICE_PORT', value: '1' },
    ];
    const made = await envOf({ env }, { services: [kubernetes] });
    assert.equal(made['URL'], 'https://10.43.0.1');
    assert.equal(made['KUBERNETES_SERVICE_PORT'], '1');
    assert.equal(made['KUBERNETES_SERVICE_HOST'], '10.43.0.1');
  });
});
