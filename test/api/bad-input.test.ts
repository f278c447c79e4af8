/** What no client should send, sent to the real server over TLS, and what upstream answers. Nothing of it may stop the server or be its fault (5xx). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type Case, describeCases, type Expected, is } from './cases.ts';
import { type SecureApi, startSecureApi } from './fixture.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const json = { 'content-type': 'application/json' };
const yaml = { 'content-type': 'application/yaml' };
const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
const strict = `${maps}?fieldValidation=Strict`;

let api: SecureApi;
before(async () => {
  api = await startSecureApi();
  await api.put(maps, { metadata: { name: 'there' }, data: { x: '1' } });
});
after(async () => {
  const failures = api.log.records.filter(({ level }) => level === 'error');
  await api[Symbol.asyncDispose]();
  assert.deepEqual(failures, [], 'the server blames itself for nothing');
});

const suite = (title: string, cases: readonly Case[]) => describeCases(title, () => api, cases);

const post = (name: string, body: string | Uint8Array, expected: Expected, headers = json, path = maps): Case => ({
  name,
  method: 'POST',
  path,
  headers,
  body,
  is: expected,
});

const unrecognized = 'the object provided is unrecognized (must be of type ConfigMap): ';
const noKind = `${unrecognized}couldn't get version/kind; json parse error: `;
const cannot = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: ';
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

suite('JSON', [
  post('nothing at all', '', is('bad', `${noKind}unexpected end of JSON input (<empty>)`)),
  post('cut off', '{"metadata":', is('bad', `${noKind}unexpected end of JSON input ({"metadata":)`)),
  post('no JSON', 'nope', is('bad', `${noKind}invalid character 'o' in literal null (expecting 'u') (6e6f7065)`)),
  post('two documents', '{"a":1}{', is('bad', `${noKind}invalid character '{' after top-level value ({"a":1}{)`)),
  post(
    'a long body is shown in part',
    `{"metadata":{"name":"${'a'.repeat(99)}`,
    is('bad', `${noKind}unexpected end of JSON input ({"metadata":{"name":"aaaaaaaaa ...)`),
  ),
  post('a list', '[]', is('bad', /json: cannot unmarshal array into Go value of type struct \{ APIVersion string /)),
  post('a kind that is a number', '{"kind":5}', is('bad', /number into Go struct field \.kind of type string/)),
  post(
    'a wrong type',
    '{"metadata":{"name":5}}',
    is('bad', `${cannot}json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string`),
  ),
  post('10,001 levels', `{"y":${nested(10_000)}}`, is('bad', /json parse error: exceeded max depth \(/)),
  post('100,000 levels', '['.repeat(100_000), is('bad', /json parse error: exceeded max depth \(/)),
  post(
    'a key twice, strictly',
    '{"metadata":{"name":"twice","name":"again"}}',
    is('bad', `${cannot}strict decoding error: duplicate field "metadata.name"`),
    json,
    strict,
  ),
  post(
    'an unknown field, strictly',
    '{"metadata":{"name":"odd"},"nope":1}',
    is('bad', `${cannot}strict decoding error: unknown field "nope"`),
    json,
    strict,
  ),
]);

const yamlError = `${unrecognized}error converting YAML to JSON: yaml: `;
const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...'bcdefghij'].map((line, i) =>
  i === 0 ? line : `${line}: &${line} [${Array(9).fill(`*${'abcdefghij'[i - 1]}`)}]`,
);

suite('YAML', [
  post(
    'a list that does not end',
    'a: [',
    is('bad', /error converting YAML to JSON: yaml: line 1: .* \(613a205b\)$/),
    yaml,
  ),
  post('tabs', '\t- x', is('bad', /yaml: line 1: /), yaml),
  post('an alias of nothing', 'a: *b', is('bad', `${yamlError}unknown anchor referenced (613a202a62)`), yaml),
  post('aliases that multiply', bomb.join('\n'), is('bad', /yaml: document contains excessive aliasing/), yaml),
  post('no UTF-8', Buffer.from('613a20fffe', 'hex'), is('bad', /yaml: invalid leading UTF-8 octet/), yaml),
  post('10,000 levels', `{a: ${'['.repeat(10_000)}`, is('bad', /yaml: exceeded max depth/), yaml),
  post('two documents', 'a: 1\n---\nb: 2', is('bad', /yaml: line 2: only one document is possible here/), yaml),
  post(
    'a key twice, strictly',
    'metadata: {name: a}\nmetadata: {name: b}',
    is('bad', `${cannot}strict decoding error: yaml: unmarshal errors:\n  line 2: key "metadata" already set in map`),
    yaml,
    strict,
  ),
]);

/** An envelope around the bytes of a message. */
function envelope(kind: string, raw: Uint8Array): Buffer {
  const meta = Buffer.concat([
    Buffer.from([0x0a, 2]),
    Buffer.from('v1'),
    Buffer.from([0x12, kind.length]),
    Buffer.from(kind),
  ]);
  return Buffer.concat([
    Buffer.from('k8s\0\n'),
    Buffer.from([meta.length]),
    meta,
    Buffer.from([0x12, raw.length]),
    raw,
  ]);
}
const hex = (text: string) => Buffer.from(text, 'hex');

