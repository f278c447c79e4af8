import type { Manifest } from '../manifests.ts';
import {
  age,
  aggregatedRole,
  clusterRole,
  clusterRoleBinding,
  configMap,
  definition,
  deployment,
  namespace,
  ready,
  service,
  serviceAccount,
  webhook,
} from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import { conditions, createTypeSchemas, documented, flag, list, object, type Schema, text, whole } from './schema.ts';
import { createSentences } from './words.ts';

const group = (suffix: string) => `policy-${suffix}.example.com`;
const anything: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

function policySchema(): Schema {
  const typeOf = createTypeSchemas(createSentences(51, 14));
  const selector = typeOf('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector');
  const names = object({
    kinds: list(text()),
    names: list(text()),
    namespaces: list(text()),
    selector,
    operations: list(text({ enum: ['CREATE', 'CONNECT', 'UPDATE', 'DELETE'] })),
  });
  const either = (): Schema =>
    object(
      { any: list(object({ resources: names })), all: list(object({ resources: names })), resources: names },
      { not: { required: ['any', 'all'] } },
    );
  const condition = object({
    key: anything,
    operator: text({ enum: ['Equals', 'NotEquals', 'AnyIn', 'GreaterThan'] }),
    value: anything,
    message: text(),
  });
  const context = list(
    object(
      {
        name: text(),
        variable: object({ value: anything, jmesPath: text(), default: anything }),
        configMap: object({ name: text(), namespace: text() }, { required: ['name', 'namespace'] }),
      },
      { oneOf: [{ required: ['configMap'] }, { required: ['variable'] }], required: ['name'] },
    ),
  );
  const rule = object(
    {
      ...{ name: text({ maxLength: 63 }), match: either(), exclude: either(), context },
      preconditions: { ...anything, nullable: true },
      validate: object({
        message: text(),
        pattern: anything,
        anyPattern: anything,
        deny: object({ conditions: list(condition) }),
        allowExistingViolations: flag({ default: true }),
      }),
      mutate: object({ patchStrategicMerge: anything, patchesJson6902: text() }),
      verifyImages: list(
        object({
          imageReferences: list(text()),
          required: flag({ default: true }),
          attestors: list(object({ count: whole({ minimum: 1, nullable: true }), entries: list(anything) })),
        }),
      ),
    },
    { required: ['match', 'name'] },
  );
  const spec = object({
    rules: list(rule),
    background: flag({ default: true }),
    validationFailureAction: text({ enum: ['audit', 'enforce', 'Audit', 'Enforce'], default: 'Audit' }),
    webhookTimeoutSeconds: whole({ format: 'int32' }),
  });
  return object(
    { spec, status: object({ conditions: conditions(), ready: flag(), autogen: object({ rules: list(rule) }) }) },
    { required: ['spec'] },
  );
}

function manifests(suffix: string): Manifest[] {
  const space = `policy-${suffix}`;
  const columns = [
    { name: 'Admission', type: 'boolean', jsonPath: '.spec.admission' },
    { name: 'Background', type: 'boolean', jsonPath: '.spec.background' },
    { name: 'Action', type: 'string', jsonPath: '.spec.validationFailureAction' },
    ready,
    { name: 'Generations', type: 'integer', jsonPath: '.metadata.generation', priority: 1 },
    age,
  ];
  const schema = documented(policySchema(), createSentences(52, 30));
  const versions = [{ name: 'v1', schema, columns }, { name: 'v2beta1', schema, columns, stored: false } as const];
  const label = `rbac.${space}.example.com/aggregate-to-admission`;
  const schedule: Manifest = {
    ...{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'cleanup', namespace: space } as never },
    spec: {
      ...{
        schedule: '*/10 * * * *',
        concurrencyPolicy: 'Forbid',
        successfulJobsHistoryLimit: 1,
        failedJobsHistoryLimit: 1,
        suspend: true,
      },
      jobTemplate: {
        spec: {
          template: {
            spec: {
              restartPolicy: 'OnFailure',
              serviceAccountName: 'admission',
              containers: [{ name: 'cleanup', image: 'registry.example/cli', args: ['delete', 'reports', '--all'] }],
            },
          },
        },
      },
    },
  };
  const budget: Manifest = {
    ...{
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'admission', namespace: space } as never,
    },
    spec: { minAvailable: 1, selector: { matchLabels: { 'app.kubernetes.io/name': 'admission' } } },
  };
  const rule = { apiGroups: ['*'], apiVersions: ['*'], resources: ['nothing/*'] };
  return [
    namespace(space),
    definition({
      group: group(suffix),
      kind: 'ClusterPolicy',
      plural: 'clusterpolicies',
      scope: 'Cluster',
      short: ['cpol'],
      categories: ['policies'],
      versions,
    }),
    definition({
      group: group(suffix),
      kind: 'Policy',
      plural: 'policies',
      short: ['pol'],
      categories: ['policies'],
      versions,
    }),
    serviceAccount(space, 'admission'),
    aggregatedRole(`${space}-admission`, label),
    clusterRole(
      `${space}:core`,
      [{ apiGroups: [''], resources: ['configmaps', 'namespaces'], verbs: ['get', 'list', 'watch'] }],
      { [label]: 'true' },
    ),
    clusterRole(`${space}:additional`, [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['*'] }], {
      [label]: 'true',
    }),
    clusterRoleBinding(space, `${space}-admission`),
    configMap(space, 'config', {
      resourceFilters: '[*/*,kube-system,*]\n[Event,*,*]\n',
      webhooks: '[{"namespaceSelector":{}}]',
    }),
    service(space, 'admission'),
    deployment(space, 'admission'),
    schedule,
    budget,
    webhook(space, 'validate-resources', rule, {
      failurePolicy: 'Ignore',
      matchConditions: [{ name: 'not-system', expression: "!request.userInfo.username.startsWith('system:')" }],
    }),
    webhook(space, 'default-resources', rule, { failurePolicy: 'Ignore', reinvocationPolicy: 'IfNeeded' }),
  ];
}

