/** What operators look at: audit, encryption at rest, fairness, metrics, traces, health, stopping. A real server, real kubectl, TLS. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { wherry } from '../../tools/server.ts';
import { eventually, type Server, startServer } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'wherry-operations-'));
const auditLog = join(folder, 'audit', 'audit.log');
const spans: { name: string; traceId: string; attributes: { key: string; value: { stringValue?: string } }[] }[] = [];
const collector = createServer(async (request, response) => {
  const body = JSON.parse(await text(request));
  for (const { scopeSpans } of body.resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
  response.end('{}');
});

let server: Server;

before(async () => {
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const { port } = collector.address() as AddressInfo;
  const write = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const policy = write(
    'policy.yaml',
    `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- { level: None, users: ['system:apiserver'] }
- { level: Metadata, resources: [{ group: '', resources: [secrets] }] }
- { level: RequestResponse, namespaces: [audited] }
- { level: None }
`,
  );
  const tracing = write(
    'tracing.yaml',
    `apiVersion: apiserver.config.k8s.io/v1beta1
kind: TracingConfiguration
endpoint: 127.0.0.1:${port}
samplingRatePerMillion: 0
`,
  );
  server = await startServer({
    args: [
      ...['--audit-policy-file', policy, '--audit-log-path', auditLog, '--tracing-config-file', tracing],
      ...['--secrets-encryption', '--shutdown-delay-duration', '2s'],
    ],
  });
});

after(async () => {
  await server?.[Symbol.asyncDispose]();
  collector.close();
  rmSync(folder, { recursive: true, force: true });
});

// biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape.
const auditEvents = (): any[] =>
  readFileSync(auditLog, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line));

test('the audit log has what kubectl did, at the level that the policy says', async () => {
  server.kubectl('create', 'namespace', 'audited');
  server.kubectl('-n', 'audited', 'create', 'configmap', 'seen', '--from-literal=a=b');
  server.kubectl('-n', 'audited', 'create', 'secret', 'generic', 'hidden', '--from-literal=password=opensesame');
  server.tryKubectl(['-n', 'audited', 'get', 'configmap', 'none']);
  server.tryKubectl(['--as=eve', '-n', 'audited', 'delete', 'configmap', 'seen']);
  const find = (verb: string, resource: string, code: number) =>
    eventually(`the event of ${verb} ${resource}`, () =>
      auditEvents().find(
        ({ verb: done, objectRef, responseStatus, userAgent }) =>
          done === verb &&
          objectRef.resource === resource &&
          responseStatus?.code === code &&
          /^kubectl/.test(userAgent),
      ),
    );
  const created = await find('create', 'configmaps', 201);
  assert.equal(created.level, 'RequestResponse');
  assert.deepEqual(created.requestObject.data, { a: 'b' });
  assert.ok(created.responseObject.metadata.uid);
  assert.equal(created.responseObject.metadata.managedFields, undefined);
  assert.match(created.userAgent, /^kubectl\//);
  assert.deepEqual(created.sourceIPs, ['127.0.0.1']);
  assert.equal(created.annotations['authorization.k8s.io/decision'], 'allow');
  const secret = await find('create', 'secrets', 201);
  assert.equal(secret.level, 'Metadata');
  assert.ok(!('requestObject' in secret) && !readFileSync(auditLog, 'utf8').includes('opensesame'));
  assert.equal((await find('get', 'configmaps', 404)).responseStatus.reason, 'NotFound');
  const refused = await find('delete', 'configmaps', 403);
  assert.equal(refused.impersonatedUser.username, 'eve');
  assert.equal(refused.annotations['authorization.k8s.io/decision'], 'forbid');
  assert.equal(statSync(auditLog).mode & 0o777, 0o600);
});

test('a policy that is wrong keeps the server from starting, and says where', () => {
  const path = join(folder, 'wrong.yaml');
  writeFileSync(path, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Sometimes\n');
  const data = join(folder, 'wrong-data');
  const args = ['server', '--disable-agent', '--data-dir', data, '--write-kubeconfig', join(data, 'kc')];
  const audit = ['--audit-policy-file', path, '--audit-log-path', join(data, 'a.log'), '--https-listen-port', '0'];
  const { status, stderr } = spawnSync(wherry, [...args, ...audit], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 1);
  assert.match(
    stderr,
    /wrong\.yaml: rules\[0\]\.level: must be one of None, Metadata, Request, RequestResponse, not "Sometimes"/,
  );
});

/** What stands in the file, read by another process than the server. */
function storedSecret(name: string): string {
  // A copy with its log of writes: the server holds the file itself alone.
  const copy = mkdtempSync(join(folder, 'db-'));
  for (const file of readdirSync(join(server.dataFolder, 'server', 'db'))) {
    if (file.startsWith('state.db')) copyFileSync(join(server.dataFolder, 'server', 'db', file), join(copy, file));
  }
  using db = new DatabaseSync(join(copy, 'state.db'));
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  for (const { name: table } of tables) {
    const columns = db.prepare(`SELECT name FROM pragma_table_info('${table}')`).all();
    const has = (column: string) => columns.some(one => one['name'] === column);
    if (!has('key') || !has('value') || has('previous')) continue;
    const row = db.prepare(`SELECT value FROM "${table}" WHERE key = ?`).get(`/registry/secrets/default/${name}`);
    if (row?.['value']) return Buffer.from(row['value'] as Uint8Array).toString('latin1');
  }
  throw new Error(`no secret ${name} in ${tables.map(({ name: table }) => table)}`);
}