suite('protobuf', [
  post('nothing at all', '', is('bad', `${unrecognized}empty data (<empty>)`), protobuf),
  post(
    'wrong magic',
    'hello',
    is('bad', /does not appear to be a protobuf message, expected prefix \[107 56 115 0\] \(68656c6c6f\)$/),
    protobuf,
  ),
  post('only the magic', 'k8s\0', is('bad', `${unrecognized}empty body (6b387300)`), protobuf),
  post('cut off', hex('6b3873000a0f0a027631'), is('bad', /proto: unexpected EOF/), protobuf),
  post('a length of 4 GiB', hex('6b3873000affffffff0f'), is('bad', /proto: unexpected EOF/), protobuf),
  post('a negative length', hex('6b3873000affffffffffffffffff01'), is('bad', /proto: /), protobuf),
  post('an object cut off', envelope('ConfigMap', hex('0a7f01')), is('bad', /proto: unexpected EOF/), protobuf),
  post(
    'a field of another wire type',
    envelope('ConfigMap', hex('0801')),
    is('bad', /proto: wrong wireType = 0/),
    protobuf,
  ),
  post('groups in groups', envelope('ConfigMap', Buffer.alloc(100, 0x0b)), is('bad', /proto: /), protobuf),
  post('another kind', envelope('Secret', hex('')), is('bad', /^Secret in version "v1" cannot be handled/), protobuf),
  post('an unknown kind', envelope('Nope', hex('')), is('bad', /Nope/), protobuf),
]);

const limit = 3 * 1024 * 1024;
const large = is('large', `Request entity too large: limit is ${limit}`);
const big = `{"metadata":{"name":"big"},"data":{"a":"${'x'.repeat(limit)}"}}`;
const mergePatch = { 'content-type': 'application/merge-patch+json' };

suite('bodies over the limit', [
  post('a POST', big, large),
  post('a POST of unknown length', big, large, { ...json, 'transfer-encoding': 'chunked' } as typeof json),
  post('20 MiB', Buffer.alloc(20 * 1024 * 1024, ' '), large),
  { name: 'a PUT', method: 'PUT', path: `${maps}/big`, headers: json, body: big, is: large },
  { name: 'a PATCH', method: 'PATCH', path: `${maps}/there`, headers: mergePatch, body: big, is: large },
  { name: 'a DELETE', method: 'DELETE', path: `${maps}/there`, headers: json, body: big, is: large },
]);

const unregistered = (kind: string, version: string) =>
  `no kind "${kind}" is registered for version "${version}" in scheme "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"`;

suite('kinds and versions that are not the ones', [
  post(
    'another kind',
    '{"kind":"Secret"}',
    is('bad', /converting \(v1\.Secret\) to \(core\.ConfigMap\): unknown conversion$/),
  ),
  post(
    'an unknown kind',
    '{"apiVersion":"v1","kind":"Nope"}',
    is('bad', `Nope in version "v1" cannot be handled as a ConfigMap: ${unregistered('Nope', 'v1')}`),
  ),
  post(
    'an unknown version',
    '{"apiVersion":"v2","kind":"ConfigMap"}',
    is('bad', `ConfigMap in version "v2" cannot be handled as a ConfigMap: ${unregistered('ConfigMap', 'v2')}`),
  ),
  post(
    'another version of the kind',
    '{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler"}',
    is('bad', 'the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)'),
    json,
    '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
  ),
]);

const media = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';
const unknownFormat = 'the body of the request was in an unknown format - accepted media types include: ';
const patchMedia =
  'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml';
const accepts = (name: string, accept: string, path = maps): Case => ({
  name,
  path,
  headers: { accept },
  is: is('accept', `only the following media types are accepted: ${media}`),
});

suite('media types', [
  post('plain text', '{}', is('media', unknownFormat + media), { 'content-type': 'text/plain' }),
  post('no media type', '{}', is('media', unknownFormat + media), { 'content-type': 'garbage' }),
  post('plain text that is empty', '', is('media', unknownFormat + media), { 'content-type': 'text/plain' }),
  {
    name: 'a patch',
    method: 'PATCH',
    path: `${maps}/there`,
    headers: json,
    body: '{}',
    is: is('media', unknownFormat + patchMedia),
  },
  accepts('an answer in HTML', 'text/html'),
  accepts('an answer in CBOR', 'application/cbor'),
  accepts('an answer as an unknown kind', 'application/json;as=Nope;g=meta.k8s.io;v=v1'),
  accepts('garbage', 'garbage'),
]);

const nowhere = is('missing', 'the server could not find the requested resource');
const wrongMethod = is('method', 'the server does not allow this method on the requested resource');
const paths = (expected: Expected, ...lines: string[]): Case[] =>
  lines.map(line => {
    const [method = '', path = ''] = line.split(' ');
    return { name: line, method, path, is: expected };
  });

