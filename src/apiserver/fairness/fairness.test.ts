import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeClock } from '#base/testing';
import { createClient, createHandlerTransport } from '#client';
import type { Request } from '#wire';
import { startTestApiServer, type TestServer } from '../testing.ts';
import { bootstrapLevels, bootstrapSchemas } from './bootstrap-objects.ts';
import { startFairnessObjects } from './objects.ts';

const admin = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };

async function setUp() {
  const clock = createFakeClock();
  const test = await startTestApiServer({ clock });
  const client = createClient({
    transport: createHandlerTransport(test.handler, admin),
    userAgent: 'test',
    fieldManager: 'test',
  });
  const objects = await startFairnessObjects({ reader: test.server.reader, writer: client, clock, log: test.log });
  return {
    ...{ test, clock },
    async [Symbol.asyncDispose]() {
      await objects[Symbol.asyncDispose]();
      await test[Symbol.asyncDispose]();
    },
  };
}

const group = '/apis/flowcontrol.apiserver.k8s.io/v1';
const schemaPath = (name: string) => `${group}/flowschemas/${name}`;

test('the bootstrap objects are made, are stable, and know that their levels exist', async () => {
  await using set = await setUp();
  const { json } = await set.test.call('GET', `${group}/flowschemas`);
  assert.equal(json.items.length, bootstrapSchemas.length);
  for (const { metadata, status } of json.items) {
    assert.equal(metadata.annotations['apf.kubernetes.io/autoupdate-spec'], 'true');
    assert.equal(metadata.generation, 1, `${metadata.name} was written twice`);
    assert.equal(status.conditions[0].type, 'Dangling');
    assert.equal(status.conditions[0].status, 'False');
    assert.match(
      status.conditions[0].message,
      /^This FlowSchema references the PriorityLevelConfiguration object named ".+" and it exists$/,
    );
  }
  const levels = await set.test.call('GET', `${group}/prioritylevelconfigurations`);
  assert.equal(levels.json.items.length, bootstrapLevels.length);
  assert.deepEqual(
    set.test.log.records.filter(({ level }) => level === 'warn'),
    [],
  );
});

test('a mandatory object that is deleted comes back; a suggested one stays as its annotation says', async () => {
  await using set = await setUp();
  const { test } = set;
  const edit = async (name: string, auto: string) => {
    const { json } = await test.call('GET', schemaPath(name));
    json.spec.matchingPrecedence = 7777;
    json.metadata.annotations['apf.kubernetes.io/autoupdate-spec'] = auto;
    assert.equal((await test.call('PUT', schemaPath(name), { body: json })).status, 200);
  };
  await edit('service-accounts', 'false');
  await edit('global-default', 'true');
  await test.call('DELETE', schemaPath('exempt'));
  await test.call('DELETE', schemaPath('catch-all'));
  await set.clock.advance(1000);
  await set.clock.advance(1000);
  const precedence = async (name: string) => (await test.call('GET', schemaPath(name))).json.spec.matchingPrecedence;
  assert.equal(await precedence('catch-all'), 10_000);
  assert.equal(await precedence('service-accounts'), 7777);
  assert.equal(await precedence('global-default'), 9900);
  assert.equal(await precedence('exempt'), 1);
});

test("the shares of the exempt level are the administrator's, the rest of the mandatory objects is not", async () => {
  await using set = await setUp();
  const { test } = set;
  const path = `${group}/prioritylevelconfigurations/exempt`;
  const patch = (at: string, spec: unknown) => {
    return test.call('PATCH', at, { body: { spec }, headers: { 'content-type': 'application/merge-patch+json' } });
  };
  assert.equal((await patch(path, { exempt: { nominalConcurrencyShares: 3 } })).status, 200);
  const refused = await patch(schemaPath('catch-all'), { matchingPrecedence: 7777 });
  assert.equal(refused.status, 422);
  assert.match(refused.json.message, /spec of 'catch-all' must equal the fixed value$/);
  await set.clock.advance(1000);
  await set.clock.advance(1000);
  assert.equal((await test.call('GET', path)).json.spec.exempt.nominalConcurrencyShares, 3);
});

