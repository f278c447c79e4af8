import type { Manifest } from '../manifests.ts';
import {
  age,
  clusterRole,
  clusterRoleBinding,
  configMap,
  definition,
  deployment,
  namespace,
  service,
  serviceAccount,
} from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import { flag, list, object, type Schema, text, whole } from './schema.ts';
import { createSentences } from './words.ts';

const group = (suffix: string) => `delivery-${suffix}.example.com`;
const say = createSentences(31, 24);
const described = (schema: Schema): Schema => ({ description: say(), ...schema });

/** Where things come from, three ways at once, as generators spell every alternative out wherever it is used. */
const source = (): Schema =>
  object(
    {
      repoURL: described(text()),
      path: described(text()),
      targetRevision: described(text()),
      helm: described(
        object({
          parameters: list(object({ name: text(), value: text(), forceString: flag() })),
          valuesObject: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          valueFiles: list(text()),
          releaseName: described(text()),
        }),
      ),
      kustomize: described(
        object({
          images: list(text()),
          commonLabels: { type: 'object', additionalProperties: text() },
          replicas: list(
            object(
              {
                name: text(),
                count: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
              },
              { required: ['count', 'name'] },
            ),
          ),
        }),
      ),
      directory: object({
        recurse: flag(),
        jsonnet: object({ tlas: list(object({ name: text(), value: text(), code: flag() })) }),
      }),
    },
    { required: ['repoURL'] },
  );

function applicationSchema(): Schema {
  const destination = object({ server: text(), namespace: text(), name: text() });
  const syncPolicy = object({
    automated: object({ prune: flag(), selfHeal: flag() }),
    syncOptions: list(text()),
    retry: object({
      limit: whole({ format: 'int64' }),
      backoff: object({ duration: text(), factor: whole({ format: 'int64' }) }),
    }),
  });
  const spec = object(
    {
      ...{ project: text(), destination, source: source(), sources: list(source()), syncPolicy },
      ignoreDifferences: list(
        object(
          { group: text(), kind: text(), jsonPointers: list(text()), jqPathExpressions: list(text()) },
          { required: ['kind'] },
        ),
      ),
      revisionHistoryLimit: whole({ format: 'int64' }),
    },
    { required: ['destination', 'project'] },
  );
  const history = list(
    object(
      {
        id: whole({ format: 'int64' }),
        deployedAt: text({ format: 'date-time' }),
        revision: text(),
        source: source(),
        sources: list(source()),
      },
      { required: ['deployedAt', 'id'] },
    ),
  );
  const status = object({
    sync: object({ status: text(), comparedTo: object({ source: source(), destination }) }),
    health: object({ status: text() }),
    history,
  });
  // What is under way is written beside spec and status, at the top.
  const operation = object({
    sync: object({
      revision: text(),
      prune: flag(),
      source: source(),
      sources: list(source()),
      manifests: list(text()),
    }),
  });
  return object(
    { apiVersion: text(), kind: text(), metadata: { type: 'object' }, spec, status, operation },
    { required: ['metadata', 'spec'] },
  );
}

