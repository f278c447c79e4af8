/** Large objects that policies and webhooks change. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createTestCertificates } from '#wire/testing';
import type { Call } from './fixture.ts';
import type { StallCase } from './stall-cases.ts';
import {
  custom,
  customPath,
  deep,
  definition,
  definitions,
  group,
  many,
  openSchema,
  post,
  times,
} from './stall-cases.ts';

const admissionPath = '/apis/admissionregistration.k8s.io/v1';

const layLabel = {
  patchType: 'ApplyConfiguration',
  applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"added": "yes"}}}' },
};
const patchLabel = {
  patchType: 'JSONPatch',
  jsonPatch: { expression: '[JSONPatch{op: "add", path: "/metadata/labels", value: {"added": "yes"}}]' },
};

/** A policy about every object of the kind. */
function mutatingPolicy(plural: string, mutation: object): Call[] {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const resourceRules = [{ apiGroups: [group], apiVersions: ['v1'], operations: ['CREATE'], resources: [plural] }];
  const policy = {
    apiVersion,
    kind: 'MutatingAdmissionPolicy',
    metadata: { name: plural },
    spec: {
      matchConstraints: { resourceRules },
      reinvocationPolicy: 'Never',
      mutations: [mutation],
    },
  };
  const binding = {
    apiVersion,
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name: plural },
    spec: { policyName: plural },
  };
  return [
    post(`${admissionPath}/mutatingadmissionpolicies`, policy),
    post(`${admissionPath}/mutatingadmissionpolicybindings`, binding),
  ];
}

/** A webhook on loopback that answers about each object of the kind with the patch; `call` makes it known. */
export async function startMutatingWebhook(
  plural: string,
  operations: readonly object[],
): Promise<AsyncDisposable & { call: Call }> {
  const { tls } = await createTestCertificates();
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  const server = createServer(tls, async (request, response) => {
    const { apiVersion, kind, request: asked } = (await json(request)) as Review;
    const verdict = { uid: asked.uid, allowed: true, patch, patchType: 'JSONPatch' };
    response.end(JSON.stringify({ apiVersion, kind, response: verdict }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clientConfig = { url, caBundle: Buffer.from(tls.ca).toString('base64') };
  const rules = [{ apiGroups: [group], apiVersions: ['v1'], operations: ['CREATE'], resources: [plural] }];
  const common = { sideEffects: 'None', admissionReviewVersions: ['v1'], reinvocationPolicy: 'IfNeeded' };
  const configuration = {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' },
    metadata: { name: plural },
    webhooks: [{ name: `${plural}.stall.example.com`, clientConfig, rules, ...common }],
  };
  return {
    call: post(`${admissionPath}/mutatingwebhookconfigurations`, configuration),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

interface Review {
  apiVersion: string;
  kind: string;
  request: { uid: string };
}

export const mutationCases: readonly StallCase[] = [
  {
    name: 'a mutating policy that lays something over a custom resource of 2.9 MB with 72,000 fields',
    before: [post(definitions, definition('mutated', openSchema)), ...mutatingPolicy('mutated', layLabel)],
    ready: customPath('mutated'),
    call: custom('mutated', { data: many(2_900_000) }),
    status: 201,
  },
  {
    name: 'a mutating policy that patches 2.9 MB in small objects',
    before: [post(definitions, definition('repaired', openSchema)), ...mutatingPolicy('repaired', patchLabel)],
    ready: customPath('repaired'),
    call: custom('repaired', { list: times(140_000, index => ({ a: index, b: [] })) }),
    status: 201,
  },
  {
    name: 'a mutating policy about 9,000 levels of lists',
    call: {
      ...custom('mutated', {}),
      body: `{"apiVersion":"${group}/v1","kind":"Mutated","metadata":{"name":"deep"},"spec":{"a":${deep(9000, '[', '1', ']')}}}`,
    },
    status: 201,
  },
];

/** Of a kind that a webhook changes. */
export const hookedCases: readonly StallCase[] = [
  {
    name: 'a webhook about a custom resource of 2.9 MB with 72,000 fields, which adds as many',
    ready: customPath('hooked'),
    call: custom('hooked', { data: many(2_900_000) }),
    status: [201, 413],
  },
];

export const hooked = {
  definition: post(definitions, definition('hooked', openSchema)),
  plural: 'hooked',
  operations: [
    { op: 'add', path: '/spec/more', value: many(1_400_000) },
    { op: 'add', path: '/metadata/labels', value: { added: 'yes' } },
  ],
};
