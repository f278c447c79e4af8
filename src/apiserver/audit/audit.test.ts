import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMeter, createSystemClock } from '#base';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { impersonate } from '../access/index.ts';
import { startTestApiServer } from '../testing.ts';
import type { AuditEvent } from './event.ts';
import { createLogSink } from './log-sink.ts';
import { parseAuditPolicy } from './policy.ts';
import { createWebhookSink } from './webhook-sink.ts';

async function setUp(rules: string, more = '') {
  const events: AuditEvent[] = [];
  const text = `apiVersion: audit.k8s.io/v1\nkind: Policy\n${more}\nrules:\n${rules}`;
  // Through JSON, as it is written.
  const sink = {
    accept: (event: AuditEvent) => void events.push(JSON.parse(JSON.stringify(event))),
    async [Symbol.asyncDispose]() {},
  };
  const server = await startTestApiServer({
    audit: { policy: parseAuditPolicy('p', text), sinks: [sink] },
    extend: () => ({
      impersonate,
      authenticate: async request => (request.headers['authorization'] ? undefined : request.peer.user),
      authorize: ({ user, verb }) => {
        if (user.name === 'crash') throw new Error('a mistake in the program');
        return user.groups.includes('system:masters') || verb === 'impersonate'
          ? { verdict: 'allow', reason: 'because' }
          : { verdict: 'no-opinion', reason: 'no rule' };
      },
    }),
  });
  return { server, events, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const maps = '/api/v1/namespaces/default/configmaps';

test('a create at level RequestResponse: two stages with everything that upstream writes', async () => {
  await using set = await setUp('- { level: RequestResponse }', 'omitManagedFields: true');
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { b: 'c' } };
  const headers = {
    'user-agent': 'tester/1',
    'x-forwarded-for': '203.0.113.9, 10.1.1.1',
    'audit-id': 'my-id',
  };
  const answer = await set.server.call('POST', `${maps}?fieldManager=me`, { body, headers });
  assert.equal(answer.headers['audit-id'], 'my-id');
  const [received, complete, ...rest] = set.events;
  assert.equal(rest.length, 0);
  assert.equal(received!.stage, 'RequestReceived');
  assert.equal(received!.requestObject, undefined);
  const { requestReceivedTimestamp, stageTimestamp, responseObject, ...event } = complete!;
  assert.match(requestReceivedTimestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.ok(stageTimestamp >= requestReceivedTimestamp);
  assert.equal((responseObject as { metadata: { name: string; managedFields?: unknown } }).metadata.name, 'a');
  assert.equal((responseObject as { metadata: { managedFields?: unknown } }).metadata.managedFields, undefined);
  assert.deepEqual(event, {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: 'my-id',
    stage: 'ResponseComplete',
    requestURI: `${maps}?fieldManager=me`,
    verb: 'create',
    user: { username: 'test-admin', groups: ['system:masters', 'system:authenticated'] },
    sourceIPs: ['203.0.113.9', '10.1.1.1', '127.0.0.1'],
    userAgent: 'tester/1',
    objectRef: { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: body,
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'because' },
  });
});

test('Metadata has no objects, omitted stages are not written, and refusals carry their Status', async () => {
  await using set = await setUp('- { level: Metadata, omitStages: [RequestReceived] }');
  await set.server.call('GET', `${maps}/none`);
  assert.equal(set.events.length, 1);
  const [event] = set.events;
  assert.deepEqual(event!.responseStatus, {
    metadata: {},
    status: 'Failure',
    message: 'configmaps "none" not found',
    reason: 'NotFound',
    details: { name: 'none', kind: 'configmaps' },
    code: 404,
  });
  assert.ok(!('responseObject' in event!) && !('requestObject' in event!));
});

test('an impersonated user stands beside the real one, and a refusal by the authorizer is annotated', async () => {
  await using set = await setUp('- { level: Metadata, omitStages: [RequestReceived] }');
  const answer = await set.server.call('GET', maps, { headers: { 'impersonate-user': 'bob' } });
  assert.equal(answer.status, 403);
  const [event] = set.events;
  assert.deepEqual(event!.user, { username: 'test-admin', groups: ['system:masters', 'system:authenticated'] });
  assert.deepEqual(event!.impersonatedUser, { username: 'bob', groups: ['system:authenticated'] });
  assert.equal(event!.annotations!['authorization.k8s.io/decision'], 'forbid');
});

test('a mistake in the program is a Panic', async () => {
  await using set = await setUp('- { level: Metadata, omitStages: [RequestReceived] }');
  await set.server.call('GET', maps, { headers: { 'impersonate-user': 'crash' } });
  assert.deepEqual(
    set.events.map(({ stage, responseStatus }) => [stage, (responseStatus as { code: number }).code]),
    [['Panic', 500]],
  );
});

test('a request that nobody is known to have sent is one event, at the level of strangers', async () => {
  await using set = await setUp("- { level: Metadata, users: ['system:anonymous'] }\n- { level: None }");
  const answer = await set.server.call('GET', maps, { headers: { authorization: 'Bearer wrong' } });
  assert.equal(answer.status, 401);
  const [event, ...rest] = set.events;
  assert.equal(rest.length, 0);
  assert.deepEqual([event!.stage, event!.verb], ['ResponseStarted', 'list']);
  assert.equal((event!.responseStatus as { code: number }).code, 401);
});

test('a watch starts and completes', async () => {
  await using set = await setUp('- { level: RequestResponse, omitStages: [RequestReceived] }');
  await set.server.call('GET', `${maps}?watch=true&timeoutSeconds=1`);
  assert.deepEqual(
    set.events.map(({ stage }) => stage),
    ['ResponseStarted', 'ResponseComplete'],
  );
});

test('what the policy leaves out is not written, and still has an id', async () => {
  await using set = await setUp('- { level: None, verbs: [list] }\n- { level: Metadata }');
  const answer = await set.server.call('GET', maps);
  assert.equal(set.events.length, 0);
  assert.match(answer.headers['audit-id']!, /^[\da-f-]{36}$/);
});

test('a protobuf body is written as the object that it is', async () => {
  await using set = await setUp('- { level: Request, omitStages: [RequestReceived] }');
  const { createProtobufCodec } = await import('#wire');
  const body = createProtobufCodec().encode({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'p' },
    data: { a: 'b' },
  });
  const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' };
  assert.equal((await set.server.call('POST', maps, { body, headers })).status, 201);
  assert.deepEqual((set.events[0]!.requestObject as { data: unknown }).data, { a: 'b' });
});

const event = (auditID: string) => ({ auditID, filler: 'x'.repeat(1000) }) as unknown as AuditEvent;

test('the log is written in lines, put aside by size, kept by number, and for its owner only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-audit-'));
  const path = join(folder, 'audit.log');
  let nowMs = Date.UTC(2026, 0, 1);
  const clock = { ...createSystemClock(), now: () => (nowMs += 1000) };
  const limits = { maxSizeMebibytes: 1, maxAgeDays: 0, maxBackups: 2 };
  try {
    {
      await using sink = createLogSink({ path, ...limits, clock, log: createRecordingLog(), meter: createMeter() });
      for (let turn = 0; turn < 50; turn++) {
        for (let count = 0; count < 100; count++) sink.accept(event(`${turn}-${count}`));
        await new Promise(resolve => setImmediate(resolve));
      }
    }
    const files = readdirSync(folder).sort();
    assert.equal(files.length, 3);
    for (const file of files.slice(0, 2)) assert.match(file, /^audit-2026-01-01T\d\d-\d\d-\d\d\.\d{3}\.log$/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    assert.equal(JSON.parse(lines.at(-1)!).auditID, '49-99');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a log that cannot be written loses events, which is counted and said once', async () => {
  const [log, meter] = [createRecordingLog(), createMeter()];
  const limits = { maxSizeMebibytes: 1, maxAgeDays: 0, maxBackups: 0 };
  {
    await using sink = createLogSink({
      path: '/proc/none/audit.log',
      ...limits,
      clock: createSystemClock(),
      log,
      meter,
    });
    sink.accept(event('a'));
    sink.accept(event('b'));
  }
  assert.ok((await meter.text()).includes('apiserver_audit_error_total{plugin="log"} 2'));
  assert.deepEqual(
    log.records.map(({ message }) => message),
    ['audit events were lost'],
  );
});

