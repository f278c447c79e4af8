import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { type Pod, resources } from '#api';
import { createFakeReader } from '../access/testing.ts';
import type { Attributes } from '../access.ts';
import { createNodeRestriction } from './node-restriction.ts';
import { createTestRequest, runPlugin } from './testing.ts';

const user = { name: 'system:node:n1', groups: ['system:nodes'] };

test('a kubelet asks for certificates of its own node only', async () => {
  x509.cryptoProvider.set(webcrypto as never);
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const make = async (name: string) => {
    const made = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys: keys as never, signingAlgorithm });
    return Buffer.from(made.toString('pem')).toString('base64');
  };
  const plugin = createNodeRestriction(createFakeReader(), () => ({ verdict: 'no-opinion', reason: '' }));
  const ask = (request: string, signerName = 'kubernetes.io/kubelet-serving') => {
    const object = { metadata: { name: 'csr' }, spec: { request, signerName, usages: [] } };
    return runPlugin(plugin, createTestRequest(resources.certificatesigningrequests, { user, object }));
  };
  const head = 'certificatesigningrequests.certificates.k8s.io "csr" is forbidden: ';
  const other = await make('CN=system:node:n2, O=system:nodes');
  assert.equal(await ask(await make('CN=system:node:n1, O=system:nodes')), undefined);
  assert.equal(await ask(other), `${head}can only create a node CSR with CN=system:node:n1`);
  assert.equal(await ask(other, 'example.com/other'), undefined);
  assert.equal(await ask('junk'), `${head}unable to parse csr: PEM block type must be CERTIFICATE REQUEST`);
});

test('a kubelet gets tokens for the audiences of the volumes of its pods, and for others with the right to', async () => {
  const reader = createFakeReader();
  const token = (audience?: string) => ({ serviceAccountToken: { path: 'token', ...(audience && { audience }) } });
  const pod = {
    metadata: { name: 'web', namespace: 'team', uid: 'p' },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'main', image: 'x' }],
      volumes: [
        { name: 'a', projected: { sources: [token(), token('vault')] } },
        { name: 'b', csi: { driver: 'secrets.csi.example.com' } },
        { name: 'c', persistentVolumeClaim: { claimName: 'disk' } },
      ],
    },
  } as Pod;
  reader.put(resources.pods, pod);
  const driver = (name: string, audience: string) => ({ metadata: { name }, spec: { tokenRequests: [{ audience }] } });
  reader.put(resources.csidrivers, driver('secrets.csi.example.com', 'csi'), driver('disk.csi.example.com', 'disk'));
  const claim = { metadata: { name: 'disk', namespace: 'team' }, spec: { volumeName: 'pv' } };
  reader.put(resources.persistentvolumeclaims, claim as never);
  const csi = { driver: 'disk.csi.example.com', volumeHandle: 'x' };
  reader.put(resources.persistentvolumes, { metadata: { name: 'pv' }, spec: { csi } } as never);
  const asked: Attributes[] = [];
  const plugin = createNodeRestriction(reader, attributes => {
    asked.push(attributes);
    return { verdict: attributes.resource === 'granted' ? 'allow' : 'no-opinion', reason: '' };
  });
  const ask = (audiences: string[]) => {
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'p' };
    const object = { metadata: { name: 'default', namespace: 'team' }, spec: { audiences, boundObjectRef } };
    return runPlugin(plugin, createTestRequest(resources.serviceaccounts, { user, subresource: 'token', object }));
  };
  for (const audiences of [[], ['vault'], ['csi'], ['disk']]) assert.equal(await ask(audiences), undefined);
  assert.equal(asked.length, 0);
  assert.equal(await ask(['granted']), undefined);
  const { verb, resource, name, namespace } = asked[0]!;
  assert.deepEqual(
    [verb, resource, name, namespace],
    ['request-serviceaccounts-token-audience', 'granted', 'default', 'team'],
  );
  const head = 'serviceaccounts "default" is forbidden: ';
  assert.equal(
    await ask(['evil']),
    `${head}audience "evil" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience`,
  );
  assert.equal(await ask(['vault', 'csi']), `${head}node may only request 0 or 1 audiences`);
});
