import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { createRandom } from '#base';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { createTestCertificates } from '#wire/testing';
import type { Attributes } from '../access.ts';
import { DocumentError } from '../document.ts';
import { createWebhookClient } from '../webhook/index.ts';
import { type Answer, startTestWebhook } from '../webhook/testing.ts';
import { createAskWebhook } from './ask-webhook.ts';
import { parseAuthorizationConfig, type WebhookSpec } from './authorization-config.ts';
import { createAuthorization } from './authorize.ts';
import { createFakeReader } from './testing.ts';
import { createTokenWebhook } from './token-webhook.ts';
import { createWebhookAuthorizer } from './webhook-authorizer.ts';

let tls: Awaited<ReturnType<typeof createTestCertificates>>['tls'];
before(async () => {
  ({ tls } = await createTestCertificates());
});

async function open(answer: Answer) {
  const webhook = await startTestWebhook(tls, answer);
  const clock = createFakeClock();
  const client = createWebhookClient({ reader: createFakeReader(), clock, random: createRandom() });
  const ask = createAskWebhook({ url: `${webhook.url}/review`, ca: tls.ca, token: 'secret' }, { client, clock });
  return {
    ...{ webhook, clock, ask, received: webhook.received },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await webhook[Symbol.asyncDispose]();
    },
  };
}

test('a token webhook is asked once for a token while its answer is kept', async () => {
  const user = { username: 'jane', uid: '7', groups: ['a'], extra: { x: ['y'] } };
  await using fixture = await open(({ body }) => ({
    ...body,
    status: body.spec.token === 'good' ? { authenticated: true, user } : { authenticated: false },
  }));
  const { ask, clock, received } = fixture;
  const tokens = createTokenWebhook({ ask, audiences: ['own'], cacheMs: 120_000, clock });
  const [first, second] = await Promise.all([tokens('good'), tokens('good')]);
  assert.deepEqual(first?.user, { name: 'jane', uid: '7', groups: ['a'], extra: { x: ['y'] } });
  assert.deepEqual(second, first);
  assert.equal(await tokens('bad'), undefined);
  await tokens('good');
  await tokens('bad');
  assert.equal(received.length, 2);
  assert.equal(received[0]!.path, '/review');
  assert.equal(received[0]!.headers['authorization'], 'Bearer secret');
  assert.deepEqual(received[0]!.body.spec, { token: 'good', audiences: ['own'] });
  await clock.advance(121_000);
  await tokens('good');
  assert.equal(received.length, 3);
  await tokens('good', ['other']);
  assert.deepEqual(received[3]!.body.spec.audiences, ['other']);
});

test('what a token webhook says is wrong is an error, and audiences that it does not name are not there', async () => {
  await using fixture = await open(({ body }) => {
    if (body.spec.token === 'old') return { status: { error: 'too old' } };
    return { status: { authenticated: true, user: { username: 'x' }, audiences: ['b', 'c'] } };
  });
  const tokens = createTokenWebhook({ ask: fixture.ask, audiences: ['a'], cacheMs: 0, clock: fixture.clock });
  await assert.rejects(tokens('old'), /too old/);
  assert.equal(await tokens('new'), undefined);
  assert.deepEqual((await tokens('new', ['a', 'b']))?.audiences, ['b']);
});

test('a webhook with trouble is asked again', async () => {
  let calls = 0;
  await using fixture = await open((_call, response) => {
    if (++calls < 3) return void response.writeHead(500).end();
    return { status: { authenticated: true, user: { username: 'jane' } } };
  });
  const tokens = createTokenWebhook({ ask: fixture.ask, audiences: ['a'], cacheMs: 0, clock: fixture.clock });
  const answer = tokens('x');
  const done = answer.then(() => true);
  while (!(await Promise.race([done, new Promise(resolve => setImmediate(resolve, false))])))
    await fixture.clock.advance(100);
  assert.equal((await answer)?.user.name, 'jane');
  assert.equal(calls, 3);
});

const jane = { name: 'jane', groups: ['dev'], uid: '7' };
const list: Attributes = {
  ...{
    user: jane,
    verb: 'list',
    group: '',
    version: 'v1',
    resource: 'pods',
    subresource: '',
    namespace: 'team',
    name: '',
  },
  ...{ fieldSelector: 'spec.nodeName=n1,status.phase!=Failed', labelSelector: 'app in (a,b),!old,new' },
};

const webhookSpec = (rest: object): WebhookSpec => {
  const webhook = {
    ...{
      authorizedTTL: '5m',
      unauthorizedTTL: '30s',
      timeout: '3s',
      subjectAccessReviewVersion: 'v1',
      failurePolicy: 'NoOpinion',
    },
    connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/x' },
    ...rest,
  };
  const [found] = parse({ authorizers: [{ type: 'Webhook', name: 'w', webhook }] });
  assert.ok(found?.type === 'Webhook');
  return found.webhook;
};

function parse(value: object) {
  const envelope = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration' };
  return parseAuthorizationConfig('authz.yaml', JSON.stringify({ ...envelope, ...value }));
}

