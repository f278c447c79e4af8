import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom, createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { openSqliteStore } from '#store';
import { startTestApiServer } from '../testing.ts';
import { encryptStore } from './encrypted-store.ts';
import { createEncryption } from './encryption.ts';
import { parseEncryptionConfig } from './encryption-config.ts';
import { createSealer } from './providers.ts';

const random = createRandom();
const secretOf = (fill: number, length = 32) => Buffer.alloc(length, fill).toString('base64');
const key = '/registry/secrets/default/a';

const config = (providers: string) => `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers: ${providers}
`;
const rulesOf = (providers: string) => parseEncryptionConfig('enc.yaml', config(providers), random);
const keyed = (provider: string, ...keys: [name: string, fill: number][]) =>
  `{ ${provider}: { keys: [${keys.map(([name, fill]) => `{ name: ${name}, secret: ${secretOf(fill)} }`).join(', ')}] } }`;
const encryptionOf = (providers: string) =>
  createEncryption({ rules: rulesOf(providers), resourceOf: path => path.split('/')[2] });

for (const provider of ['aesgcm', 'aescbc', 'secretbox']) {
  test(`${provider}: stored with upstream's prefix, opened again, not readable`, () => {
    const encryption = encryptionOf(`[${keyed(provider, ['key1', 7])}, { identity: {} }]`);
    const plain = Buffer.from('{"kind":"Secret","data":"hidden"}');
    const stored = Buffer.from(encryption.seal(key, plain));
    assert.ok(stored.toString('latin1').startsWith(`k8s:enc:${provider}:v1:key1:`));
    assert.ok(!stored.includes('hidden'));
    assert.deepEqual(encryption.open(key, stored), { plain, isStale: false });
    assert.deepEqual(encryption.open(key, plain), { plain, isStale: true });
    assert.notDeepEqual(encryption.seal(key, plain), stored, 'a nonce is used once');
  });

  test(`${provider}: a changed byte is noticed, or opens to something else`, () => {
    const sealer = createSealer({ provider: provider as 'aesgcm', keyName: 'k', secret: Buffer.alloc(32, 1), random });
    const stored = sealer.seal(Buffer.from('{"a":1}'), key);
    stored[stored.length - 20]! ^= 1;
    let opened: Buffer | undefined;
    try {
      opened = sealer.open(stored, key);
    } catch {
      return; // noticed
    }
    assert.notEqual(opened.toString(), '{"a":1}');
  });
}

test('secretbox opens what NaCl sealed (the vector of its test suite)', () => {
  const secret = Buffer.from('1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389', 'hex');
  const nonce = '69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37';
  const box =
    'f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5';
  const sealer = createSealer({ provider: 'secretbox', keyName: 'k', secret, random });
  const opened = sealer.open(Buffer.concat([sealer.prefix, Buffer.from(nonce + box, 'hex')]), key);
  assert.equal(opened.length, 131);
  assert.equal(opened.subarray(0, 8).toString('hex'), 'be075fc53c81f2d5');
});

test('aesgcm binds a value to its place', () => {
  const encryption = encryptionOf(`[${keyed('aesgcm', ['k', 1])}]`);
  const stored = encryption.seal(key, Buffer.from('{}'));
  assert.throws(
    () => encryption.open('/registry/secrets/default/b', stored),
    /secrets\/default\/b is encrypted by provider aesgcm with key "k", and the key of that name does not open it/,
  );
});

test('the first key writes, all read, and what an older one wrote is stale', () => {
  const old = encryptionOf(`[${keyed('aescbc', ['old', 1])}]`);
  const plain = Buffer.from('{"a":1}');
  const stored = old.seal(key, plain);
  const both = encryptionOf(`[${keyed('secretbox', ['new', 2])}, ${keyed('aescbc', ['old', 1])}]`);
  assert.deepEqual(both.open(key, stored), { plain, isStale: true });
  assert.match(Buffer.from(both.seal(key, plain)).toString('latin1'), /^k8s:enc:secretbox:v1:new:/);
});

test('a lost key is named, and so is plain text that is not allowed', () => {
  const stored = encryptionOf(`[${keyed('aescbc', ['old', 1])}]`).seal(key, Buffer.from('{}'));
  const other = encryptionOf(`[${keyed('aescbc', ['new', 1])}]`);
  assert.throws(
    () => other.open(key, stored),
    /encrypted by provider aescbc with key "old", which the configuration does not have/,
  );
  assert.throws(() => other.open(key, Buffer.from('{}')), /stored in plain text/);
});

