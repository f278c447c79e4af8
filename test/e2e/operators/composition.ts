import type { Manifest } from '../manifests.ts';
import {
  age,
  clusterRole,
  clusterRoleBinding,
  definition,
  deployment,
  namespace,
  priorityClass,
  ready,
  serviceAccount,
} from './parts.ts';
import type { Platform, Sample } from './platform.ts';
import {
  conditions,
  createTypeSchemas,
  documented,
  flag,
  list,
  listMap,
  object,
  type Schema,
  text,
  whole,
} from './schema.ts';
import { createSentences } from './words.ts';

const group = (suffix: string) => `composition-${suffix}.example.com`;

/** What is defined is itself a definition, whose schema is kept as it is. */
function definitionSchema(): Schema {
  const names = object(
    {
      kind: text(),
      plural: text(),
      shortNames: list(text(), { 'x-kubernetes-list-type': 'atomic' }),
      categories: list(text()),
    },
    { required: ['kind', 'plural'] },
  );
  const version = object(
    {
      ...{ name: text(), served: flag(), referenceable: flag(), deprecated: flag() },
      schema: object({ openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }),
      additionalPrinterColumns: list(
        object({ name: text(), type: text(), jsonPath: text() }, { required: ['jsonPath', 'name', 'type'] }),
      ),
    },
    { required: ['name', 'referenceable', 'served'] },
  );
  const immutable = (field: string) => ({
    rule: `self.${field} == oldSelf.${field}`,
    message: `${field} is immutable`,
    fieldPath: `.${field}`,
  });
  const spec = object(
    {
      ...{
        group: text(),
        names,
        scope: text({ enum: ['LegacyCluster', 'Namespaced', 'Cluster'], default: 'Namespaced' }),
      },
      defaultCompositionRef: object({ name: text() }, { required: ['name'] }),
      versions: list(version, { minItems: 1, maxItems: 16 }),
    },
    { required: ['group', 'names', 'versions'], 'x-kubernetes-validations': [immutable('group'), immutable('names')] },
  );
  return object({
    spec,
    status: object({
      conditions: conditions(),
      controllers: object({ compositeResourceType: object({ apiVersion: text(), kind: text() }) }),
    }),
  });
}

function compositionSchema(): Schema {
  const resource: Schema = {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    'x-kubernetes-preserve-unknown-fields': true,
  };
  const step = object(
    {
      ...{ step: text({ maxLength: 63 }), functionRef: object({ name: text() }, { required: ['name'] }) },
      input: resource,
      credentials: listMap(
        ['name'],
        object(
          {
            name: text(),
            source: text({ enum: ['None', 'Secret'] }),
            secretRef: object({ name: text(), namespace: text() }),
          },
          {
            required: ['name', 'source'],
            'x-kubernetes-validations': [
              {
                rule: "self.source == 'Secret' && has(self.secretRef) || self.source != 'Secret'",
                message: 'the Secret source requires a secretRef',
              },
            ],
          },
        ),
        { maxItems: 8 },
      ),
    },
    { required: ['functionRef', 'step'] },
  );
  const spec = object(
    {
      compositeTypeRef: object(
        { apiVersion: text(), kind: text() },
        {
          required: ['apiVersion', 'kind'],
          'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'Value is immutable' }],
        },
      ),
      mode: text({ enum: ['Pipeline'], default: 'Pipeline' }),
      pipeline: listMap(['step'], step, { minItems: 1, maxItems: 99 }),
      replicas: whole({
        minimum: 0,
        'x-kubernetes-validations': [
          {
            rule: '!oldSelf.hasValue() || self >= oldSelf.value()',
            optionalOldSelf: true,
            messageExpression: "'replicas may only grow, from %d, not shrink to %d'.format([oldSelf.orValue(0), self])",
          },
        ],
      }),
      regions: list(text(), { 'x-kubernetes-list-type': 'set', maxItems: 20 }),
      limits: {
        type: 'object',
        additionalProperties: { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
        maxProperties: 8,
      },
    },
    { required: ['compositeTypeRef'] },
  );
  return object({ spec });
}

/** How a package is run: a deployment, an account and a service, of which everything may be set. */
function runtimeSchema(): Schema {
  const typeOf = createTypeSchemas(createSentences(71, 14));
  const metadata = object({
    name: text(),
    labels: { type: 'object', additionalProperties: text() },
    annotations: { type: 'object', additionalProperties: text() },
  });
  return object({
    spec: object({
      deploymentTemplate: object({ metadata, spec: typeOf('io.k8s.api.apps.v1.DeploymentSpec') }),
      serviceAccountTemplate: object({ metadata }),
      serviceTemplate: object({ metadata }),
    }),
  });
}

function manifests(suffix: string): Manifest[] {
  const space = `composition-${suffix}`;
  const columns = [
    { name: 'Established', type: 'string', jsonPath: '.status.conditions[?(@.type=="Established")].status' },
    ready,
    age,
  ];
  const say = createSentences(72, 30);
  const of = (kind: string, plural: string, schema: Schema) =>
    definition({
      group: group(suffix),
      kind,
      plural,
      scope: 'Cluster',
      categories: ['composition'],
      versions: [{ name: 'v1', schema: documented(schema, say), columns }],
    });
  const seats: Manifest = {
    ...{ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'PriorityLevelConfiguration', metadata: { name: space } },
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 10,
        lendablePercent: 0,
        limitResponse: { type: 'Queue', queuing: { queues: 16, handSize: 4, queueLengthLimit: 50 } },
      },
    },
  };
  const flow: Manifest = {
    ...{ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name: space } },
    spec: {
      ...{
        matchingPrecedence: 9000,
        priorityLevelConfiguration: { name: space },
        distinguisherMethod: { type: 'ByUser' },
      },
      rules: [
        {
          subjects: [{ kind: 'ServiceAccount', serviceAccount: { name: 'core', namespace: space } }],
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
        },
      ],
    },
  };
  return [
    namespace(space),
    of('CompositeDefinition', 'compositedefinitions', definitionSchema()),
    of('Composition', 'compositions', compositionSchema()),
    of('RuntimeConfig', 'runtimeconfigs', runtimeSchema()),
    serviceAccount(space, 'core'),
    clusterRole(`${space}-core`, [
      { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], verbs: ['*'] },
    ]),
    clusterRoleBinding(space, `${space}-core`),
    priorityClass(space),
    ...[seats, flow],
    deployment(space, 'core'),
  ];
}