function samples(suffix: string): Sample[] {
  const make = (name: string, spec: object, version = 'v1', kind = 'ClusterPolicy'): Manifest => ({
    ...{
      apiVersion: `${group(suffix)}/${version}`,
      kind,
      metadata: { name, ...(kind === 'Policy' ? { namespace: 'unchecked' } : {}) } as never,
      spec,
    },
  });
  const match = { any: [{ resources: { kinds: ['Pod'], operations: ['CREATE'] } }] };
  const pattern = {
    metadata: { labels: { '?*': '?*' } },
    spec: { '=(containers)': [{ image: '!*:latest', '(name)': '*' }], replicas: '>=2', list: [null, 1, 'x'] },
  };
  const rule = { name: 'labels', match, preconditions: null, validate: { message: 'say who you are', pattern } };
  const verify = {
    name: 'signed',
    match,
    verifyImages: [{ imageReferences: ['*'], attestors: [{ count: null, entries: [{ keys: { publicKeys: 'k' } }] }] }],
  };
  return [
    {
      manifest: make('labels', {
        rules: [rule, { name: 'mutate', match, mutate: { patchStrategicMerge: { spec: { '+(x)': 1 } } } }],
      }),
      defaulted: {
        spec: {
          background: true,
          validationFailureAction: 'Audit',
          rules: [{ validate: { allowExistingViolations: true } }],
        },
      },
      row: /^labels\s+true\s+Enforce/m,
      patches: [
        { patch: { spec: { validationFailureAction: 'Enforce' } } },
        { patch: { spec: { validationFailureAction: 'hope' } }, refused: /Unsupported value: "hope"/ },
      ],
    },
    {
      manifest: make('verify', { rules: [verify] }, 'v2beta1', 'Policy'),
      defaulted: { spec: { rules: [{ verifyImages: [{ required: true }] }] } },
    },
    {
      manifest: make('both', { rules: [{ name: 'x', match: { any: [], all: [] } }] }),
      refused: /"spec\.rules\[0\]\.match" must not validate the schema \(not\)/,
    },
    {
      manifest: make('neither', { rules: [{ name: 'x', match, context: [{ name: 'c' }] }] }),
      refused:
        /"spec\.rules\[0\]\.context\[0\]" must validate one and only one schema \(oneOf\)\. Found none valid\n.*spec\.rules\[0\]\.context\[0\]\.configMap: Required value/,
    },
    {
      manifest: make('asks', { rules: [{ name: 'x', match: { resources: { operations: ['READ'] } } }] }),
      refused: /operations\[0\]: Unsupported value: "READ"/,
    },
  ];
}

/** Free values nearly everywhere, logical schemas, nullable fields, roles that are put together from others. */
export const policy: Platform = {
  ...{ name: 'policy', like: 'kyverno', manifests, samples },
  explain: [
    {
      path: 'clusterpolicies.spec.validationFailureAction',
      says: /FIELD: validationFailureAction <string>\s+ENUM:\s+audit\s+enforce/,
    },
  ],
};