/** Generators hold generators hold generators, which no schema can say but by repeating itself. */
function setSchema(): Schema {
  const template = () =>
    object(
      {
        metadata: object({ name: text(), labels: { type: 'object', additionalProperties: text() } }),
        spec: object({ project: text(), source: source(), sources: list(source()) }),
      },
      { required: ['metadata', 'spec'] },
    );
  const repository = {
    ...{ api: text(), owner: text(), repo: text(), labels: list(text()) },
    tokenRef: object({ secretName: text(), key: text() }, { required: ['key', 'secretName'] }),
  };
  const generator = (depth: number): Schema =>
    object({
      list: object({ elements: list({ 'x-kubernetes-preserve-unknown-fields': true }), template: template() }),
      git: object({
        repoURL: text(),
        directories: list(object({ path: text(), exclude: flag() })),
        template: template(),
      }),
      clusters: object({
        selector: object({ matchLabels: { type: 'object', additionalProperties: text() } }),
        values: { type: 'object', additionalProperties: text() },
      }),
      decision: object({
        configMapRef: text(),
        labelSelector: object({ matchLabels: { type: 'object', additionalProperties: text() } }),
        template: template(),
      }),
      pullRequest: object({ github: object(repository), gitlab: object(repository), template: template() }),
      plugin: object({
        input: object({
          parameters: { type: 'object', additionalProperties: { 'x-kubernetes-preserve-unknown-fields': true } },
        }),
        template: template(),
      }),
      ...(depth > 0
        ? { matrix: object({ generators: list(generator(depth - 1)) }, { required: ['generators'] }) }
        : {}),
      ...(depth > 0 ? { merge: object({ generators: list(generator(depth - 1)), mergeKeys: list(text()) }) } : {}),
    });
  const spec = object(
    { goTemplate: flag(), generators: list(generator(2)), template: template() },
    { required: ['generators', 'template'] },
  );
  return object(
    { spec, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    { required: ['spec'] },
  );
}

function manifests(suffix: string): Manifest[] {
  const space = `delivery-${suffix}`;
  const columns = [
    { name: 'Sync Status', type: 'string', jsonPath: '.status.sync.status' },
    { name: 'Revision', type: 'string', jsonPath: '.status.sync.revision', priority: 10 },
    { name: 'Project', type: 'string', jsonPath: '.spec.project', priority: 10 },
    age,
  ];
  const version = (schema: Schema) => [{ name: 'v1alpha1', schema, columns }];
  const role = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  const policy: Manifest = {
    ...{
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'repo', namespace: space } as never,
    },
    spec: {
      podSelector: { matchLabels: { app: 'repo' } },
      ingress: [
        { from: [{ podSelector: { matchLabels: { app: 'server' } } }], ports: [{ port: 8081, protocol: 'TCP' }] },
        { from: [{ namespaceSelector: {} }], ports: [{ port: 8084, protocol: 'TCP' }] },
      ],
      policyTypes: ['Ingress'],
    },
  };
  return [
    namespace(space),
    definition({
      group: group(suffix),
      kind: 'Application',
      plural: 'applications',
      short: ['app', 'apps'],
      versions: version(applicationSchema()),
    }),
    definition({
      group: group(suffix),
      kind: 'ApplicationSet',
      plural: 'applicationsets',
      short: ['appset'],
      versions: version(setSchema()),
    }),
    ...['server', 'repo'].map(name => serviceAccount(space, name)),
    clusterRole(`${space}-server`, [role, { nonResourceURLs: ['*'], verbs: ['*'] }]),
    clusterRoleBinding(space, `${space}-server`),
    configMap(space, 'rbac', {
      'policy.csv': 'p, role:org-admin, applications, *, */*, allow\ng, admins, role:org-admin\n',
      'policy.default': '',
    }),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'gpg-keys', namespace: space } as never },
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys', namespace: space } as never, type: 'Opaque' },
    ...['server', 'repo'].flatMap(name => [service(space, name), deployment(space, name)]),
    policy,
  ];
}

function samples(suffix: string): Sample[] {
  const make = (kind: string, name: string, spec: object): Manifest => ({
    ...{ apiVersion: `${group(suffix)}/v1alpha1`, kind, metadata: { name, namespace: 'unchecked' } as never, spec },
  });
  const destination = { server: 'https://kubernetes.default.svc', namespace: 'web' };
  const values = { image: { tag: 1.5, list: [1, 'two', { three: null }] }, 'odd key': { deep: { deeper: true } } };
  const kept = {
    repoURL: 'https://git.example.com/web',
    helm: { valuesObject: values },
    kustomize: {
      replicas: [
        { name: 'web', count: '3' },
        { name: 'api', count: 2 },
      ],
    },
  };
  const elements = [
    { cluster: 'a', url: 'https://a' },
    { cluster: 'b', nested: { more: [true] } },
  ];
  const template = { metadata: { name: '{{cluster}}' }, spec: { project: 'default' } };
  const nested = [
    {
      matrix: {
        generators: [
          { list: { elements } },
          { merge: { mergeKeys: ['cluster'], generators: [{ git: { repoURL: 'x' } }] } },
        ],
      },
    },
  ];
  return [
    {
      manifest: make('Application', 'web', {
        project: 'default',
        destination,
        source: kept,
        syncPolicy: { automated: { prune: true } },
      }),
      patches: [
        { patch: { operation: { sync: { revision: 'HEAD' } } } },
        { patch: { spec: { project: null } }, refused: /spec\.project: Required value/ },
      ],
      row: /^web\s/m,
    },
    {
      manifest: make('Application', 'odd', { project: 'default', destination, source: {} }),
      refused: /spec\.source\.repoURL: Required value/,
    },
    { manifest: make('ApplicationSet', 'all', { generators: nested, template }) },
    {
      manifest: make('ApplicationSet', 'deep', {
        generators: [{ matrix: { generators: [{ matrix: { generators: [{ matrix: { generators: [] } }] } }] } }],
        template,
      }),
      refused: /unknown field "spec\.generators\[0\]\.matrix\.generators\[0\]\.matrix\.generators\[0\]\.matrix"/,
    },
  ];
}

/** Schemas that repeat themselves for depth, and free values inside them. */
export const delivery: Platform = {
  ...{ name: 'delivery', like: 'argo-cd', manifests, samples },
  explain: [
    { path: 'applications.operation.sync.source.helm', says: /FIELD: helm <Object>[\s\S]*valuesObject\t<Object>/ },
  ],
};
