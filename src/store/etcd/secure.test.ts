import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { connectGrpc } from '#wire';
import { createTestCertificates, readSchema } from '#wire/testing';
import { create, recordWatch, text } from '../suite/harness.ts';
import { temporaryFolder } from '../suite/temporary.ts';
import { missingEtcd, startEtcd } from '../testing.ts';
import { openEtcdStore } from './open.ts';

const deps = { clock: createSystemClock(), log: createRecordingLog() };

async function startSecure() {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await temporaryFolder());
  const certificates = await createTestCertificates();
  const files = { ca: join(folder.path, 'ca.crt'), cert: join(folder.path, 'x.crt'), key: join(folder.path, 'x.key') };
  for (const name of ['ca', 'cert', 'key'] as const) await writeFile(files[name], certificates.tls[name]);
  const etcd = cleanup.use(await startEtcd({ tls: files }));
  const everything = cleanup.move();
  return { etcd, certificates, [Symbol.asyncDispose]: () => everything.disposeAsync() };
}

describe('etcd behind TLS', { skip: missingEtcd() ?? false }, () => {
  test('takes a client with a certificate of its authority, and nobody else', async () => {
    await using secure = await startSecure();
    const { certificates, etcd } = secure;
    const { endpoints } = etcd;
    const { ca } = certificates.tls;
    await using store = await openEtcdStore({ endpoints, tls: { ca, ...(await certificates.client('a')) } }, deps);
    using watch = recordWatch(store, { prefix: '/registry/', after: store.revision() });
    await watch.reached(await create(store, '/registry/a'));

    const stranger = await (await createTestCertificates()).client('a');
    const remedy = /check --datastore-cafile/;
    const refusals = [
      { ca, ...stranger },
      { ca },
      // Without the authority nobody believes the server.
      await certificates.client('a'),
    ];
    for (const tls of refusals)
      await assert.rejects(openEtcdStore({ endpoints, tls }, deps), { code: 'unavailable', message: remedy });
  });
});

describe('etcd with users', { skip: missingEtcd() ?? false }, () => {
  const name = 'wherry';
  const password = 'p@ss:word';
  const prefixes = [
    ['/registry/', '/registry0'],
    ['/bootstrap/', '/bootstrap0'],
    ['compact_rev_key', 'compact_rev_kez'],
  ] as const;

  test('takes the user with the password, also when etcd has forgotten the token, and nobody else', async () => {
    await using etcd = await startEtcd();
    const { endpoints, members } = etcd;
    await protectEtcd(endpoints[0]!, { name, password, prefixes });
    await using store = await openEtcdStore({ endpoints, user: { name, password } }, deps);
    using watch = recordWatch(store, { prefix: '/registry/', after: store.revision() });
    await watch.reached(await create(store, '/registry/a'));
    await store.compact(store.revision());

    // Tokens live in the memory of the member.
    await members[0]!.signal('SIGTERM');
    await members[0]!.start();
    await watch.reached(await create(store, '/registry/b'));
    assert.equal(text((await store.get('/registry/b'))?.value), '/registry/b');
    assert.equal(watch.error, undefined);

    await assert.rejects(openEtcdStore({ endpoints, user: { name, password: 'x' } }, deps), {
      message: /check user and password/,
    });
    await assert.rejects(openEtcdStore({ endpoints }, deps), { message: /it wants a user/ });
    await assert.rejects(store.get('/elsewhere'), { code: 'unavailable', message: /the user needs readwrite/ });
  });
});

/** The part of etcd's API with which an operator makes users. Numbers are those of rpc.proto and auth.proto. */
const table = {
  PermissionType: { READ: 0, WRITE: 1, READWRITE: 2 },
  Permission: { permType: [1, 'PermissionType'], key: [2, 'bytes'], range_end: [3, 'bytes'] },
  User: { name: [1, 'string'], password: [2, 'string'] },
  Role: { name: [1, 'string'] },
  UserRole: { user: [1, 'string'], role: [2, 'string'] },
  RolePermission: { name: [1, 'string'], perm: [2, 'Permission'] },
  Nothing: {},
  'service Auth': {
    UserAdd: ['User', 'Nothing'],
    RoleAdd: ['Role', 'Nothing'],
    UserGrantRole: ['UserRole', 'Nothing'],
    RoleGrantPermission: ['RolePermission', 'Nothing'],
    AuthEnable: ['Nothing', 'Nothing'],
  },
} as const;

/** Makes root and a user who may use what keys with the prefixes hold, and lets nobody else in. */
async function protectEtcd(
  endpoint: string,
  user: { name: string; password: string; prefixes: readonly (readonly [from: string, to: string])[] },
): Promise<void> {
  const connection = connectGrpc({ address: endpoint, now: deps.clock.now });
  const method = readSchema('etcdserverpb', table);
  const call = (name: string, message: object) =>
    connection.call({ method: method('Auth', name), message, timeoutMs: 5000 });
  await call('UserAdd', { name: 'root', password: 'root' });
  await call('RoleAdd', { name: 'root' });
  await call('UserGrantRole', { user: 'root', role: 'root' });
  await call('UserAdd', { name: user.name, password: user.password });
  await call('RoleAdd', { name: 'wherry' });
  for (const [from, to] of user.prefixes) {
    const perm = { permType: 'READWRITE', key: Buffer.from(from), rangeEnd: Buffer.from(to) };
    await call('RoleGrantPermission', { name: 'wherry', perm });
  }
  await call('UserGrantRole', { user: user.name, role: 'wherry' });
  await call('AuthEnable', {});
  connection.close();
}
