import type { Manifest } from '../manifests.ts';
import {
  age,
  clusterRole,
  clusterRoleBinding,
  definition,
  deployment,
  namespace,
  ready,
  service,
  serviceAccount,
} from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import { conditions, createTypeSchemas, list, listMap, object, type Schema, text, whole } from './schema.ts';
import { createSentences } from './words.ts';

const group = (suffix: string) => `monitoring-${suffix}.example.com`;
const duration = (more: Schema = {}) =>
  text({ pattern: '^(0|(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?)$', ...more });

/** Most of a pod can be set: containers, volumes, affinity and the rest, spelt out; the first in so many words that no annotation holds it. */
function monitorSchema(seed: number): Schema {
  const typeOf = createTypeSchemas(createSentences(seed, seed === 100 ? 44 : 22));
  const pod = 'io.k8s.api.core.v1';
  const endpoint = object({
    port: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
    path: text({ default: '/metrics' }),
    interval: duration(),
  });
  const spec = object(
    {
      podMetadata: typeOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'),
      containers: typeOf(`[]${pod}.Container`),
      initContainers: typeOf(`[]${pod}.Container`),
      volumes: typeOf(`[]${pod}.Volume`),
      volumeMounts: typeOf(`[]${pod}.VolumeMount`),
      affinity: typeOf(`${pod}.Affinity`),
      tolerations: typeOf(`[]${pod}.Toleration`),
      securityContext: typeOf(`${pod}.PodSecurityContext`),
      resources: typeOf(`${pod}.ResourceRequirements`),
      storage: typeOf(`${pod}.PersistentVolumeClaimSpec`),
      topologySpreadConstraints: typeOf(`[]${pod}.TopologySpreadConstraint`),
      shards: whole({ format: 'int32', minimum: 0, default: 1 }),
      retention: duration({ default: '24h' }),
      scrapeInterval: duration({ default: '30s' }),
      logLevel: text({ enum: ['', 'debug', 'info', 'warn', 'error'] }),
      endpoints: listMap(['path'], endpoint),
      selector: typeOf('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector'),
    },
    { required: ['selector'] },
  );
  const status = object({ conditions: conditions(), shards: whole({ format: 'int32' }), selector: text() });
  return object(
    { apiVersion: text(), kind: text(), metadata: { type: 'object' }, spec, status },
    { required: ['spec'] },
  );
}

function manifests(suffix: string): Manifest[] {
  const space = `monitoring-${suffix}`;
  const scale = {
    specReplicasPath: '.spec.shards',
    statusReplicasPath: '.status.shards',
    labelSelectorPath: '.status.selector',
  };
  const columns = [{ name: 'Shards', type: 'integer', jsonPath: '.spec.shards' }, ready, age];
  const rules = list(
    object(
      {
        alert: text(),
        expr: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
        for: duration(),
      },
      { required: ['expr'] },
    ),
  );
  const ruleSchema = object({
    spec: object({
      groups: listMap(['name'], object({ name: text({ minLength: 1 }), rules }, { required: ['name'] })),
    }),
  });
  return [
    ...['Monitor', 'Alerter', 'Ruler'].map((kind, i) =>
      definition({
        group: group(suffix),
        kind,
        plural: `${kind.toLowerCase()}s`,
        categories: ['monitoring'],
        versions: [{ name: 'v1', schema: monitorSchema(100 + i), columns, scale }],
      }),
    ),
    definition({ group: group(suffix), kind: 'Rule', plural: 'rules', versions: [{ name: 'v1', schema: ruleSchema }] }),
    namespace(space),
    serviceAccount(space, 'operator'),
    clusterRole(`${space}-operator`, [
      { apiGroups: [group(suffix)], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['/metrics'], verbs: ['get'] },
    ]),
    clusterRoleBinding(space, `${space}-operator`),
    service(space, 'operator'),
    deployment(space, 'operator'),
  ];
}

function samples(suffix: string): Sample[] {
  const monitor = (name: string, spec: object, kind = 'Monitor'): Manifest => ({
    apiVersion: `${group(suffix)}/v1`,
    kind,
    metadata: { name, namespace: 'unchecked' } as never,
    spec,
  });
  const container = {
    name: 'proxy',
    image: 'registry.example/proxy',
    ports: [{ containerPort: 53 }, { containerPort: 53, protocol: 'UDP' }],
    resources: { limits: { cpu: 2, memory: '1Gi' } },
  };
  return [
    {
      manifest: monitor('main', {
        selector: { matchLabels: { team: 'a' } },
        containers: [container],
        endpoints: [{ port: 9090 }, { port: 'web', path: '/probe' }],
      }),
      defaulted: {
        spec: {
          shards: 1,
          retention: '24h',
          containers: [{ ports: [{ protocol: 'TCP' }, { protocol: 'UDP' }] }],
          endpoints: [{ path: '/metrics' }, { path: '/probe' }],
        },
      },
      ...{ scaled: ['spec', 'shards'], row: /\s+4\s+/ },
    },
    {
      manifest: monitor('twice', {
        selector: {},
        containers: [{ name: 'a', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'TCP' }] }],
      }),
      refused: /spec\.containers\[0\]\.ports\[1\]: Duplicate value: (map\[|\{).*80/,
    },
    {
      manifest: monitor('long', { selector: {}, retention: '10x' }),
      refused: /spec\.retention: Invalid value: "10x": spec\.retention in body should match '\^\(0\|/,
    },
    {
      manifest: monitor('typed', { selector: {}, shards: 'two' }),
      refused: /spec\.shards: Invalid value: "string": spec\.shards in body must be of type integer: "string"/,
    },
    {
      manifest: monitor('unnamed', { selector: {}, containers: [{ image: 'x' }] }),
      refused: /spec\.containers\[0\]\.name: Required value/,
    },
    {
      manifest: monitor(
        'burning',
        { groups: [{ name: 'fire', rules: [{ alert: 'Hot', expr: 1, for: '5m' }, { expr: 'up == 0' }] }] },
        'Rule',
      ),
    },
  ];
}

/** Definitions of hundreds of kilobytes, each with most of a pod in it, and a scale. */
export const monitoring: Platform = {
  ...{ name: 'monitoring', like: 'prometheus-operator', manifests, samples },
  explain: [
    {
      path: 'monitors.spec.containers.ports',
      says: /FIELD: ports <\[\]ContainerPort>|FIELD: ports <\[\]Object>[\s\S]*containerPort\t<integer> -required-/,
    },
  ],
};
