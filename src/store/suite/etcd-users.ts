import { connectGrpc } from '#wire';
import { readSchema } from '#wire/testing';

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
export async function protectEtcd(
  endpoint: string,
  user: { name: string; password: string; prefixes: readonly (readonly [from: string, to: string])[] },
): Promise<void> {
  const connection = connectGrpc({ address: endpoint, now: () => Date.now() });
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
