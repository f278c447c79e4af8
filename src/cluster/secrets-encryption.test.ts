import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMeter, createRandom } from '#base';
import { createFakeClock, createRecordingLog } from '#base/testing';
import { openSqliteStore } from '#store';
import { resolveConfig } from './config.ts';
import type { Config } from './config-table.ts';
import { planAction } from './encryption-actions.ts';
import { type KeyRing, makeKey } from './encryption-keys.ts';
import { openSecretsEncryption } from './secrets-encryption.ts';

const key = '/registry/secrets/default/a';
const random = createRandom();

async function setUp(options: Partial<Config>, folder = mkdtempSync(join(tmpdir(), 'wherry-encryption-'))) {
  const [clock, log, meter] = [createFakeClock(), createRecordingLog(), createMeter()];
  const raw = await openSqliteStore({ path: ':memory:', clock, log });
  const open = (more: Partial<Config> = {}) =>
    openSecretsEncryption(
      { ...resolveConfig([]), ...options, ...more },
      { folder, clock, random, log: log.child('encryption'), meter },
    );
  return {
    ...{ folder, clock, log, raw, open },
    stored: async () => Buffer.from((await raw.get(key))!.value).toString('latin1'),
    async [Symbol.asyncDispose]() {
      await raw[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const fileOf = (name: string, fill: number, more = '{ identity: {} }') => `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aesgcm: { keys: [{ name: ${name}, secret: ${Buffer.alloc(32, fill).toString('base64')} }] }
  - ${more}
`;

test('the switch makes a key for its owner only, which is used again, also without the switch', async () => {
  await using set = await setUp({ 'secrets-encryption': true });
  const store = set.open().wrap(set.raw);
  await store.write({ key, value: Buffer.from('{"a":1}'), expect: 0 });
  assert.match(await set.stored(), /^k8s:enc:aescbc:v1:aescbckey:/);
  const path = join(set.folder, 'cred', 'encryption-config.json');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(JSON.parse(readFileSync(path, 'utf8')).kind, 'EncryptionConfiguration');
  const again = set.open({ 'secrets-encryption': false }).wrap(set.raw);
  assert.equal(Buffer.from((await again.get(key))!.value).toString(), '{"a":1}');
});

test('a lost key is an error that names provider and key', async () => {
  await using set = await setUp({ 'secrets-encryption': true });
  await set
    .open()
    .wrap(set.raw)
    .write({ key, value: Buffer.from('{"a":1}'), expect: 0 });
  rmSync(join(set.folder, 'cred'), { recursive: true });
  const store = set.open({ 'secrets-encryption': false }).wrap(set.raw);
  await assert.rejects(
    store.list({ prefix: '/registry/' }),
    /secrets\/default\/a is encrypted by provider aescbc with key "aescbckey", which the configuration does not have/,
  );
});

test("a user's file is read again when it changes, unless something would become unreadable or it is wrong", async () => {
  await using set = await setUp({});
  const file = join(set.folder, 'enc.yaml');
  writeFileSync(file, fileOf('one', 1));
  const encryption = set.open({ 'encryption-provider-config': file });
  const store = encryption.wrap(set.raw);
  using _running = encryption.start();
  const { revision } = await store.write({ key, value: Buffer.from('{"a":1}'), expect: 0 });
  const change = async (text: string) => {
    writeFileSync(file, text);
    await set.clock.advance(10_000);
    await set.clock.advance(1);
  };
  await change(fileOf('two', 2));
  await change('nonsense: [');
  assert.deepEqual(
    set.log.records.filter(({ level }) => level === 'error').map(({ message }) => message),
    ['the changed encryption configuration is not used', 'the changed encryption configuration is not used'],
  );
  const rewritten = await store.write({ key, value: Buffer.from('{"a":2}'), expect: revision });
  assert.match(await set.stored(), /^k8s:enc:aesgcm:v1:one:/, 'the old file stays in force');
  const old = `aesgcm: { keys: [{ name: one, secret: ${Buffer.alloc(32, 1).toString('base64')} }] }`;
  await change(fileOf('two', 2, old));
  await store.write({ key, value: Buffer.from('{"a":3}'), expect: rewritten.revision });
  assert.match(await set.stored(), /^k8s:enc:aesgcm:v1:two:/);
});

test('both ways at once are refused, and so is a cipher that does not exist', async () => {
  await using set = await setUp({});
  const both = { 'secrets-encryption': true, 'encryption-provider-config': '/x' };
  assert.throws(() => set.open(both), /secrets-encryption and encryption-provider-config: use one/);
  assert.throws(
    () => set.open({ 'secrets-encryption-provider': 'rot13' }),
    /"rot13" is not one of aesgcm, aescbc, secretbox/,
  );
  assert.throws(() => set.open({ 'encryption-provider-config': '/none/x.yaml' }), /cannot read \/none\/x\.yaml/);
});

const ring = (stage: KeyRing['stage'], count: number, isEnabled = true): KeyRing => ({
  ...{ stage, isEnabled },
  keys: Array.from({ length: count }, (_, index) => ({ ...makeKey('aescbc', random), name: `k${index}` })),
});
const options = { isForced: false, keepsKeys: false, provider: 'aescbc' as const, random, nowMs: 0 };
const names = (step: KeyRing | 'rewrite') => (step === 'rewrite' ? step : step.keys.map(({ name }) => name).join());

test('a rotation goes in order: a key to read with, then to write with, then alone', () => {
  const made = 'aescbckey-19700101T000000Z';
  assert.deepEqual(planAction(ring('start', 1), 'prepare', options).map(names), [`k0,${made}`]);
  assert.deepEqual(planAction(ring('prepare', 2), 'rotate', options).map(names), ['k1,k0']);
  assert.deepEqual(planAction(ring('rotate', 2), 'reencrypt', options).map(names), ['rewrite', 'k0']);
  assert.deepEqual(planAction(ring('rotate', 2), 'reencrypt', { ...options, keepsKeys: true }).map(names), [
    'rewrite',
    'k0,k1',
  ]);
  const whole = planAction(ring('reencrypt_finished', 1), 'rotate-keys', options).map(names);
  assert.deepEqual(whole, [`k0,${made}`, `${made},k0`, 'rewrite', made]);
});

test('a step out of order is refused with what comes before it, and can be forced; disabled rings lose no key', () => {
  assert.throws(
    () => planAction(ring('start', 1), 'rotate', options),
    /rotate can follow the stage prepare, and this is start/,
  );
  assert.throws(
    () => planAction(ring('start', 1), 'rotate', { ...options, isForced: true }),
    /there is no other key to rotate to/,
  );
  assert.throws(() => planAction(ring('start', 1, false), 'prepare', options), /encryption is disabled/);
  const forced = planAction(ring('start', 2, false), 'reencrypt', { ...options, isForced: true });
  assert.deepEqual(forced.map(names), ['rewrite', 'k0,k1']);
});