function webhook(post: (body: Buffer) => Promise<number>) {
  const [clock, log, meter] = [createFakeClock(), createRecordingLog(), createMeter()];
  const limits = { bufferSize: 5, maxBatchSize: 3, maxWaitMs: 30_000, throttleQps: 10, throttleBurst: 15 };
  const sink = createWebhookSink({ post, ...limits, initialBackoffMs: 10_000, clock, log, meter });
  return { sink, clock, log, meter };
}

test('a webhook gets a full batch at once and the rest after the longest wait', async () => {
  const sent: string[][] = [];
  const { sink, clock } = webhook(async body => {
    const list = JSON.parse(body.toString());
    assert.equal(list.kind, 'EventList');
    sent.push(list.items.map(({ auditID }: AuditEvent) => auditID));
    return 200;
  });
  for (const id of ['a', 'b', 'c', 'd']) sink.accept(event(id));
  await clock.advance(1);
  assert.deepEqual(sent, [['a', 'b', 'c']]);
  await clock.advance(30_000);
  assert.deepEqual(sent[1], ['d']);
  await sink[Symbol.asyncDispose]();
});

test('a webhook that fails is tried again, and what does not fit is counted as lost', async () => {
  let attempts = 0;
  const { sink, clock, meter } = webhook(async () => (++attempts < 3 ? 503 : 200));
  for (let count = 0; count < 9; count++) sink.accept(event(`${count}`));
  await clock.advance(60_000);
  assert.ok(attempts >= 3);
  assert.ok((await meter.text()).includes('apiserver_audit_error_total{plugin="webhook"}'));
  await sink[Symbol.asyncDispose]();
});