test('resources are found by name, group and wildcard, the first entry that matches', () => {
  const text = `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- { resources: [secrets, widgets.example.com], providers: [${keyed('aesgcm', ['a', 1])}] }
- { resources: ['*.apps'], providers: [${keyed('aesgcm', ['b', 1])}] }
- { resources: ['*.'], providers: [{ identity: {} }] }
- { resources: ['*.*'], providers: [${keyed('aesgcm', ['c', 1])}] }
`;
  const encryption = createEncryption({ rules: parseEncryptionConfig('f', text, random), resourceOf: name => name });
  const keyOf = (resource: string) =>
    /v1:(.):/.exec(Buffer.from(encryption.seal(resource, Buffer.from('{}'))).toString('latin1'))?.[1];
  assert.deepEqual(
    ['secrets', 'widgets.example.com', 'deployments.apps', 'pods', 'leases.coordination.k8s.io'].map(keyOf),
    ['a', 'a', 'b', undefined, 'c'],
  );
});

const bad: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['another kind', 'kind: Policy\napiVersion: v1', /^enc.yaml: kind: must be EncryptionConfiguration, not "Policy"$/],
  ['no YAML', '{', /^enc.yaml: is not YAML: /],
  [
    'a short key',
    config('[{ aesgcm: { keys: [{ name: a, secret: c2hvcnQ= }] } }]'),
    /^enc.yaml: resources\[0\].providers\[0\].aesgcm.keys\[0\].secret: must be 16, 24, 32 bytes long for aesgcm, and is 5$/,
  ],
  ['no base64', config('[{ secretbox: { keys: [{ name: a, secret: "!!!" }] } }]'), /keys\[0\].secret: must be base64$/],
  ['an unknown provider', config('[{ rot13: {} }]'), /providers\[0\].rot13: no such field/],
  ['kms', config('[{ kms: { name: a } }]'), /providers\[0\].kms: kms is not built/],
  ['two keys of one name', config(`[${keyed('aescbc', ['a', 1], ['a', 2])}]`), /keys\[1\].name: must be unique/],
  ['no providers', config('[]'), /resources\[0\].providers: must have at least one provider/],
];

for (const [what, text, message] of bad) {
  test(`a configuration with ${what} is refused, naming the field`, () => {
    assert.throws(() => parseEncryptionConfig('enc.yaml', text, random), { name: 'DocumentError', message });
  });
}

test('over a store: sealed below, plain above, watches too, rewritten on demand', async () => {
  const [clock, log] = [createSystemClock(), createRecordingLog()];
  await using raw = await openSqliteStore({ path: ':memory:', clock, log });
  const encryption = createEncryption({
    rules: rulesOf(`[${keyed('aesgcm', ['one', 1])}, { identity: {} }]`),
    resourceOf: path => path.split('/')[2],
  });
  const store = encryptStore(raw, encryption);
  await using server = await startTestApiServer({ store });
  using watch = server.watch('/api/v1/secrets?watch=true');
  const path = '/api/v1/namespaces/default/secrets';
  const body = { metadata: { name: 'a' }, stringData: { password: 'open sesame' } };
  assert.equal((await server.call('POST', path, { body })).status, 201);
  assert.equal((await watch.next()).object.data.password, Buffer.from('open sesame').toString('base64'));
  const storedText = async () => Buffer.from((await raw.get(key))!.value).toString('latin1');
  assert.match(await storedText(), /^k8s:enc:aesgcm:v1:one:/);
  await server.call('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'a' } } });
  assert.match(
    Buffer.from((await raw.get('/registry/configmaps/default/a'))!.value).toString(),
    /^\{"kind":"ConfigMap"/,
  );
  encryption.setRules(rulesOf(`[${keyed('secretbox', ['two', 2])}, ${keyed('aesgcm', ['one', 1])}]`));
  assert.equal(await store.isStale(key), true);
  assert.equal(await store.rewrite('/registry/'), 1);
  assert.match(await storedText(), /^k8s:enc:secretbox:v1:two:/);
  assert.equal(await store.rewrite('/registry/'), 0);
  assert.equal(await store.isStale(key), false);
  assert.equal(
    (await server.call('GET', `${path}/a`)).json.data.password,
    Buffer.from('open sesame').toString('base64'),
  );
  await assert.rejects(store.verify('/registry/', encryptionOf('[{ identity: {} }]')), /secretbox with key "two"/);
});