test('an authorization webhook is told all about a request, selectors too, and its answers are kept', async () => {
  await using fixture = await open(({ body }) => {
    const { verb } = body.spec.resourceAttributes ?? body.spec.nonResourceAttributes;
    const status =
      verb === 'list' ? { allowed: true, reason: 'why not' } : { allowed: false, denied: verb === 'delete' };
    return { status };
  });
  const { ask, clock, received } = fixture;
  const options = { name: 'w', ask, ...webhookSpec({}) };
  const authorize = createWebhookAuthorizer(options, { clock, log: createRecordingLog() });
  assert.deepEqual(await authorize(list), { verdict: 'allow', reason: 'why not' });
  assert.deepEqual(received[0]!.body.spec, {
    resourceAttributes: {
      ...{ namespace: 'team', verb: 'list', version: 'v1', resource: 'pods' },
      fieldSelector: {
        requirements: [
          { key: 'spec.nodeName', operator: 'In', values: ['n1'] },
          { key: 'status.phase', operator: 'NotIn', values: ['Failed'] },
        ],
      },
      labelSelector: {
        requirements: [
          { key: 'app', operator: 'In', values: ['a', 'b'] },
          { key: 'old', operator: 'DoesNotExist' },
          { key: 'new', operator: 'Exists' },
        ],
      },
    },
    ...{ user: 'jane', groups: ['dev'], uid: '7' },
  });
  assert.equal((await authorize({ ...list, verb: 'delete' })).verdict, 'deny');
  assert.equal((await authorize({ user: jane, verb: 'get', path: '/x' })).verdict, 'no-opinion');
  assert.deepEqual(received[2]!.body.spec.nonResourceAttributes, { path: '/x', verb: 'get' });
  await authorize(list);
  await authorize({ ...list, verb: 'delete' });
  assert.equal(received.length, 3);
  await clock.advance(31_000);
  await authorize(list);
  await authorize({ ...list, verb: 'delete' });
  assert.equal(received.length, 4);
});

test('conditions keep requests from a webhook, and its failure is decided by the policy', async () => {
  await using fixture = await open((_call, response) => void response.writeHead(400).end());
  const { ask, clock, received } = fixture;
  const open2 = (rest: object) =>
    createWebhookAuthorizer({ name: 'w', ask, ...webhookSpec(rest) }, { clock, log: createRecordingLog() });
  const matchConditions = [
    { expression: 'has(request.resourceAttributes)' },
    { expression: "request.resourceAttributes.namespace != 'team'" },
  ];
  const conditional = open2({ matchConditionSubjectAccessReviewVersion: 'v1', matchConditions });
  assert.equal((await conditional(list)).verdict, 'no-opinion');
  assert.equal((await conditional({ user: jane, verb: 'get', path: '/x' })).verdict, 'no-opinion');
  assert.equal(received.length, 0);
  assert.equal((await conditional({ ...list, namespace: 'other' })).verdict, 'no-opinion');
  assert.equal(received.length, 1);
  assert.equal((await open2({ failurePolicy: 'Deny' })(list)).verdict, 'deny');
});

test('the order is that of the configuration, behind the superusers', async () => {
  const asked: string[] = [];
  const webhook = async ({ verb }: Attributes) => {
    asked.push(verb);
    return { verdict: verb === 'delete' ? ('deny' as const) : ('no-opinion' as const), reason: 'webhook' };
  };
  using authorization = createAuthorization(createFakeReader(), () => [webhook, 'Node', 'RBAC']);
  const { authorize } = authorization;
  assert.deepEqual(await authorize({ ...list, user: { name: 'root', groups: ['system:masters'] } }), {
    verdict: 'allow',
    reason: '',
  });
  assert.deepEqual(asked, []);
  assert.equal((await authorize({ ...list, verb: 'delete' })).verdict, 'deny');
  assert.deepEqual(await authorize(list), { verdict: 'no-opinion', reason: 'webhook' });
});

const wrong: readonly (readonly [object, RegExp])[] = [
  [{ authorizers: [] }, /authorizers: at least one/],
  [{ authorizers: [{ type: 'ABAC', name: 'x' }] }, /authorizers\[0\]\.type: must be one of Webhook, Node, RBAC/],
  [
    {
      authorizers: [
        { type: 'RBAC', name: 'x' },
        { type: 'Node', name: 'x' },
      ],
    },
    /used twice/,
  ],
  [
    {
      authorizers: [
        { type: 'RBAC', name: 'x' },
        { type: 'RBAC', name: 'y' },
      ],
    },
    /allowed once/,
  ],
  [{ authorizers: [{ type: 'Webhook', name: 'x' }] }, /webhook: is required/],
];

test('an AuthorizationConfiguration that is wrong is refused with the field that is', () => {
  for (const [value, expected] of wrong) {
    const isExpected = (error: unknown) => error instanceof DocumentError && expected.test(error.message);
    assert.throws(() => parse(value), isExpected, JSON.stringify(value));
  }
  assert.throws(() => webhookSpec({ timeout: '40s' }), /timeout: must be greater than 0 and at most 30s/);
  assert.throws(() => webhookSpec({ failurePolicy: 'Allow' }), /failurePolicy: must be one of NoOpinion, Deny/);
  const matchConditions = [{ expression: 'request.nothing' }];
  assert.throws(
    () => webhookSpec({ matchConditionSubjectAccessReviewVersion: 'v1', matchConditions }),
    /matchConditions\[0\]\.expression: compilation failed/,
  );
});
