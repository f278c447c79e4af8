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
  webhook,
} from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import { conditions, createTypeSchemas, flag, list, object, type Schema, text, whole } from './schema.ts';
import { createSentences } from './words.ts';

const group = (suffix: string) => `autoscaling-${suffix}.example.com`;

function scaledSchema(jobs: boolean): Schema {
  const typeOf = createTypeSchemas(createSentences(jobs ? 61 : 62, 16));
  const trigger = object(
    {
      ...{ type: text(), name: text(), metricType: text(), useCachedMetrics: flag() },
      metadata: { type: 'object', additionalProperties: text() },
      authenticationRef: object({ name: text(), kind: text() }, { required: ['name'] }),
    },
    { required: ['metadata', 'type'] },
  );
  const shared = {
    pollingInterval: whole({ format: 'int32' }),
    minReplicaCount: whole({ format: 'int32' }),
    maxReplicaCount: whole({ format: 'int32' }),
    triggers: list(trigger),
  };
  const spec = jobs
    ? object(
        { ...shared, jobTargetRef: typeOf('io.k8s.api.batch.v1.JobSpec'), rollout: object({ strategy: text() }) },
        { required: ['jobTargetRef', 'triggers'] },
      )
    : object(
        {
          ...shared,
          scaleTargetRef: object(
            { apiVersion: text(), kind: text(), name: text(), envSourceContainerName: text() },
            { required: ['name'] },
          ),
          advanced: object({
            horizontalPodAutoscalerConfig: object({
              behavior: typeOf('io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior'),
              name: text(),
            }),
            scalingModifiers: object({ formula: text(), target: text() }),
          }),
          fallback: object(
            {
              failureThreshold: whole({ format: 'int32' }),
              replicas: whole({ format: 'int32' }),
              behavior: text({ default: 'static', enum: ['static', 'currentReplicas'] }),
            },
            { required: ['failureThreshold', 'replicas'] },
          ),
        },
        { required: ['scaleTargetRef', 'triggers'] },
      );
  const health = {
    type: 'object',
    additionalProperties: object({ numberOfFailures: whole({ format: 'int32' }), status: text() }),
  };
  return object(
    {
      apiVersion: text(),
      kind: text(),
      metadata: { type: 'object' },
      spec,
      status: object({
        conditions: conditions(),
        health,
        lastActiveTime: text({ format: 'date-time' }),
        pausedReplicaCount: whole({ format: 'int32' }),
      }),
    },
    { required: ['spec'] },
  );
}

function manifests(suffix: string): Manifest[] {
  const space = `autoscaling-${suffix}`;
  const columns = [
    { name: 'ScaleTargetName', type: 'string', jsonPath: '.spec.scaleTargetRef.name' },
    { name: 'Min', type: 'integer', jsonPath: '.spec.minReplicaCount' },
    { name: 'Max', type: 'integer', jsonPath: '.spec.maxReplicaCount' },
    ready,
    { name: 'Triggers', type: 'string', jsonPath: '.spec.triggers[*].type' },
    { name: 'Authentications', type: 'string', jsonPath: '.spec.triggers[*].authenticationRef.name', priority: 1 },
    age,
  ];
  const one = (schema: Schema) => [{ name: 'v1alpha1', schema, columns }];
  const authentication = object(
    {
      spec: object({
        secretTargetRef: list(
          object({ parameter: text(), name: text(), key: text() }, { required: ['key', 'name', 'parameter'] }),
        ),
        env: list(object({ parameter: text(), name: text() })),
        podIdentity: object(
          {
            provider: text({ enum: ['azure-workload', 'aws', 'gcp', 'none'] }),
            identityOwner: text({ enum: ['operator', 'workload'] }),
          },
          { required: ['provider'] },
        ),
      }),
    },
    { required: ['spec'] },
  );
  const targets = { apiGroups: [group(suffix)], apiVersions: ['v1alpha1'], resources: ['scaledobjects'] };
  const reader: Manifest = {
    ...{
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: `${space}-auth-reader`, namespace: 'kube-system' } as never,
    },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'extension-apiserver-authentication-reader' },
    subjects: [{ kind: 'ServiceAccount', name: 'operator', namespace: space }],
  };
  return [
    namespace(space),
    definition({
      group: group(suffix),
      kind: 'ScaledObject',
      plural: 'scaledobjects',
      short: ['so'],
      versions: one(scaledSchema(false)),
    }),
    definition({
      group: group(suffix),
      kind: 'ScaledJob',
      plural: 'scaledjobs',
      short: ['sj'],
      versions: one(scaledSchema(true)),
    }),
    definition({
      group: group(suffix),
      kind: 'TriggerAuthentication',
      plural: 'triggerauthentications',
      short: ['ta'],
      versions: [{ name: 'v1alpha1', schema: authentication }],
    }),
    definition({
      group: group(suffix),
      kind: 'ClusterTriggerAuthentication',
      plural: 'clustertriggerauthentications',
      scope: 'Cluster',
      short: ['cta'],
      versions: [{ name: 'v1alpha1', schema: authentication }],
    }),
    serviceAccount(space, 'operator'),
    clusterRole(`${space}-operator`, [
      { apiGroups: ['*'], resources: ['*/scale'], verbs: ['get', 'list', 'patch', 'update', 'watch'] },
      { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: ['*'] },
    ]),
    clusterRoleBinding(space, `${space}-operator`),
    reader,
    ...['operator', 'metrics'].flatMap(name => [service(space, name), deployment(space, name)]),
    webhook(space, 'validate-scaled', targets, {
      failurePolicy: 'Ignore',
      timeoutSeconds: 1,
      matchConditions: [
        { name: 'changed', expression: "request.operation == 'CREATE' || object.spec != oldObject.spec" },
      ],
    }),
  ];
}

