/** Writes that can be read and must be refused: patches that do not fit, objects that break the rules, versions that are old. Over TLS. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Case, check, describeCases, type Expected, is } from './cases.ts';
import { type SecureApi, startSecureApi } from './fixture.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const json = { 'content-type': 'application/json' };

let api: SecureApi;
before(async () => {
  api = await startSecureApi();
  await api.put(maps, { metadata: { name: 'there' }, data: { x: '1' } });
  const labels = { app: 'web' };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'x' }] } };
  await api.put(deployments, { metadata: { name: 'web' }, spec: { selector: { matchLabels: labels }, template } });
});
after(async () => {
  const failures = api.log.records.filter(({ level }) => level === 'error');
  await api[Symbol.asyncDispose]();
  assert.deepEqual(failures, [], 'the server blames itself for nothing');
});

const suite = (title: string, cases: readonly Case[]) => describeCases(title, () => api, cases);
const write =
  (method: string) =>
  (name: string, body: object | string, expected: Expected, path = maps): Case => ({
    name,
    method,
    path,
    headers: json,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    is: expected,
  });
const [post, put, remove] = [write('POST'), write('PUT'), write('DELETE')];

const patchWith =
  (type: string) =>
  (name: string, body: unknown, expected: Expected, path = `${maps}/there`): Case => ({
    name: `${name}: ${typeof body === 'string' ? body : JSON.stringify(body)}`.slice(0, 90),
    method: 'PATCH',
    path,
    headers: { 'content-type': `application/${type}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    is: expected,
  });
const operations = patchWith('json-patch+json');
const merge = patchWith('merge-patch+json');
const strategic = patchWith('strategic-merge-patch+json');
const apply = patchWith('apply-patch+yaml');

const modified = 'the object has been modified; please apply your changes to the latest version and try again';
const rejected = is('invalid', 'the server rejected our request due to an error in our request');
const noPatch = (wanted: string) => `json: cannot unmarshal ${wanted} into Go value of type jsonpatch.Patch`;
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const tooMany = Array(10_001).fill({ op: 'test', path: '/kind', value: 'ConfigMap' });

suite('JSON patches', [
  operations('its test fails', [{ op: 'test', path: '/data/x', value: '2' }], rejected),
  operations('an unknown operation', [{ op: 'nope', path: '/data/x' }], rejected),
  operations('nothing to remove', [{ op: 'remove', path: '/data/none' }], rejected),
  operations('a path that begins nowhere', [{ op: 'add', path: 'data', value: {} }], rejected),
  operations('operations that are none', [null, 1], rejected),
  operations('the prototype', [{ op: 'add', path: '/__proto__/x', value: 1 }], rejected),
  operations('no list', {}, is('bad', noPatch('object'))),
  operations('null', null, is('bad', noPatch('null'))),
  operations('cut off', '[{', is('bad', 'unexpected end of JSON input')),
  operations(
    'too many operations',
    tooMany,
    is('large', 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001'),
  ),
  operations(
    'a number in place of the object',
    [{ op: 'replace', path: '', value: 5 }],
    is('invalid', /^ "" is invalid: patch: /),
  ),
  operations(
    'a number in place of a text',
    [{ op: 'add', path: '/data/y', value: 1 }],
    is('invalid', /into Go struct field ConfigMap\.data\.y of type string$/),
  ),
  operations(
    'another name',
    [{ op: 'replace', path: '/metadata/name', value: 'b' }],
    is('bad', 'the name of the object (b) does not match the name on the URL (there)'),
  ),
  operations('another kind', [{ op: 'replace', path: '/kind', value: 'Secret' }], is('bad', /unknown conversion$/)),
  operations('9,000 levels', `[{"op":"add","path":"/y","value":${nested(9000)}}]`, is('bad', 'exceeded max depth')),
]);

suite('merge patches', [
  merge('a number', '5', is('bad', 'Invalid JSON Patch')),
  merge('null', 'null', is('bad', 'Invalid JSON Patch')),
  merge('a list', '[]', is('invalid', /^ "" is invalid: patch: Invalid value: "\[\]": /)),
  merge('cut off', '{', is('bad', 'unexpected end of JSON input')),
  merge(
    'a wrong type',
    { data: 5 },
    is('invalid', /into Go struct field ConfigMap\.data of type map\[string\]string$/),
  ),
  merge('9,000 levels', `{"y":${nested(9000)}}`, is('bad', 'exceeded max depth')),
  merge('of nothing', {}, is('missing', 'configmaps "gone" not found'), `${maps}/gone`),
  merge(
    'an unknown field, strictly',
    { nope: 1 },
    is('invalid', /: strict decoding error: unknown field "nope"$/),
    `${maps}/there?fieldValidation=Strict`,
  ),
  merge(
    'force',
    {},
    is('invalid', /^PatchOptions\.meta\.k8s\.io "" is invalid: force: Forbidden: /),
    `${maps}/there?force=true`,
  ),
]);

suite('strategic merge patches', [
  strategic('cut off', '{', is('bad', 'unexpected end of JSON input')),
  strategic('a list', [], is('bad', /./)),
  strategic('an unknown directive', { $patch: 'nope' }, is('bad', /nope/)),
  strategic('an item that is none', { metadata: { ownerReferences: [1] } }, is('bad', /./)),
  strategic(
    'an item without its key',
    { metadata: { ownerReferences: [{ name: 'x' }] } },
    is('bad', /does not contain declared merge key: uid$/),
  ),
  strategic(
    'a wrong type',
    { metadata: { finalizers: { a: 1 } } },
    is('invalid', /cannot unmarshal object into Go struct field/),
  ),
  strategic('9,000 levels', `{"y":${nested(9000)}}`, is('bad', 'exceeded max depth')),
]);

const managed = `${maps}/there?fieldManager=m`;
const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: there }';

/** Upstream answers what does not fit the type with a bare 500. */
function isUntyped(problem: string): Expected {
  const message = `failed to create typed patch object (/there; /v1, Kind=ConfigMap): ${problem}`;
  return [500, undefined, message];
}

