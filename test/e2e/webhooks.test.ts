/** Admission webhooks as a user meets them: kubectl, a whole server, and a webhook on loopback that is configured by URL. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestCertificates } from '#wire/testing';
import { type ReceivedCall, startTestWebhook, type TestWebhook } from '../../src/apiserver/webhook/testing.ts';
import { type Server, startServer } from './fixture.ts';

let server: Server;
let webhook: TestWebhook;
let caBundle: string;

before(async () => {
  const { tls } = await createTestCertificates();
  caBundle = Buffer.from(tls.ca).toString('base64');
  server = await startServer();
  webhook = await startTestWebhook(tls, answer);
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await webhook[Symbol.asyncDispose]();
});

/** What the webhook does, by path. */
function answer({ path, body }: ReceivedCall): unknown {
  const { uid, object } = body.request;
  const review = (response: object) => ({ ...body, request: undefined, response: { uid, ...response } });
  const patch = (operations: unknown) => {
    const text = Buffer.from(JSON.stringify(operations)).toString('base64');
    return review({ allowed: true, patch: text, patchType: 'JSONPatch' });
  };
  const data: Record<string, string> = object?.data ?? {};
  switch (path.split('?')[0]) {
    case '/deny':
      return review({ allowed: false, status: { code: 403, message: 'the webhook does not like it' } });
    case '/warn':
      return review({ allowed: true, warnings: ['this will be gone soon'] });
    case '/sidecar':
      return patch([{ op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 'proxy:1' } }]);
    case '/count':
      return patch([{ op: 'add', path: '/data/count', value: String(Object.keys(data).length) }]);
    case '/mark':
      return patch([{ op: 'add', path: '/data/mark', value: 'made' }]);
    case '/slow':
      // Never answers.
      return undefined;
    default:
      return review({ allowed: true });
  }
}

interface Hook {
  type?: 'Mutating' | 'Validating';
  path?: string;
  url?: string;
  resources?: string[];
  operations?: string[];
  namespaceSelector?: object;
  failurePolicy?: string;
  timeoutSeconds?: number;
  reinvocationPolicy?: string;
  matchConditions?: object[];
}

