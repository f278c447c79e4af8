import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Namespace, Secret } from '#api';
import { resources } from '#api';
import { startTestControllers } from '../testing.ts';
import { rootCaPublisher, serviceaccount, serviceaccountToken } from './controller.ts';

const { namespaces, serviceaccounts, configmaps, secrets } = resources;
const dev: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'dev' }, spec: {} };

test('every namespace gets its default account and the root authority, and gets them back', async () => {
  await using deps = await startTestControllers([serviceaccount, rootCaPublisher], [dev]);
  const account = { namespace: 'dev', name: 'default' };
  const ca = { namespace: 'dev', name: 'kube-root-ca.crt' };
  assert.ok(deps.client.peek(serviceaccounts, account));
  assert.deepEqual(deps.client.peek(configmaps, ca)?.data, { 'ca.crt': 'CA' });
  await deps.client.delete(serviceaccounts, account);
  await deps.client.patch(configmaps, ca, { type: 'merge', body: { data: { 'ca.crt': 'forged', more: 'x' } } });
  await deps.client.create(namespaces, { metadata: { name: 'new' } });
  await deps.settle();
  assert.ok(deps.client.peek(serviceaccounts, account));
  assert.deepEqual(deps.client.peek(configmaps, ca)?.data, { 'ca.crt': 'CA' });
  assert.ok(deps.client.peek(serviceaccounts, { namespace: 'new', name: 'default' }));
});

test('a namespace that is going away gets nothing', async () => {
  const dying = { ...dev, metadata: { name: 'dev', deletionTimestamp: '2026-01-01T00:00:00Z' } };
  await using deps = await startTestControllers([serviceaccount], [dying]);
  assert.deepEqual(deps.client.calls, []);
});

const secret = (name: string, account: string): Secret => ({
  ...{ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/service-account-token' },
  metadata: { namespace: 'dev', name, annotations: { 'kubernetes.io/service-account.name': account } },
});
const robot = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace: 'dev', name: 'robot', uid: 'u1' } };
const signToken = async ({
  namespace,
  serviceAccount,
  secret: name,
}: {
  namespace: string;
  serviceAccount: { name: string; uid: string };
  secret: string;
}) => `${namespace}/${serviceAccount.name}/${serviceAccount.uid}/${name}`;

test('a token secret is filled with token, authority and namespace, and goes with its account', async () => {
  await using deps = await startTestControllers([serviceaccountToken], [robot, secret('t', 'robot')], { signToken });
  const ref = { namespace: 'dev', name: 't' };
  const filled = deps.client.peek(secrets, ref)!;
  const decoded = Object.fromEntries(
    Object.entries(filled.data!).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
  assert.deepEqual(decoded, { token: 'dev/robot/u1/t', 'ca.crt': 'CA', namespace: 'dev' });
  assert.equal(filled.metadata.annotations?.['kubernetes.io/service-account.uid'], 'u1');
  await deps.client.delete(serviceaccounts, robot.metadata);
  await deps.settle();
  assert.equal(deps.client.peek(secrets, ref), undefined);
});

test('a token secret of no account is removed, and without a signer the user is told', async () => {
  await using deps = await startTestControllers(
    [serviceaccountToken],
    [robot, secret('t', 'robot'), secret('x', 'nobody')],
  );
  assert.deepEqual(
    deps.client.peekAll(secrets).map(({ metadata }) => metadata.name),
    ['t'],
  );
  assert.deepEqual(
    deps.recorded.map(({ reason, about }) => [reason, about]),
    [['TokenNotSigned', 'Secret dev/t']],
  );
});