test('a schema whose level does not exist is dangling, and is not used', async () => {
  await using set = await setUp();
  const { test } = set;
  await test.call('POST', `${group}/flowschemas`, { body: schemaFor('lost', 'nowhere') });
  await set.clock.advance(1000);
  const { json } = await test.call('GET', schemaPath('lost'));
  assert.deepEqual(
    [json.status.conditions[0].status, json.status.conditions[0].reason, json.status.conditions[0].message],
    [
      'True',
      'NotFound',
      'This FlowSchema references the PriorityLevelConfiguration object named "nowhere" but there is no such object',
    ],
  );
  const answer = await ask(test, 'lost');
  const { metadata } = (await test.call('GET', schemaPath('global-default'))).json;
  assert.equal(answer.headers['x-kubernetes-pf-flowschema-uid'], metadata.uid);
});

test('a level that does not queue answers 429 with Retry-After past its seats, and others go on', async () => {
  await using set = await setUp();
  const { test } = set;
  await test.call('POST', `${group}/prioritylevelconfigurations`, { body: tinyLevel });
  await test.call('POST', `${group}/flowschemas`, { body: schemaFor('tenant', 'tiny') });
  const uid = (await test.call('GET', schemaPath('tenant'))).json.metadata.uid;
  const body = Promise.withResolvers<Uint8Array>();
  const slow = Array.from({ length: 3 }, () => ask(test, 'tenant', body.promise));
  const settled = await Promise.race(slow);
  assert.equal(settled.status, 429);
  assert.equal(settled.headers['retry-after'], '1');
  assert.equal(settled.headers['x-kubernetes-pf-flowschema-uid'], uid);
  assert.equal(String(settled.body), 'Too many requests, please try again later.\n');
  assert.equal((await ask(test, 'somebody')).status, 200);
  body.resolve(Buffer.from(JSON.stringify({ metadata: { generateName: 'a-' } })));
  const codes = (await Promise.all(slow)).map(({ status }) => status).sort();
  assert.deepEqual(codes, [201, 429, 429]);
  assert.equal((await ask(test, 'tenant')).status, 200);
});

test('of 300 lists at once by one user and one by another, the other is not behind them', async () => {
  await using set = await setUp();
  const { test } = set;
  const order: string[] = [];
  const send = async (user: string) => {
    const { status } = await ask(test, user);
    if (status === 200) order.push(user);
  };
  const all = Array.from({ length: 300 }, () => send('flood'));
  all.push(send('quiet'));
  await Promise.all(all);
  const at = order.indexOf('quiet');
  assert.ok(at >= 0 && at < 120, `quiet was number ${at} of ${order.length}`);
});

const tinyLevel = {
  apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
  kind: 'PriorityLevelConfiguration',
  metadata: { name: 'tiny' },
  // Nothing may be borrowed: one seat.
  spec: {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
  },
};

function schemaFor(user: string, level: string) {
  return {
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
    kind: 'FlowSchema',
    metadata: { name: user },
    spec: {
      matchingPrecedence: 50,
      priorityLevelConfiguration: { name: level },
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: user } }],
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
        },
      ],
    },
  };
}

/** A request from outside by the user: a list of pods, or a create whose body comes when it comes. */
function ask(test: TestServer, user: string, body?: Promise<Uint8Array>) {
  const request: Request = {
    method: body ? 'POST' : 'GET',
    path: '/api/v1/namespaces/default/configmaps',
    search: '',
    headers: { 'content-type': 'application/json' },
    body: () => body ?? Promise.resolve(new Uint8Array()),
    async *stream() {},
    signal: new AbortController().signal,
    peer: { address: '10.0.0.1', user: { name: user, groups: ['system:authenticated'] } },
  };
  return test.handler(request);
}
