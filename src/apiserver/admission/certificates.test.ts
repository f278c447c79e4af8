import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { type CertificateSigningRequest, resources } from '#api';
import type { Authorizer } from '../access.ts';
import {
  createCertificateApproval,
  createCertificateSigning,
  createCertificateSubjectRestriction,
} from './certificates.ts';
import { createTestRequest, runPlugin } from './testing.ts';

const signerName = 'example.com/tokens';

function request(
  fields: Partial<CertificateSigningRequest['spec']> = {},
  status: object = {},
): CertificateSigningRequest {
  return { metadata: { name: 'csr' }, spec: { request: '', signerName, usages: [], ...fields }, status };
}

/** Allows one verb on one signer name. */
function allow(verb: string, name: string): Authorizer {
  return asked => ({
    verdict: asked.verb === verb && asked.name === name && asked.resource === 'signers' ? 'allow' : 'no-opinion',
    reason: '',
  });
}

test('approving and signing need the right on the signer or on its domain', async () => {
  const approval = createTestRequest(resources.certificatesigningrequests, {
    operation: 'UPDATE',
    subresource: 'approval',
    old: request(),
    object: request(),
  });
  const refused = 'certificatesigningrequests.certificates.k8s.io "csr" is forbidden: user not permitted to';
  assert.equal(await runPlugin(createCertificateApproval(allow('approve', signerName)), approval), undefined);
  assert.equal(await runPlugin(createCertificateApproval(allow('approve', 'example.com/*')), approval), undefined);
  assert.equal(
    await runPlugin(createCertificateApproval(allow('sign', signerName)), approval),
    `${refused} approve requests with signerName "example.com/tokens"`,
  );
  const signing = (status: object) =>
    createTestRequest(resources.certificatesigningrequests, {
      operation: 'UPDATE',
      subresource: 'status',
      old: request(),
      object: request({}, status),
    });
  const nobody = createCertificateSigning(allow('sign', 'other'));
  assert.equal(await runPlugin(nobody, signing({})), undefined, 'nothing is signed');
  assert.equal(
    await runPlugin(nobody, signing({ certificate: 'QQ==' })),
    `${refused} sign requests with signerName "example.com/tokens"`,
  );
  assert.equal(
    await runPlugin(createCertificateSigning(allow('sign', signerName)), signing({ certificate: 'QQ==' })),
    undefined,
  );
});

test('nobody asks for a certificate of system:masters', async () => {
  x509.cryptoProvider.set(webcrypto as never);
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const make = async (name: string) => {
    const made = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys: keys as never, signingAlgorithm });
    return Buffer.from(made.toString('pem')).toString('base64');
  };
  const plugin = createCertificateSubjectRestriction();
  const ask = (encoded: string, signer = 'kubernetes.io/kube-apiserver-client') =>
    runPlugin(
      plugin,
      createTestRequest(resources.certificatesigningrequests, {
        object: request({ request: encoded, signerName: signer }),
      }),
    );
  const masters = await make('CN=me, O=dev, O=system:masters');
  assert.match(
    (await ask(masters)) ?? '',
    /forbidden: use of kubernetes\.io\/kube-apiserver-client signer with system:masters group is not allowed$/,
  );
  assert.equal(await ask(masters, signerName), undefined);
  assert.equal(await ask(await make('CN=me, O=dev')), undefined);
  assert.match((await ask('junk')) ?? '', /failed to parse CSR/);
});
