import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TestServer } from '../testing.ts';
import { startTestApiServer } from '../testing.ts';

let api: TestServer;
before(async () => {
  api = await startTestApiServer();
  await api.call('POST', '/api/v1/namespaces', { body: { metadata: { name: 'default' } } });
});
after(() => api[Symbol.asyncDispose]());

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const config = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, ...metadata },
  spec,
});
const whole = (extra: object = {}) => ({
  selector: { matchLabels: { app: 'web' } },
  template: {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }] },
  },
  ...extra,
});

function apply(path: string, body: object, query: string) {
  return api.call('PATCH', `${path}?${query}`, {
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/apply-patch+yaml' },
  });
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every kind.
const owners = (object: any) =>
  Object.fromEntries(
    // biome-ignore lint/suspicious/noExplicitAny: answers of every kind.
    object.metadata.managedFields.map((entry: any) => [
      `${entry.manager} ${entry.operation}${entry.subresource ? ` ${entry.subresource}` : ''}`,
      entry.fieldsV1,
    ]),
  );

test('an apply creates with 201, and the same again changes nothing, not even the version', async () => {
  const made = await apply(`${deployments}/same`, config('same', whole()), 'fieldManager=m');
  assert.equal(made.status, 201, made.text);
  const again = await apply(`${deployments}/same`, config('same', whole()), 'fieldManager=m');
  assert.equal(again.status, 200);
  assert.deepEqual(again.json, made.json);
  assert.deepEqual(owners(made.json), {
    'm Apply': {
      'f:spec': {
        'f:selector': {},
        'f:template': {
          'f:metadata': { 'f:labels': { 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"c"}': {
                '.': {},
                'f:image': {},
                'f:name': {},
                'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              },
            },
          },
        },
      },
    },
  });
});

test('a create is tracked as upstream does: what the server fills in by its kind, and nothing of structs that are always there', async () => {
  const made = await api.call('POST', `${deployments}?fieldManager=k`, { body: config('tracked', whole()) });
  assert.equal(made.status, 201, made.text);
  const set = owners(made.json)['k Update'];
  assert.deepEqual(Object.keys(set), ['f:spec']);
  assert.equal('.' in set['f:spec'], false);
  assert.deepEqual(set['f:spec']['f:strategy'], {
    'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} },
    'f:type': {},
  });
  assert.deepEqual(set['f:spec']['f:template']['f:metadata'], { 'f:labels': { '.': {}, 'f:app': {} } });
  assert.deepEqual(Object.keys(set['f:spec']['f:template']['f:spec']['f:containers']), ['k:{"name":"c"}']);
});