suite('paths', [
  ...paths(
    nowhere,
    'GET /',
    'GET /nope',
    'GET /api/v2/pods',
    'GET /apis/nope/v1/things',
    'GET /apis/apps/v9/deployments',
  ),
  ...paths(
    nowhere,
    `GET ${maps}/there/nope`,
    'GET /api/v1/namespaces/default/nopes',
    'GET /api/v1/namespaces/default/nodes',
  ),
  ...paths(nowhere, `GET ${maps}/there%2fnope`, `GET ${maps}/a/../there`, 'GET //api/v1/pods', 'GET /api//v1/pods'),
  ...paths(nowhere, 'GET /apis/apps/v1/namespaces/default/deployments/a/scale/b'),
  ...paths(wrongMethod, `PUT ${maps}`, `PATCH ${maps}`, `POST ${maps}/there`, `OPTIONS ${maps}`, `TRACE ${maps}`),
  ...paths(
    wrongMethod,
    'DELETE /api/v1/namespaces/default/pods/a/status',
    'GET /api/v1/namespaces/default/pods/a/binding',
  ),
  ...paths(
    wrongMethod,
    'POST /apis/apps',
    'PUT /version',
    'GET /apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
  ),
  ...paths(is('bad', `Name parameter invalid: "..": may not be '..'`), `GET ${maps}/..`, `DELETE ${maps}/%2e%2e`),
  ...paths(is('bad', `Name parameter invalid: "a%b": may not contain '%'`), `GET ${maps}/a%25b`),
  ...paths(is('bad', /^invalid path /), `GET ${maps}/%zz`, `GET ${maps}/%ff`),
  ...paths(is('missing', 'configmaps "a\0b" not found'), `GET ${maps}/a%00b`),
]);

const continued = (token: object) => `continue=${Buffer.from(JSON.stringify(token)).toString('base64url')}`;
const noToken = 'invalid continue token: continue key is not valid';
const asks = (query: string, message: string | RegExp, path = maps): Case => ({
  name: query,
  path: `${path}?${query}`,
  is: is('bad', message),
});
const noVersion = (value: string, why: string) =>
  `invalid resource version: resourceVersion: Invalid value: "${value}": strconv.ParseUint: parsing "${value}": ${why}`;

suite('lists and watches', [
  asks('resourceVersion=abc', noVersion('abc', 'invalid syntax')),
  asks('resourceVersion=-1', noVersion('-1', 'invalid syntax')),
  asks('resourceVersion=99999999999999999999', noVersion('99999999999999999999', 'value out of range')),
  asks('watch=1&resourceVersion=abc', noVersion('abc', 'invalid syntax')),
  asks('limit=abc', 'strconv.ParseInt: parsing "abc": invalid syntax'),
  asks('limit=99999999999999999999', 'strconv.ParseInt: parsing "99999999999999999999": value out of range'),
  asks('timeoutSeconds=x', 'strconv.ParseInt: parsing "x": invalid syntax'),
  asks('continue=!!', `${noToken}: illegal base64 data at input byte 0`),
  asks('continue=bm9wZQ', `${noToken}: invalid character 'o' in literal null (expecting 'u')`),
  asks(continued({ v: 'v9' }), `${noToken}: server does not recognize this encoded version v9`),
  asks(
    continued({ v: 'meta.k8s.io/v1', start: 'a' }),
    /incorrect encoded start resourceVersion \(version meta.k8s.io\/v1\)$/,
  ),
  asks(continued({ v: 'meta.k8s.io/v1', rv: 5 }), `${noToken}: encoded start key empty (version meta.k8s.io/v1)`),
  asks(continued({ v: 'meta.k8s.io/v1', rv: 5, start: '../secrets' }), `${noToken}: ../secrets`),
  asks(
    continued({ v: 'meta.k8s.io/v1', rv: 1.5, start: 'a' }),
    /cannot unmarshal number into Go struct field continueToken\.rv/,
  ),
  asks('labelSelector=!!', "unable to parse requirement: found '!', expected: identifier"),
  asks('labelSelector=a%20in%20(', /^unable to parse requirement: /),
  asks('labelSelector=-a', /^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of/),
  asks('labelSelector=a=-b', /values\[0\]\[a\]: Invalid value: "-b": a valid label must be an empty string or/),
  asks('fieldSelector=abc', "invalid selector: 'abc'; can't understand 'abc'"),
  asks('fieldSelector=spec.x=1', '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'),
  asks('fieldSelector=spec.x=1', 'field label not supported: spec.x', '/api/v1/pods'),
]);

test('methods that nobody knows (HTTP/2: the parser of HTTP/1.1 takes none of them)', async () => {
  const session = await api.http2();
  for (const method of ['FOO', 'get', 'delete', 'create', 'deletecollection', 'PURGE']) {
    const stream = session.request({ ':method': method, ':path': maps });
    const chunks: Buffer[] = [];
    stream.on('data', chunk => chunks.push(chunk));
    stream.end();
    await once(stream, 'close');
    const { code, reason, message } = JSON.parse(Buffer.concat(chunks).toString());
    assert.deepEqual([code, reason, message], wrongMethod, method);
  }
  session.close();
});