function samples(suffix: string): Sample[] {
  const make = (kind: string, name: string, spec: object): Manifest => ({
    apiVersion: `${group(suffix)}/v1`,
    kind,
    metadata: { name },
    spec,
  });
  const openAPIV3Schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: { size: { type: 'integer', default: 1 } },
        'x-kubernetes-validations': [{ rule: 'self.size > 0' }],
      },
    },
  };
  const versions = [{ name: 'v1', served: true, referenceable: true, schema: { openAPIV3Schema } }];
  const input = {
    apiVersion: 'pt.example.com/v1beta1',
    kind: 'Resources',
    resources: [
      { name: 'bucket', base: { apiVersion: 's3.example.com/v1', kind: 'Bucket', spec: { list: [null, { a: [] }] } } },
    ],
  };
  const pipeline = [
    { step: 'patch', functionRef: { name: 'patch' }, input, credentials: [{ name: 'none', source: 'None' }] },
  ];
  const compositeTypeRef = { apiVersion: 'example.com/v1', kind: 'XBucket' };
  return [
    {
      manifest: make('CompositeDefinition', 'xbuckets.example.com', {
        group: 'example.com',
        names: { kind: 'XBucket', plural: 'xbuckets' },
        versions,
      }),
      defaulted: { spec: { scope: 'Namespaced' } },
      patches: [
        {
          patch: { spec: { names: { plural: 'others' } } },
          refused: /spec\.names: Invalid value: .*names is immutable/,
        },
      ],
    },
    {
      manifest: make('Composition', 'buckets', {
        compositeTypeRef,
        pipeline,
        replicas: 2,
        regions: ['a', 'b'],
        limits: { cpu: 2, memory: '1Gi' },
      }),
      defaulted: { spec: { mode: 'Pipeline' } },
      patches: [
        { patch: { spec: { replicas: 3 } } },
        {
          patch: { spec: { replicas: 1 } },
          refused: /spec\.replicas: Invalid value: 1: replicas may only grow, from 3, not shrink to 1/,
        },
        { patch: { spec: { regions: ['a', 'a'] } }, refused: /spec\.regions\[1\]: Duplicate value: "a"/ },
        {
          patch: { spec: { compositeTypeRef: { kind: 'Y' } } },
          refused: /spec\.compositeTypeRef: Invalid value: .*Value is immutable/,
        },
      ],
    },
    {
      manifest: make('Composition', 'bare', {
        compositeTypeRef,
        pipeline: [{ ...pipeline[0], input: { some: 'thing' } }],
      }),
      refused:
        /spec\.pipeline\[0\]\.input\.apiVersion: Required value\n[\s\S]*spec\.pipeline\[0\]\.input\.kind: Required value\n/,
    },
    {
      manifest: make('Composition', 'secret', {
        compositeTypeRef,
        pipeline: [{ ...pipeline[0], credentials: [{ name: 's', source: 'Secret' }] }],
      }),
      refused: /spec\.pipeline\[0\]\.credentials\[0\]: Invalid value: .*the Secret source requires a secretRef/,
    },
    {
      manifest: make('Composition', 'steps', { compositeTypeRef, pipeline: [pipeline[0], pipeline[0]] }),
      refused: /spec\.pipeline\[1\]: Duplicate value/,
    },
    {
      manifest: make('RuntimeConfig', 'lean', {
        deploymentTemplate: {
          metadata: { labels: { lean: 'yes' } },
          spec: {
            replicas: 1,
            selector: {},
            template: { spec: { containers: [{ name: 'runtime', ports: [{ containerPort: 8080 }] }] } },
          },
        },
        serviceTemplate: { metadata: { annotations: {} } },
      }),
      defaulted: {
        spec: {
          deploymentTemplate: { spec: { template: { spec: { containers: [{ ports: [{ protocol: 'TCP' }] }] } } } },
        },
      },
    },
  ];
}

/** Schemas in a schema, whole resources in a field, rules that look back, a level of its own for its requests. */
export const composition: Platform = {
  ...{ name: 'composition', like: 'crossplane', manifests, samples },
  explain: [
    { path: 'compositions.spec.pipeline', says: /FIELD: pipeline <\[\]Object>[\s\S]*functionRef\t<Object> -required-/ },
  ],
};
