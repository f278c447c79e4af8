/** The same through a whole API server: whatever comes, the answer is not its fault. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import type { RawRequest } from '#client';
import { createProtobufCodec } from '#wire';
import type { SecureApi } from '../api/fixture.ts';
import type { Target } from './engine.ts';

const json = (value: unknown) => JSON.stringify(value);
const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', labels: { x: 'y' } },
  data: { a: 'b' },
};
const deployment = {
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } },
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: {
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ name: 'c', image: 'd', ports: [{ containerPort: 1 }] }] },
    },
  },
};
const definition = {
  ...{
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
  },
  spec: {
    ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' } },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: { n: { type: 'integer' } },
                'x-kubernetes-validations': [{ rule: 'self.n > 1', message: 'more' }],
              },
            },
          },
        },
      },
    ],
  },
};
const policy = {
  ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'p' } },
  spec: {
    matchConstraints: {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    },
    validations: [{ expression: 'object.spec.containers.size() < 3' }],
  },
};

/** Each writes nothing: what is fine is only tried. */
export function serverTargets(api: SecureApi): Target[] {
  const client = api.controlPlane.clientOf(
    { name: 'fuzz', groups: ['system:masters', 'system:authenticated'] },
    'fuzz',
  );
  const ask = async (method: string, path: string, more: Pick<RawRequest, 'headers' | 'body'> = {}) => {
    const { status, body } = await client.raw({ method, path, ...more });
    let text = '';
    for await (const chunk of body) text += Buffer.from(chunk).toString();
    // An apply with a field that the schema does not have is an internal error upstream, too.
    const isKnown = status === 500 && text.includes('"failed to create typed patch object (');
    assert.ok(status < 500 || isKnown, `${status} ${text}`);
  };
  const send =
    (method: string, path: string, type: string): Target['run'] =>
    input =>
      ask(method, path, { headers: { 'content-type': type }, body: input });
  const maps = '/api/v1/namespaces/default/configmaps';
  const post = (name: string, path: string, objects: readonly object[]): Target => ({
    ...{ name, corpus: objects.map(json), refusals: [] },
    run: send('POST', `${path}?dryRun=All`, 'application/json'),
  });
  const protobuf = createProtobufCodec();
  const targets: Target[] = [
    post('bodies of built-in kinds', maps, [configMap]),
    post('definitions', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', [definition]),
    post('policies', '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies', [policy]),
    {
      name: 'bodies in protobuf',
      corpus: [protobuf.encode(configMap)],
      refusals: [],
      run: send('POST', `${maps}?dryRun=All`, 'application/vnd.kubernetes.protobuf'),
    },
    {
      name: 'server-side apply',
      corpus: [json(deployment)],
      refusals: [],
      run: send(
        'PATCH',
        '/apis/apps/v1/namespaces/default/deployments/a?fieldManager=f&dryRun=All',
        'application/apply-patch+yaml',
      ),
    },
    {
      name: 'paths',
      corpus: [
        `${maps}/a`,
        '/apis/apps/v1/deployments?limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ&labelSelector=a%3Db',
        '/api/v1/pods?watch=1&timeoutSeconds=1&resourceVersion=0',
      ],
      refusals: [],
      run: sendPath(path => ask('GET', path)),
    },
    { name: 'tokens', corpus: tokens(), refusals: [], run: sendToken(api) },
  ];
  // What is long goes to a thread, which has to start first, on a machine that has other things to do.
  return targets.map(one => ({ ...one, maxMs: 5000 }));
}

function sendPath(get: (path: string) => Promise<void>): Target['run'] {
  return input => {
    // What cannot stand in a request line is tried elsewhere; what streams has no end.
    const path = `/${input
      .toString('latin1')
      .replace(/[^\x21-\x7e]/g, '%')
      .replace(/^\/+/, '')}`.slice(0, 4000);
    return /watch|log|proxy|portforward|exec|attach/i.test(decodeLoosely(path)) ? undefined : get(path);
  };
}

function decodeLoosely(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function tokens(): string[] {
  const part = (value: object) => Buffer.from(json(value)).toString('base64url');
  const claims = {
    iss: 'https://kubernetes.default.svc.cluster.local',
    sub: 'system:serviceaccount:default:default',
    aud: ['https://kubernetes.default.svc.cluster.local'],
    exp: 9_999_999_999,
  };
  const sign = (head: object) => {
    const text = `${part(head)}.${part(claims)}`;
    return `${text}.${createHmac('sha256', 'key').update(text).digest('base64url')}`;
  };
  return [
    sign({ alg: 'HS256', typ: 'JWT' }),
    `${part({ alg: 'none' })}.${part(claims)}.`,
    sign({ alg: 'ES256', kid: 'x' }),
    'abcdef.0123456789abcdef',
    'K10abc::server:secret',
  ];
}

function sendToken(api: SecureApi): Target['run'] {
  return async input => {
    const token = input.toString('latin1').replace(/[^\x20-\x7e]/g, '?');
    const { status, text } = await api.send({ path: '/api/v1/namespaces', as: { token } });
    assert.ok(status === 401 || status === 400 || status === 403, `${status} ${text}`);
  };
}
