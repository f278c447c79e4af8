/** test/e2e/apimachinery/field_validation.go says what is demanded. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import { define } from '../definitions.ts';
import type { Suite, World } from '../suite.ts';

const group = '[sig-api-machinery] FieldValidation should';

const deployment = (fields: string, metadata = '') => `{
  "apiVersion": "apps/v1", "kind": "Deployment",
  "metadata": { "name": "my-dep"${metadata} },
  "spec": {
    ${fields}
    "replicas": 0, "selector": { "matchLabels": { "app": "nginx" } },
    "template": { "metadata": { "labels": { "app": "nginx" } }, "spec": { "containers": [{ "name": "nginx", "image": "nginx" }] } }
  }
}`;

/** The message of a strict write that must be refused. */
async function refusal(world: World, path: string, body: string, status = 400): Promise<string> {
  const answer = await world.api.send({ method: 'POST', path: `${path}?fieldValidation=Strict`, body });
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  return answer.body.message;
}

const schema: Json = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        knownField1: { type: 'string' },
        cronSpec: { type: 'string', pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$' },
        ports: {
          type: 'array',
          'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
          'x-kubernetes-list-type': 'map',
          items: {
            type: 'object',
            required: ['containerPort', 'protocol'],
            properties: {
              containerPort: { type: 'integer', format: 'int32' },
              hostPort: { type: 'integer' },
              protocol: { type: 'string' },
            },
          },
        },
        embeddedObj: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          properties: { spec: { type: 'object' } },
        },
      },
    },
  },
};
const preserving: Json = {
  type: 'object',
  properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
};

/** `kubectl create` and `apply`, as users have it. */
async function kubectlApply(world: World, object: Json): Promise<{ status: number; stderr: string }> {
  const args = ['-n', world.namespace, 'apply', '--validate=true', '-f', '-'];
  return world.server.runKubectl(args, JSON.stringify(object));
}

export default function register({ conformance }: Suite): void {
  conformance(`${group} detect unknown and duplicate fields of a typed object`, async world => {
    const path = world.inNamespace('deployments', 'apps/v1');
    const body = deployment('"unknownField": "x", "paused": true, "paused": false,');
    assert.match(
      await refusal(world, path, body),
      /strict decoding error: (?=.*unknown field "spec\.unknownField")(?=.*duplicate field "spec\.paused")/,
    );
  });

  conformance(`${group} detect unknown metadata fields of a typed object`, async world => {
    const path = world.inNamespace('deployments', 'apps/v1');
    const body = deployment('', ', "unknownMeta": "unknown"');
    assert.match(await refusal(world, path, body), /strict decoding error: unknown field "metadata\.unknownMeta"/);
  });

  conformance(`${group} create/apply a CR with unknown fields for CRD with no validation schema`, async world => {
    const { object, collection } = await define(world, 'unchecked');
    const { status, stderr } = await kubectlApply(world, object('mytest', { a: { b: [{ c: 'd' }] } }));
    assert.equal(status, 0, stderr);
    assert.deepEqual((await world.api.get(`${collection()}/mytest`)).a, { b: [{ c: 'd' }] });
  });

  conformance(`${group} create/apply a valid CR for CRD with validation schema`, async world => {
    const { object } = await define(world, 'checked', { versions: { v1: schema } });
    const { status, stderr } = await kubectlApply(
      world,
      object('mytest', { spec: { knownField1: 'val1', cronSpec: '* * * * */2' } }),
    );
    assert.equal(status, 0, stderr);
  });

  conformance(
    `${group} create/apply an invalid CR with extra properties for CRD with validation schema`,
    async world => {
      const { object } = await define(world, 'checked', { versions: { v1: schema } });
      const { status, stderr } = await kubectlApply(world, object('mytest', { spec: { foo: 'bar' } }));
      assert.equal(status, 1);
      assert.match(stderr, /unknown field "spec\.foo"/);
    },
  );

  conformance(`${group} detect duplicates in a CR when preserving unknown fields`, async world => {
    const { object, collection } = await define(world, 'preserved', { versions: { v1: preserving } });
    const text = JSON.stringify(object('mytest', { spec: { knownField1: 'val1', unknown: 'u' } }));
    const body = text.replace('"unknown":"u"', '"unknown":"u","knownField1":"val2"');
    assert.match(
      await refusal(world, collection(), body),
      /strict decoding error: .*duplicate field "spec\.knownField1"/,
    );
  });

  conformance(`${group} detect unknown metadata fields in both the root and embedded object of a CR`, async world => {
    const { object, collection } = await define(world, 'embedded', { versions: { v1: schema } });
    const embeddedObj = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'my-cm', namespace: 'ns', unknownSubMeta: 'x' },
    };
    const body = object('mytest', { spec: { embeddedObj } });
    body.metadata.unknownMeta = 'x';
    const message = await refusal(world, collection(), JSON.stringify(body));
    assert.match(message, /strict decoding error: /);
    assert.match(message, /unknown field "metadata\.unknownMeta"/);
    assert.match(message, /unknown field "spec\.embeddedObj\.metadata\.unknownSubMeta"/);
  });
}