function samples(suffix: string): Sample[] {
  const make = (kind: string, name: string, spec: object): Manifest => ({
    ...{ apiVersion: `${group(suffix)}/v1alpha1`, kind, metadata: { name, namespace: 'unchecked' } as never, spec },
  });
  const triggers = [
    { type: 'cpu', metadata: { value: '50' } },
    { type: 'queue', metadata: { length: '5' }, authenticationRef: { name: 'queue' } },
  ];
  const behavior = {
    scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
  };
  const job = {
    template: {
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 1 }] }] },
    },
    parallelism: 1,
  };
  return [
    {
      manifest: make('ScaledObject', 'web', {
        scaleTargetRef: { name: 'web' },
        minReplicaCount: 0,
        maxReplicaCount: 9,
        triggers,
        advanced: { horizontalPodAutoscalerConfig: { behavior } },
        fallback: { failureThreshold: 3, replicas: 2 },
      }),
      defaulted: { spec: { fallback: { behavior: 'static' } } },
      row: /^web\s+web\s+0\s+9\s+cpu\s+\d+s$/m,
    },
    {
      manifest: make('ScaledJob', 'work', { jobTargetRef: job, triggers }),
      defaulted: { spec: { jobTargetRef: { template: { spec: { containers: [{ ports: [{ protocol: 'TCP' }] }] } } } } },
    },
    {
      manifest: make('ScaledObject', 'nothing', { scaleTargetRef: {}, triggers: [{ type: 'cpu' }] }),
      refused: /spec\.scaleTargetRef\.name: Required value[\s\S]*spec\.triggers\[0\]\.metadata: Required value/,
    },
    {
      manifest: make('ScaledObject', 'typed', {
        scaleTargetRef: { name: 'x' },
        triggers: [{ type: 'cpu', metadata: { value: 50 } }],
      }),
      refused:
        /spec\.triggers\[0\]\.metadata\.value: Invalid value: "integer": spec\.triggers\[0\]\.metadata\.value in body must be of type string: "integer"/,
    },
    {
      manifest: make('TriggerAuthentication', 'queue', { podIdentity: { provider: 'magic' } }),
      refused:
        /spec\.podIdentity\.provider: Unsupported value: "magic": supported values: "azure-workload", "aws", "gcp", "none"/,
    },
  ];
}

/** A whole job inside a schema, columns of lists, a webhook that may fail and is only asked of changes. */
export const autoscaling: Platform = {
  ...{ name: 'autoscaling', like: 'keda', manifests, samples },
  explain: [{ path: 'scaledobjects.spec.fallback', says: /failureThreshold\t<integer> -required-/ }],
};