suite('apply patches', [
  apply('no YAML', 'a: [', is('bad', /^error decoding YAML: error converting YAML to JSON: yaml: line 1: /), managed),
  apply('a number', '5', is('bad', /^error decoding YAML: /), managed),
  apply('no manager', config, is('invalid', /: fieldManager: Required value: is required for apply patch$/)),
  apply('no version', '{}', is('bad', 'invalid object type: /, Kind='), managed),
  apply(
    'another name',
    config.replace('there', 'b'),
    is('bad', /^the name of the object \(b\) does not match/),
    managed,
  ),
  apply('a wrong type', `${config}\ndata: 5`, isUntyped('.data: expected map, got &{5}'), managed),
  apply('an unknown field', `${config}\nfoo: 5`, isUntyped('.foo: field not declared in schema'), managed),
  apply(
    'managed fields',
    config.replace('}', ', managedFields: [{ manager: x }] }'),
    is('bad', 'metadata.managedFields must be nil'),
    managed,
  ),
]);

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const scaled = `${deployments}/web/scale`;

suite('scale', [
  merge('of nothing', {}, is('missing', 'deployments.apps "gone" not found'), `${deployments}/gone/scale`),
  merge('a text', { spec: { replicas: 'x' } }, is('invalid', /cannot unmarshal string into Go struct field/), scaled),
  merge(
    'a fraction',
    { spec: { replicas: 1.5 } },
    is('invalid', /cannot unmarshal number 1\.5 into Go struct field/),
    scaled,
  ),
  merge(
    'less than nothing',
    { spec: { replicas: -1 } },
    is('invalid', /^Scale\.autoscaling "web" is invalid: spec\.replicas: Invalid value: -1: /),
    scaled,
  ),
  merge(
    'no metadata and another kind',
    { metadata: null, kind: 'Pod' },
    is('bad', /cannot be handled as a Scale/),
    scaled,
  ),
  put(
    'an old version',
    { metadata: { name: 'web', resourceVersion: '1' }, spec: { replicas: 1 } },
    is('conflict', `Operation cannot be fulfilled on deployments.apps "web": ${modified}`),
    scaled,
  ),
]);