test('conflicts are a 409 with a cause each, named as upstream names them', async () => {
  await apply(`${deployments}/fought`, config('fought', whole({ replicas: 1, paused: true })), 'fieldManager=a');
  await api.call('PATCH', `${deployments}/fought?fieldManager=u`, {
    body: { spec: { minReadySeconds: 3 } },
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  const one = await apply(`${deployments}/fought`, config('fought', { replicas: 2 }), 'fieldManager=b');
  assert.equal(one.status, 409);
  assert.equal(one.json.message, 'Apply failed with 1 conflict: conflict with "a": .spec.replicas');
  const both = config('fought', { replicas: 2, minReadySeconds: 4, paused: false });
  const many = await apply(`${deployments}/fought`, both, 'fieldManager=b');
  assert.equal(many.json.reason, 'Conflict');
  assert.equal(
    many.json.message,
    'Apply failed with 3 conflicts: conflicts with "a":\n- .spec.paused\n- .spec.replicas\nconflicts with "u" using apps/v1:\n- .spec.minReadySeconds',
  );
  assert.deepEqual(many.json.details.causes[2], {
    reason: 'FieldManagerConflict',
    message: 'conflict with "u" using apps/v1',
    field: '.spec.minReadySeconds',
  });
  const forced = await apply(`${deployments}/fought`, both, 'fieldManager=b&force=true');
  assert.equal(forced.status, 200, forced.text);
  assert.equal(forced.json.spec.replicas, 2);
  assert.equal('paused' in forced.json.spec, false, 'a zero is left out, as Go does');
});

test('what is not of the type is a bare 500 with every problem', async () => {
  const body = { ...config('bad', { ...whole(), nope: 1, replicas: 'x' }) };
  const answer = await apply(`${deployments}/bad`, body, 'fieldManager=a');
  assert.equal(answer.status, 500);
  assert.equal(
    answer.json.message,
    'failed to create typed patch object (/bad; apps/v1, Kind=Deployment): errors:\n  .spec.nope: field not declared in schema\n  .spec.replicas: expected numeric (int or float), got string',
  );
  const twice = config('bad', {
    ...whole(),
    template: { spec: { containers: [{ name: 'c', env: [{ name: 'A' }, { name: 'A' }] }] } },
  });
  assert.match(
    (await apply(`${deployments}/bad`, twice, 'fieldManager=a')).json.message,
    /: \.spec\.template\.spec\.containers\[name="c"\]\.env: duplicate entries for key \[name="A"\]$/,
  );
});

test('a field that a writer has set is not lost to who applies it later, and goes with its last owner', async () => {
  const path = `${deployments}/shared`;
  await apply(path, config('shared', whole(), { labels: { x: '1', y: '1' } }), 'fieldManager=a');
  await apply(path, config('shared', {}, { labels: { y: '1' } }), 'fieldManager=b');
  const less = await apply(path, config('shared', whole()), 'fieldManager=a');
  assert.deepEqual(less.json.metadata.labels, { y: '1' });
  const { spec: _spec, ...nothing } = config('shared', {});
  const none = await apply(path, nothing, 'fieldManager=b');
  assert.equal('labels' in none.json.metadata, false);
  assert.deepEqual(Object.keys(owners(none.json)), ['a Apply']);
});

test('kubectl takes over what its annotation says was applied by the client, and keeps the annotation current', async () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
  const sent = config('moved', whole({ replicas: 3 }));
  const body = config('moved', whole({ replicas: 3 }), { annotations: { [annotation]: JSON.stringify(sent) } });
  const made = await api.call('POST', `${deployments}?fieldManager=kubectl-client-side-apply`, { body });
  assert.equal(made.status, 201, made.text);
  const next = config('moved', whole({ replicas: 5 }));
  const other = await apply(`${deployments}/moved`, next, 'fieldManager=else');
  assert.equal(other.status, 409);
  const moved = await apply(`${deployments}/moved`, next, 'fieldManager=kubectl');
  assert.equal(moved.status, 200, moved.text);
  assert.equal(moved.json.spec.replicas, 5);
  assert.deepEqual(JSON.parse(moved.json.metadata.annotations[annotation]), next);
});

test('an object that nobody tracks belongs to before-first-apply when somebody applies', async () => {
  await api.call('POST', `${deployments}?fieldManager=k`, { body: config('untracked', whole({ replicas: 1 })) });
  const path = `${deployments}/untracked`;
  const merge = { 'content-type': 'application/merge-patch+json' };
  const reset = await api.call('PATCH', path, { body: { metadata: { managedFields: [{}] } }, headers: merge });
  assert.equal('managedFields' in reset.json.metadata, false);
  const quiet = await api.call('PATCH', path, { body: { metadata: { labels: { a: 'b' } } }, headers: merge });
  assert.equal('managedFields' in quiet.json.metadata, false);
  const fought = await apply(path, config('untracked', { replicas: 2 }), 'fieldManager=a');
  assert.equal(
    fought.json.message,
    'Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1: .spec.replicas',
  );
});

test('status and scale are managed apart', async () => {
  const path = `${deployments}/parts`;
  await apply(path, config('parts', whole({ replicas: 1 })), 'fieldManager=a');
  const status = { ...config('parts', {}), status: { replicas: 1, observedGeneration: 1 } };
  const told = await apply(`${path}/status`, status, 'fieldManager=ctl');
  assert.equal(told.status, 200, told.text);
  assert.deepEqual(owners(told.json)['ctl Apply status'], {
    'f:status': { 'f:observedGeneration': {}, 'f:replicas': {} },
  });
  const scale = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'parts' }, spec: { replicas: 4 } };
  const fought = await apply(`${path}/scale`, scale, 'fieldManager=hpa');
  assert.equal(fought.json.message, 'Apply failed with 1 conflict: conflict with "a": .spec.replicas');
  const scaled = await apply(`${path}/scale`, scale, 'fieldManager=hpa&force=true');
  assert.equal(scaled.status, 200, scaled.text);
  const now = (await api.call('GET', path)).json;
  assert.equal(now.spec.replicas, 4);
  assert.deepEqual(owners(now)['hpa Apply scale'], { 'f:spec': { 'f:replicas': {} } });
  assert.equal('f:replicas' in owners(now)['a Apply']['f:spec'], false);
  const put = await api.call('PUT', `${path}/scale?fieldManager=p`, { body: { ...scale, spec: { replicas: 6 } } });
  assert.equal(put.status, 200, put.text);
  const last = (await api.call('GET', path)).json;
  assert.deepEqual(owners(last)['p Update scale'], { 'f:spec': { 'f:replicas': {} } });
  assert.equal('hpa Apply scale' in owners(last), false);
});

test('keys that stand twice in YAML are warned of, or refused when strict', async () => {
  const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\ndata:\n  a: "1"\n  a: "2"\n';
  const send = (query: string) =>
    api.call('PATCH', `/api/v1/namespaces/default/configmaps/twice?fieldManager=m${query}`, {
      body: yaml,
      headers: { 'content-type': 'application/apply-patch+yaml' },
    });
  const strict = await send('&fieldValidation=Strict');
  assert.equal(
    strict.json.message,
    'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 7: key "a" already set in map',
  );
  assert.match((await send('')).headers['warning'] ?? '', /line 7: key \\"a\\" already set in map/);
});
