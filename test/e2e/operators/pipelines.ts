import type { Manifest } from '../manifests.ts';
import {
  age,
  clusterRole,
  clusterRoleBinding,
  configMap,
  definition,
  deployment,
  leaderElection,
  service,
  serviceAccount,
  webhook,
} from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import { list, object, type Schema, text } from './schema.ts';

const group = (suffix: string) => `pipelines-${suffix}.example.com`;

/** Nothing is said but that it is an object: the webhook checks the rest. */
const open: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const typed = (): Schema =>
  object({
    spec: object(
      {
        steps: list(
          object({ name: text(), image: text(), script: text() }, { 'x-kubernetes-preserve-unknown-fields': true }),
          { 'x-kubernetes-list-type': 'atomic' },
        ),
        params: list(open),
      },
      { 'x-kubernetes-preserve-unknown-fields': true },
    ),
    status: open,
  });

function manifests(suffix: string): Manifest[] {
  const space = `pipelines-${suffix}`;
  const columns = [
    { name: 'Succeeded', type: 'string', jsonPath: '.status.conditions[?(@.type=="Succeeded")].status' },
    { name: 'StartTime', type: 'date', jsonPath: '.status.startTime' },
    age,
  ];
  // Both versions are alike but for their name until the webhook runs; it is only asked for the one that is not stored.
  const conversion = {
    strategy: 'Webhook',
    webhook: {
      conversionReviewVersions: ['v1beta1', 'v1'],
      clientConfig: { service: { name: 'webhook', namespace: space, path: '/', port: 443 } },
    },
  };
  const kinds = ['Task', 'Pipeline', 'TaskRun', 'PipelineRun'].map(kind =>
    definition({
      ...{ group: group(suffix), kind, plural: `${kind.toLowerCase()}s`, categories: ['pipelines'], conversion },
      ...(kind.endsWith('Run') ? { short: [kind === 'TaskRun' ? 'tr' : 'pr'] } : {}),
      versions: [
        { name: 'v1beta1', schema: open, columns, stored: false },
        { name: 'v1', schema: kind === 'Task' ? typed() : open, columns },
      ],
    }),
  );
  const autoscaler: Manifest = {
    ...{
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'webhook', namespace: space } as never,
    },
    spec: {
      ...{
        minReplicas: 1,
        maxReplicas: 5,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'webhook' },
      },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 100 } } },
      ],
    },
  };
  const certificates: Manifest = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'webhook-certs', namespace: space } as never,
    type: 'Opaque',
  };
  const example = `################################\n#                              #\n#    EXAMPLE CONFIGURATION     #\n#                              #\n################################\n${'# A line that explains what could be written here: "quoted", \'so\' and so on.\n'.repeat(200)}`;
  return [
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: space, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } as never,
    },
    clusterRole(`${space}-controller`, [
      {
        apiGroups: [''],
        resources: ['pods', 'pods/log', 'namespaces', 'persistentvolumeclaims'],
        verbs: ['get', 'list', 'create', 'update', 'delete', 'patch', 'watch'],
      },
      { apiGroups: ['policy'], resources: ['podsecuritypolicies'], resourceNames: ['pipelines'], verbs: ['use'] },
    ]),
    serviceAccount(space, `${space}-controller`),
    clusterRoleBinding(space, `${space}-controller`),
    ...leaderElection(space, `${space}-controller`),
    ...kinds,
    certificates,
    ...['defaults', 'logging', 'observability'].map(name => configMap(space, `config-${name}`, { _example: example })),
    configMap(space, 'feature-flags', {
      'disable-creds-init': 'false',
      'running-in-environment-with-injected-sidecars': 'true',
      'enable-api-fields': 'beta',
    }),
    ...['controller', 'webhook'].flatMap(name => [deployment(space, name), service(space, name)]),
    autoscaler,
    webhook(
      space,
      'validate-config',
      { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] },
      { objectSelector: { matchLabels: { 'config.example.com/checked': space } } },
    ),
    webhook(
      space,
      'default-tasks',
      { apiGroups: [group(suffix)], apiVersions: ['v1beta1'], resources: ['tasks'] },
      { namespaceSelector: { matchExpressions: [{ key: 'unchecked', operator: 'DoesNotExist' }] } },
    ),
  ];
}

function samples(suffix: string): Sample[] {
  const make = (kind: string, name: string, spec: object, version = 'v1'): Manifest => ({
    ...{
      apiVersion: `${group(suffix)}/${version}`,
      kind,
      metadata: { name, namespace: 'unchecked', annotations: { 'example.com/since': '0.1' } } as never,
      spec,
    },
  });
  const steps = [
    {
      name: 'build',
      image: 'make',
      script: '#!/bin/sh\nset -e\necho "$HOME" \\\n  && make\n',
      computeResources: { requests: { cpu: 1 } },
    },
  ];
  const params = [
    { name: 'who', type: 'string', default: 'world' },
    { name: 'list', type: 'array', default: [] },
    { name: 'empty', properties: {} },
  ];
  const tasks = [
    {
      name: 'build',
      taskRef: { name: 'build' },
      runAfter: [],
      matrix: { params: [{ name: 'x', value: ['a', 'b'] }] },
      when: [{ cel: "'a' == 'a'" }],
    },
  ];
  return [
    { manifest: make('Task', 'build', { steps, params, volumes: [{ name: 'v', emptyDir: {} }] }) },
    {
      manifest: make('Pipeline', 'all', { tasks, finally: [{ name: 'tell', taskSpec: { steps } }] }),
      patches: [{ patch: { spec: { tasks: [{ name: 'other' }], description: 'x' } } }],
    },
    {
      manifest: make('Task', 'text', { steps: 'none' }),
      refused: /spec\.steps: Invalid value: "string": spec\.steps in body must be of type array: "string"/,
    },
    {
      manifest: make('PipelineRun', 'old', { pipelineRef: { name: 'all' } }, 'v1beta1'),
      refused:
        /conversion webhook for pipelines-\w+\.example\.com\/v1beta1, Kind=PipelineRun failed: Post "https:\/\/webhook\.pipelines-\w+\.svc:443\/\?timeout=30s": no endpoints available for service "webhook"/,
    },
  ];
}

/** Schemas that say nothing, versions that only a webhook converts, settings with pages of comments. */
export const pipelines: Platform = {
  ...{ name: 'pipelines', like: 'tekton', manifests, samples },
  explain: [{ path: 'tasks.spec.steps', says: /FIELD: steps <\[\]Object>[\s\S]*script\t<string>/ }],
};