const subdomain = (value: string) =>
  new RegExp(
    `^ConfigMap "${value}" is invalid: metadata\\.name: Invalid value: "${value}": a lowercase RFC 1123 subdomain must`,
  );

suite('objects that break the rules', [
  post(
    'no name',
    { metadata: {} },
    is('invalid', 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'),
  ),
  post('capitals', { metadata: { name: 'Bad_Name' } }, is('invalid', subdomain('Bad_Name'))),
  post('dots', { metadata: { name: '..' } }, is('invalid', subdomain('\\.\\.'))),
  post('no UTF-8', '{"metadata":{"name":"a\ufffd"}}', is('invalid', subdomain('a\ufffd'))),
  post(
    '254 letters',
    { metadata: { name: 'a'.repeat(254) } },
    is('invalid', /must be no more than 253 (characters|bytes)/),
  ),
  post(
    'annotations of more than 256 KiB',
    { metadata: { name: 'a', annotations: { a: 'x'.repeat(262_145) } } },
    is('invalid', 'ConfigMap "a" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes'),
  ),
  post(
    'more than 1 MiB of data',
    { metadata: { name: 'a' }, data: { a: 'x'.repeat(1_048_577) } },
    is('invalid', /Too long: may not be more than 1048576 bytes$/),
  ),
  post(
    'a resource version',
    { metadata: { name: 'a', resourceVersion: '5' } },
    is('bad', 'resourceVersion should not be set on objects to be created'),
  ),
  post(
    'another namespace',
    { metadata: { name: 'a', namespace: 'kube-system' } },
    is('bad', 'the namespace of the provided object does not match the namespace sent on the request'),
  ),
  post(
    'a namespace that is not there',
    { metadata: { name: 'a' } },
    is('missing', 'namespaces "nope" not found'),
    '/api/v1/namespaces/nope/configmaps',
  ),
  post(
    'no namespace',
    { metadata: { name: 'a' } },
    is('bad', 'an empty namespace may not be set during creation'),
    '/api/v1/configmaps',
  ),
  post('one that is there', { metadata: { name: 'there' } }, is('exists', 'configmaps "there" already exists')),
  post(
    'unknown validation',
    {},
    is('invalid', /^CreateOptions\.meta\.k8s\.io "" is invalid: fieldValidation: Unsupported value: "Nope"/),
    `${maps}?fieldValidation=Nope`,
  ),
  post(
    'unknown dry run',
    {},
    is('invalid', 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "x": supported values: "All"'),
    `${maps}?dryRun=x`,
  ),
]);

test('every rule that is broken is a cause, with its field', async () => {
  const metadata = { name: 'Bad', labels: { '-a': 'ok', ok: 'x y' } };
  const answer = await api.send({ method: 'POST', path: maps, headers: json, body: JSON.stringify({ metadata }) });
  check(
    answer,
    is('invalid', /^ConfigMap "Bad" is invalid: \[metadata\.name: Invalid value: "Bad": .*, metadata\.labels: /),
  );
  const { name, kind, causes } = answer.json.details;
  assert.deepEqual({ name, kind }, { name: 'Bad', kind: 'ConfigMap' });
  assert.deepEqual(
    causes.map(({ reason, field }: Record<string, string>) => ({ reason, field })),
    ['metadata.name', 'metadata.labels', 'metadata.labels'].map(field => ({ reason: 'FieldValueInvalid', field })),
  );
});

const conflict = is('conflict', `Operation cannot be fulfilled on configmaps "there": ${modified}`);
const there = (metadata: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'there', ...metadata } });

suite('updates', [
  put('an old version', there({ resourceVersion: '1' }), conflict, `${maps}/there`),
  put('a version that is none', there({ resourceVersion: 'abc' }), conflict, `${maps}/there`),
  put(
    'another uid',
    there({ uid: 'abc' }),
    is(
      'conflict',
      /^Operation cannot be fulfilled on configmaps "there": Precondition failed: UID in precondition: abc, UID in object meta: /,
    ),
    `${maps}/there`,
  ),
  put(
    'another name',
    there({ name: 'b' }),
    is('bad', 'the name of the object (b) does not match the name on the URL (there)'),
    `${maps}/there`,
  ),
  put('of nothing', there({ name: 'gone' }), is('missing', 'configmaps "gone" not found'), `${maps}/gone`),
]);

const decoded = 'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal';

suite('deletions', [
  remove('cut off', '{', is('bad', /unexpected end of JSON input$/), `${maps}/there`),
  remove('a list', '[]', is('bad', /cannot unmarshal array/), `${maps}/there`),
  remove(
    'another kind',
    '{"kind":"Pod","apiVersion":"v1"}',
    is('bad', /^Pod in version "v1" cannot be handled/),
    `${maps}/there`,
  ),
  remove(
    'a grace that is no number',
    '{"gracePeriodSeconds":"x"}',
    is('bad', `${decoded} string into Go struct field DeleteOptions.gracePeriodSeconds of type int64`),
    `${maps}/there`,
  ),
  remove(
    'an unknown policy',
    { propagationPolicy: 'Nope' },
    is('invalid', /propagationPolicy: Unsupported value: "Nope"/),
    `${maps}/there`,
  ),
  remove(
    'another uid',
    { preconditions: { uid: 'abc' } },
    is(
      'conflict',
      /^Operation cannot be fulfilled on configmaps "there": the UID in the precondition \(abc\) does not match the UID in record/,
    ),
    `${maps}/there`,
  ),
  remove(
    'a query that is no number',
    '',
    is('bad', 'strconv.ParseInt: parsing "x": invalid syntax'),
    `${maps}/there?gracePeriodSeconds=x`,
  ),
  remove('of nothing', '', is('missing', 'configmaps "gone" not found'), `${maps}/gone`),
]);

test('bytes that are no UTF-8 become replacement characters, as in Go', async () => {
  const body = Buffer.concat([
    Buffer.from('{"metadata":{"name":"bytes"},"data":{"a":"'),
    Buffer.from([0xff]),
    Buffer.from('"}}'),
  ]);
  const answer = await api.send({ method: 'POST', path: maps, headers: json, body });
  assert.equal(answer.json.data.a, '\ufffd');
});

test('what is deep where anything may be is stored, watched and read in every form', async () => {
  const revisions = '/apis/apps/v1/namespaces/default/controllerrevisions';
  const data = nested(2000);
  const body = `{"metadata":{"name":"deep"},"revision":1,"data":${data}}`;
  const made = await api.send({ method: 'POST', path: revisions, headers: json, body });
  assert.equal(made.status, 201, made.text);
  for (const accept of [
    'application/json',
    'application/yaml',
    'application/vnd.kubernetes.protobuf',
    'application/json;as=Table;g=meta.k8s.io;v=v1',
  ]) {
    const read = await api.send({ path: `${revisions}/deep`, headers: { accept } });
    assert.ok(read.status === 200 || read.status === 400, `${accept}: ${read.status} ${read.text.slice(0, 200)}`);
    const watched = await api.send({ path: `${revisions}?watch=1&timeoutSeconds=1`, headers: { accept } });
    assert.ok(watched.status === 200 || watched.status === 406, `${accept}: ${watched.status}`);
  }
  const schema = `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"a.b.c"},"spec":{"versions":[{"name":"v1","schema":{"openAPIV3Schema":${'{"properties":{"a":'.repeat(4000)}{}${'}}'.repeat(4000)}}}]}}`;
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const refused = await api.send({ method: 'POST', path, headers: json, body: schema });
  assert.ok(refused.status === 400 || refused.status === 422, refused.text.slice(0, 300));
  assert.equal((await api.send({ method: 'DELETE', path: `${revisions}/deep` })).status, 200);
});
