import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import * as x509 from '@peculiar/x509';
import type { CertificateSigningRequest, SubjectAccessReview } from '#api';
import { resources } from '#api';
import type { CertificateOrder } from '../config.ts';
import { startTestControllers } from '../testing.ts';
import { certificateApprover } from './approver.ts';
import { certificateCleaner, uselessAtMs } from './cleaner.ts';
import { parseRequest } from './request.ts';
import { signerNames, signerRules } from './rules.ts';
import { certificateSigner } from './signer.ts';

const { certificatesigningrequests } = resources;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const nodeUsages = ['client auth', 'digital signature', 'key encipherment'];

async function requestOf(subject: string, names: x509.JsonGeneralNames = []): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const extensions = names.length ? [new x509.SubjectAlternativeNameExtension(names)] : [];
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    ...{ name: subject, keys, signingAlgorithm: algorithm, extensions },
  });
  return Buffer.from(made.toString('pem')).toString('base64');
}

function object(
  name: string,
  spec: Partial<CertificateSigningRequest['spec']> & { request: string },
  status: CertificateSigningRequest['status'] = {},
): CertificateSigningRequest {
  return {
    ...{ apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' },
    metadata: { name, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { signerName: signerNames.kubeletClient, usages: nodeUsages, ...spec },
    status,
  };
}

const approved = { type: 'Approved', status: 'True', lastUpdateTime: '2026-01-01T00:00:00Z' };

test('what a request asks for is read from it', async () => {
  const request = await requestOf('O=system:nodes, CN=system:node:a', [
    { type: 'dns', value: 'a.example' },
    { type: 'ip', value: '10.0.0.1' },
    { type: 'email', value: 'a@b.example' },
    { type: 'url', value: 'spiffe://a' },
  ]);
  assert.deepEqual(await parseRequest(object('a', { request })), {
    ...{ commonName: 'system:node:a', organizations: ['system:nodes'], dnsNames: ['a.example'] },
    ...{ addresses: ['10.0.0.1'], emails: ['a@b.example'], uris: ['spiffe://a'] },
  });
});

test('each signer says in its own words what it does not sign', () => {
  const node = {
    ...{ commonName: 'system:node:a', organizations: ['system:nodes'] },
    ...{ dnsNames: [], addresses: [], emails: [], uris: [] },
  };
  const serving = ['digital signature', 'server auth'];
  const cases: [
    signer: string,
    request: Partial<typeof node> | object,
    usages: string[],
    problem: string | undefined,
  ][] = [
    [signerNames.kubeletClient, {}, nodeUsages, undefined],
    [signerNames.kubeletClient, {}, ['client auth', 'digital signature'], undefined],
    [signerNames.kubeletClient, { organizations: ['x'] }, nodeUsages, 'subject organization is not system:nodes'],
    [
      signerNames.kubeletClient,
      { commonName: 'a' },
      nodeUsages,
      'subject common name does not begin with system:node:',
    ],
    [signerNames.kubeletClient, { dnsNames: ['a'] }, nodeUsages, 'DNS subjectAltNames are not allowed'],
    [signerNames.kubeletClient, { addresses: ['::1'] }, nodeUsages, 'IP subjectAltNames are not allowed'],
    [
      ...([signerNames.kubeletClient, {}, ['client auth']] as const),
      'usages did not match [client auth digital signature key encipherment]',
    ] as never,
    [signerNames.kubeletServing, {}, serving, 'DNS or IP subjectAltName is required'],
    [signerNames.kubeletServing, { dnsNames: ['a'] }, serving, undefined],
    [signerNames.kubeletServing, { dnsNames: ['a'], uris: ['b:c'] }, serving, 'URI subjectAltNames are not allowed'],
    [signerNames.client, {}, ['server auth'], 'invalid usage for client certificate: server auth'],
    [signerNames.client, {}, ['digital signature'], 'missing required usage for client certificate: client auth'],
    [signerNames.client, { organizations: [] }, ['client auth'], undefined],
    [signerNames.legacy, { organizations: [] }, ['any'], undefined],
  ];
  for (const [signer, request, usages, problem] of cases) {
    assert.equal(
      signerRules[signer]?.({ ...node, ...request }, usages),
      problem,
      `${signer} ${JSON.stringify(request)}`,
    );
  }
});

test('a kubelet that may have a certificate is approved, others wait', async () => {
  const request = await requestOf('O=system:nodes, CN=system:node:a');
  const objects = [
    object('own', { request, username: 'system:node:a' }),
    object('first', { request, username: 'system:bootstrap:abc' }),
    object('stranger', { request, username: 'mallory' }),
    object('user', { request: await requestOf('CN=bob'), signerName: signerNames.client }),
  ];
  const may: Record<string, string> = { 'system:node:a': 'selfnodeclient', 'system:bootstrap:abc': 'nodeclient' };
  await using deps = await startTestControllers([certificateApprover]);
  deps.client.answer(({ resource, body }) => {
    if (resource !== 'subjectaccessreviews.authorization.k8s.io') return undefined;
    const review = body as SubjectAccessReview;
    const allowed = may[review.spec.user ?? ''] === review.spec.resourceAttributes?.subresource;
    return { ...review, status: { allowed } };
  });
  for (const one of objects) await deps.client.create(certificatesigningrequests, one);
  const messageOf = (name: string) =>
    deps.client.peek(certificatesigningrequests, { name })?.status?.conditions?.map(({ message }) => message);
  for (let round = 0; round < 20 && !(messageOf('own') && messageOf('first')); round++) await deps.settle();
  assert.deepEqual(messageOf('own'), ['Auto approving self kubelet client certificate after SubjectAccessReview.']);
  assert.deepEqual(messageOf('first'), ['Auto approving kubelet client certificate after SubjectAccessReview.']);
  assert.deepEqual([messageOf('stranger'), messageOf('user')], [undefined, undefined]);
});

test('approved requests are signed, those that break the rules of their signer fail', async () => {
  const orders: CertificateOrder[] = [];
  const signCertificate = async (order: CertificateOrder) => {
    orders.push(order);
    return 'PEM';
  };
  const request = await requestOf('CN=bob');
  const status = { conditions: [approved] };
  const signerName = signerNames.client;
  const objects = [
    object('good', { request, signerName, usages: ['client auth'], expirationSeconds: 700 }, status),
    object('wrong', { request, signerName, usages: ['server auth'] }, status),
    object('pending', { request, signerName, usages: ['client auth'] }),
    object('other', { request, signerName: 'example.com/own', usages: ['client auth'] }, status),
  ];
  await using deps = await startTestControllers([certificateSigner], objects, { signCertificate });
  const statusOf = (name: string) => deps.client.peek(certificatesigningrequests, { name })?.status;
  for (let round = 0; round < 20 && !(statusOf('good')?.certificate && statusOf('wrong')?.conditions?.[1]); round++) {
    await deps.settle();
  }
  assert.equal(statusOf('good')?.certificate, Buffer.from('PEM').toString('base64'));
  assert.deepEqual(
    orders.map(({ signerName: by, usages, seconds }) => ({ by, usages, seconds })),
    [{ by: signerNames.client, usages: ['client auth'], seconds: 700 }],
  );
  const failed = statusOf('wrong')?.conditions?.[1];
  assert.equal(failed?.reason, 'SignerValidationFailure');
  assert.equal(failed?.message, 'invalid usage for client certificate: server auth');
  assert.deepEqual([statusOf('pending')?.certificate, statusOf('other')?.certificate], [undefined, undefined]);
});

test('requests go when they are of no more use', async () => {
  const hourMs = 60 * 60 * 1000;
  const startMs = Date.parse('2026-01-01T00:00:00Z');
  const request = await requestOf('CN=bob');
  const age = async (status: CertificateSigningRequest['status']) => {
    const atMs = await uselessAtMs(object('a', { request }, status));
    return atMs === undefined ? undefined : (atMs - startMs) / hourMs;
  };
  assert.equal(await age({}), 24);
  assert.equal(await age({ conditions: [{ ...approved, type: 'Denied' }] }), 1);
  assert.equal(await age({ conditions: [approved] }), undefined);

  await using deps = await startTestControllers([certificateCleaner]);
  const creationTimestamp = new Date(deps.clock.now()).toISOString();
  const made = object('old', { request });
  await deps.client.create(certificatesigningrequests, { ...made, metadata: { name: 'old', creationTimestamp } });
  await deps.settle();
  await deps.clock.advance(23 * hourMs);
  await deps.settle();
  assert.ok(deps.client.peek(certificatesigningrequests, { name: 'old' }));
  await deps.clock.advance(hourMs + 1000);
  await deps.settle();
  assert.equal(deps.client.peek(certificatesigningrequests, { name: 'old' }), undefined);
});