/** Configures one webhook, which the returned function removes again. */
async function configure(name: string, hook: Hook): Promise<AsyncDisposable> {
  const { type = 'Validating', path = '/', url = `${webhook.url}${path}`, ...fields } = hook;
  const { resources = ['configmaps'], operations = ['CREATE'], ...rest } = fields;
  const kind = `${type}WebhookConfiguration`;
  const object = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com`,
        clientConfig: { url, caBundle },
        rules: [{ apiGroups: ['', 'apps'], apiVersions: ['v1'], resources, operations }],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        ...rest,
      },
    ],
  };
  const made = await server.runKubectl(['create', '-f', '-'], JSON.stringify(object));
  assert.equal(made.status, 0, made.stderr);
  return {
    async [Symbol.asyncDispose]() {
      const removed = await server.runKubectl(['delete', kind, name]);
      assert.equal(removed.status, 0, removed.stderr);
    },
  };
}

const createConfigMap = (name: string, ...args: string[]) =>
  server.runKubectl(['create', 'configmap', name, '--from-literal=a=b', ...args]);

test('kubectl shows why a webhook refused, and the next request after its deletion passes', async () => {
  {
    await using _hook = await configure('deny', { path: '/deny' });
    const { status, stderr } = await createConfigMap('denied');
    assert.equal(status, 1);
    assert.equal(
      stderr,
      'error: failed to create configmap: admission webhook "deny.example.com" denied the request: the webhook does not like it\n',
    );
  }
  assert.equal((await createConfigMap('denied')).status, 0);
});

test('updates, patches and deletions of existing objects are refused too', async () => {
  assert.equal((await createConfigMap('kept')).status, 0);
  await using _hook = await configure('keep', { path: '/deny', operations: ['UPDATE', 'DELETE'] });
  const refusals = await Promise.all([
    server.runKubectl(['patch', 'configmap', 'kept', '-p', '{"data":{"a":"c"}}']),
    server.runKubectl(['label', 'configmap', 'kept', 'x=y']),
    server.runKubectl(['delete', 'configmap', 'kept']),
  ]);
  for (const { status, stderr } of refusals) {
    assert.equal(status, 1);
    assert.match(stderr, /admission webhook "keep\.example\.com" denied the request: the webhook does not like it/);
  }
});

test('a mutating webhook adds a container to pods, which gets its defaults', async () => {
  await using _hook = await configure('inject', { type: 'Mutating', path: '/sidecar', resources: ['pods'] });
  const run = await server.runKubectl(['run', 'web', '--image=web:1']);
  assert.equal(run.status, 0, run.stderr);
  const format = 'jsonpath={range .spec.containers[*]}{.name} {.terminationMessagePath} {.imagePullPolicy}{"\\n"}{end}';
  const { stdout } = await server.runKubectl(['get', 'pod', 'web', '-o', format]);
  assert.equal(stdout, 'web /dev/termination-log IfNotPresent\nsidecar /dev/termination-log IfNotPresent\n');
});

test('a webhook that cannot be reached fails the request, or is passed over', async () => {
  const url = 'https://127.0.0.1:1/gone';
  {
    await using _hook = await configure('closed', { url });
    const { status, stderr } = await createConfigMap('unlucky');
    assert.equal(status, 1);
    assert.match(
      stderr,
      /Internal error occurred: failed calling webhook "closed\.example\.com": failed to call webhook: Post "https:\/\/127\.0\.0\.1:1\/gone\?timeout=10s": dial tcp 127\.0\.0\.1:1: connect: connection refused/,
    );
  }
  await using _hook = await configure('open', { url, failurePolicy: 'Ignore' });
  assert.equal((await createConfigMap('unlucky')).status, 0);
});

test('a slow webhook is waited for as long as it says, and no longer', async () => {
  {
    await using _hook = await configure('slow', { path: '/slow', timeoutSeconds: 1 });
    const { status, stderr } = await createConfigMap('waiting');
    assert.equal(status, 1);
    assert.match(stderr, /failed calling webhook "slow\.example\.com".*\?timeout=1s": context deadline exceeded/);
  }
  await using _hook = await configure('slow-open', { path: '/slow', timeoutSeconds: 1, failurePolicy: 'Ignore' });
  assert.equal((await createConfigMap('waiting')).status, 0);
});

test('only namespaces that the webhook selects are asked about', async () => {
  const made = await server.runKubectl(['create', 'namespace', 'guarded']);
  assert.equal(made.status, 0, made.stderr);
  await server.runKubectl(['label', 'namespace', 'guarded', 'guard=on']);
  await using _hook = await configure('spaces', { path: '/deny', namespaceSelector: { matchLabels: { guard: 'on' } } });
  assert.equal((await createConfigMap('inside', '-n', 'guarded')).status, 1);
  assert.equal((await createConfigMap('outside')).status, 0);
});

test('match conditions leave requests out, and one that cannot be evaluated refuses', async () => {
  const conditions = (expression: string) => ({ path: '/deny', matchConditions: [{ name: 'only', expression }] });
  {
    await using _hook = await configure('conditions', conditions("object.metadata.name == 'chosen'"));
    assert.equal((await createConfigMap('chosen')).status, 1);
    assert.equal((await createConfigMap('not-chosen')).status, 0);
  }
  await using _hook = await configure('broken', conditions("object.data.nowhere == 'x'"));
  const { status, stderr } = await createConfigMap('broken');
  assert.equal(status, 1);
  assert.match(
    stderr,
    /configmaps "broken" is forbidden: expression 'object\.data\.nowhere == 'x'' resulted in error: no such key: nowhere/,
  );
});

test('a webhook that asks for it is called again after another one has changed the object', async () => {
  await using _first = await configure('a-count', { type: 'Mutating', path: '/count', reinvocationPolicy: 'IfNeeded' });
  await using _second = await configure('b-mark', { type: 'Mutating', path: '/mark' });
  assert.equal((await createConfigMap('twice')).status, 0);
  const { stdout } = await server.runKubectl(['get', 'configmap', 'twice', '-o', 'jsonpath={.data}']);
  // First a, then a and count itself and mark.
  assert.equal(stdout, '{"a":"b","count":"3","mark":"made"}');
});

test('a dry run is shown to webhooks as one, and stores nothing', async () => {
  await using _hook = await configure('dry', { type: 'Mutating', path: '/mark' });
  const seen = webhook.received.length;
  const { stdout, stderr } = await createConfigMap('dry', '--dry-run=server', '-o', 'jsonpath={.data.mark}');
  assert.equal(stdout, 'made', stderr);
  assert.equal(webhook.received[seen]?.body.request.dryRun, true);
  assert.match((await server.runKubectl(['get', 'configmap', 'dry'])).stderr, /NotFound/);
});

test('kubectl prints what a webhook warns of', async () => {
  await using _hook = await configure('warn', { path: '/warn' });
  const { status, stderr } = await createConfigMap('warned');
  assert.deepEqual([status, stderr], [0, 'Warning: this will be gone soon\n']);
});

test('the meters tell of the webhooks', async () => {
  const { stdout } = await server.runKubectl(['get', '--raw', '/metrics']);
  const rejection =
    'apiserver_admission_webhook_rejection_count{name="deny.example.com",type="validating",operation="CREATE",error_type="no_error",rejection_code="403"} 1';
  assert.ok(stdout.includes(rejection), 'the rejection is counted');
  assert.match(stdout, /apiserver_admission_webhook_admission_duration_seconds_count\{name="inject\.example\.com"/);
  assert.match(stdout, /apiserver_admission_step_admission_duration_seconds_count\{type="admit",operation="CREATE"/);
});