const encrypt = (...args: string[]) =>
  spawnSync(wherry, ['secrets-encrypt', ...args, '--write-kubeconfig', server.kubeconfig], { encoding: 'utf8' });

test('secrets are encrypted on disk, keys can be changed, and everything stays readable', () => {
  server.kubectl('create', 'secret', 'generic', 'a', '--from-literal=password=opensesame');
  const read = () => server.kubectl('get', 'secret', 'a', '-o', 'jsonpath={.data.password}');
  assert.match(storedSecret('a'), /^k8s:enc:aescbc:v1:aescbckey:/);
  assert.match(encrypt('status').stdout, /Encryption Status: Enabled\nCurrent Rotation Stage: start/);
  assert.equal(encrypt('rotate').status, 1);
  for (const action of ['prepare', 'rotate', 'reencrypt']) assert.equal(encrypt(action).status, 0, action);
  assert.match(storedSecret('a'), /^k8s:enc:aescbc:v1:aescbckey-\d{8}T\d{6}Z:/);
  assert.equal(Buffer.from(read(), 'base64').toString(), 'opensesame');
  assert.equal(encrypt('disable').status, 0);
  assert.equal(encrypt('reencrypt', '--force').status, 0);
  assert.match(storedSecret('a'), /^\{"kind":"Secret"/);
  assert.equal(encrypt('enable').status, 0);
  // A replacement that changes nothing is written, because its stored form changes.
  const same = server.kubectl('get', 'secret', 'a', '-o', 'json');
  assert.equal(server.tryKubectl(['replace', '-f', '-'], same).status, 0);
  assert.match(storedSecret('a'), /^k8s:enc:aescbc/);
  assert.equal(Buffer.from(read(), 'base64').toString(), 'opensesame');
});

const flood = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: everybody-reads }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:serviceaccounts' }]
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: { name: small }
spec:
  type: Limited
  limited:
    nominalConcurrencyShares: 1
    borrowingLimitPercent: 0
    limitResponse: { type: Queue, queuing: { queues: 16, handSize: 2, queueLengthLimit: 5 } }
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: { name: tenants }
spec:
  matchingPrecedence: 600
  priorityLevelConfiguration: { name: small }
  distinguisherMethod: { type: ByUser }
  rules:
  - subjects: [{ kind: Group, group: { name: 'system:serviceaccounts' } }]
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }]
`;

test('a tenant that floods gets 429, another one its answers, and the meters tell', async () => {
  server.apply(flood);
  for (const name of ['greedy', 'modest']) server.kubectl('create', 'serviceaccount', name);
  const tokenOf = (name: string) => server.kubectl('create', 'token', name).trim();
  const [greedy, modest] = [tokenOf('greedy'), tokenOf('modest')];
  const uid = server.kubectl('get', 'flowschema', 'tenants', '-o', 'jsonpath={.metadata.uid}');
  const { createRequester } = await import('./requests.ts');
  await using send = createRequester(server);
  const path = '/api/v1/namespaces/default/configmaps';
  const many = Array.from({ length: 400 }, () => send.get(path, { authorization: `Bearer ${greedy}` }));
  const other = await send.get(path, { authorization: `Bearer ${modest}` });
  assert.equal(other.status, 200);
  assert.equal(other.headers['x-kubernetes-pf-flowschema-uid'], uid);
  const answers = await Promise.all(many);
  const refused = answers.filter(({ status }) => status === 429);
  assert.ok(refused.length > 0 && refused.length < 400, `${refused.length} of 400 were refused`);
  assert.equal(refused[0]!.headers['retry-after'], '1');
  const metrics = server.kubectl('get', '--raw', '/metrics');
  assert.match(
    metrics,
    /^apiserver_flowcontrol_rejected_requests_total\{priority_level="small",flow_schema="tenants",reason="queue-full"\} [1-9]/m,
  );
});

const wantedMetrics = [
  'apiserver_request_total{',
  'apiserver_request_duration_seconds_bucket{',
  'apiserver_request_sli_duration_seconds_bucket{',
  'apiserver_response_sizes_bucket{',
  'apiserver_storage_objects{resource="configmaps"}',
  'apiserver_storage_size_bytes{',
  'apiserver_current_inflight_requests{request_kind="mutating"}',
  'apiserver_current_inqueue_requests{request_kind="readOnly"}',
  'apiserver_longrunning_requests{',
  'apiserver_init_events_total{',
  'apiserver_watch_events_total{',
  'apiserver_watch_cache_events_received_total{',
  'apiserver_storage_transformation_operations_total{',
  'apiserver_audit_event_total ',
  'apiserver_flowcontrol_nominal_limit_seats{priority_level="global-default"} ',
  'etcd_request_duration_seconds_bucket{operation="create",type="configmaps"',
  'authentication_attempts{result="success"}',
  'authenticated_user_requests{username="other"}',
  'authorization_attempts_total{result="allowed"}',
  'process_resident_memory_bytes ',
  'process_open_fds ',
  'process_start_time_seconds ',
  'kubernetes_build_info{major="1",minor="36"',
  'kubernetes_feature_enabled{name="APIServerTracing",stage=""} 1',
];

test('the meters have upstream names, and every line is one of the text format', () => {
  server.tryKubectl(['get', 'componentstatuses']);
  const metrics = server.kubectl('get', '--raw', '/metrics');
  for (const name of wantedMetrics) assert.ok(metrics.includes(`\n${name}`), `no ${name}`);
  const names = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  assert.equal(new Set(names).size, names.length, 'each name is described once');
  for (const line of metrics.split('\n')) {
    assert.match(line, /^(#.*|[a-zA-Z_:][\w:]*(\{([\w]+="([^"\\]|\\.)*",?)*\})? [-+\d.eNaInf]+)?$/, line);
  }
  assert.match(
    server.kubectl('get', '--raw', '/metrics/slis'),
    /^kubernetes_healthcheck\{name="ping",type="readyz"\} 1$/m,
  );
});

test('health is told check by check', () => {
  const verbose = server.kubectl('get', '--raw', '/readyz?verbose');
  for (const name of ['ping', 'etcd', 'informer-sync', 'poststarthook/rbac/bootstrap-roles', 'shutdown']) {
    assert.ok(verbose.includes(`[+]${name} ok\n`), name);
  }
  assert.match(verbose, /readyz check passed\n$/);
  assert.equal(server.kubectl('get', '--raw', '/livez/poststarthook/rbac/bootstrap-roles'), 'ok');
  const excluded = server.kubectl('get', '--raw', '/livez?verbose&exclude=etcd&exclude=none');
  assert.match(excluded, /\[\+\]etcd excluded: ok\n/);
  assert.match(excluded, /warn: some health checks cannot be excluded: no matches for "none"/);
  assert.notEqual(server.tryKubectl(['get', '--raw', '/livez/none']).status, 0);
});

test('a request with a sampled traceparent becomes a span of that trace', async () => {
  const { createRequester } = await import('./requests.ts');
  await using send = createRequester(server);
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const { headers } = await send.get('/version', { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  const span = await eventually('a span', () => spans.find(one => one.traceId === traceId));
  assert.equal(span.name, 'KubernetesAPI');
  assert.ok(span.attributes.some(({ key, value }) => key === 'audit-id' && value.stringValue === headers['audit-id']));
  assert.equal(spans.length, 1, 'nothing else was sampled');
});

test('a server that stops is not ready first, still answers, and ends its watches', async () => {
  const { createRequester } = await import('./requests.ts');
  await using send = createRequester(server);
  const watch = send.stream('/api/v1/namespaces/default/configmaps?watch=true');
  assert.equal((await watch.head).status, 200);
  const stopped = server.stop('SIGTERM');
  let readyz = await send.get('/readyz');
  while (readyz.status === 200) readyz = await send.get('/readyz');
  assert.equal(readyz.status, 500);
  assert.match(readyz.body, /\[-\]shutdown failed: reason withheld\n/);
  assert.equal((await send.get('/livez')).status, 200);
  assert.equal((await send.get('/api/v1/namespaces/default/configmaps')).status, 200);
  await watch.ended;
  await stopped;
  await server.start();
});
