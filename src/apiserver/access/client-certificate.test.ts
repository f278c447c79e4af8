import 'reflect-metadata';
import assert from 'node:assert/strict';
import { webcrypto, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { PeerCertificate } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { createFakeClock } from '#base/testing';
import type { Request } from '#wire';
import { createAuthenticator } from './authenticate.ts';
import { createCertificateAuthenticator } from './client-certificate.ts';
import { createFakeReader } from './testing.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const startMs = Date.UTC(2026, 0, 1);
const hourMs = 3600_000;
x509.cryptoProvider.set(webcrypto as never);

type Pair = { certificate: x509.X509Certificate; keys: webcrypto.CryptoKeyPair };

async function authority(name: string, issuer?: Pair): Promise<Pair> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '01',
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    notBefore: new Date(startMs - hourMs),
    notAfter: new Date(startMs + 1000 * hourMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    extensions: [new x509.BasicConstraintsExtension(true, 2, true)],
  });
  return { certificate, keys };
}

async function leaf(issuer: Pair, options: { subject?: string; hours?: number; usage?: string } = {}) {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: '02',
    subject: options.subject ?? 'O=dev,O=ops,CN=jane',
    issuer: issuer.certificate.subject,
    notBefore: new Date(startMs - hourMs),
    notAfter: new Date(startMs + (options.hours ?? 24) * hourMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    extensions: [new x509.ExtendedKeyUsageExtension([options.usage ?? x509.ExtendedKeyUsage.clientAuth])],
  });
  return toPeer(certificate);
}

function toPeer(certificate: x509.X509Certificate, issuerCertificate?: PeerCertificate): PeerCertificate {
  const raw = Buffer.from(certificate.rawData);
  const { fingerprint256 } = new X509Certificate(raw);
  return { raw, fingerprint256, issuerCertificate } as unknown as PeerCertificate;
}

const isUnauthorized = { message: 'Unauthorized' };

test("a certificate's common name and organizations are the user and the groups", async () => {
  const own = await authority('client-ca');
  const authenticate = createCertificateAuthenticator({
    authorities: own.certificate.toString('pem'),
    clock: createFakeClock(startMs),
  });
  const user = authenticate(await leaf(own));
  assert.equal(user?.name, 'jane');
  assert.deepEqual(user?.groups, ['dev', 'ops']);
  assert.match(user?.extra?.['authentication.kubernetes.io/credential-id']?.[0] ?? '', /^X509SHA256=[0-9a-f]{64}$/);
  assert.equal(authenticate(await leaf(own, { subject: 'O=dev' })), undefined);
});

test("an attribute of the subject is the user's uid, when there is one of it", async () => {
  const own = await authority('client-ca');
  const authorities = own.certificate.toString('pem');
  const authenticate = createCertificateAuthenticator({ authorities, clock: createFakeClock(startMs) });
  const uidOf = async (subject: string) => authenticate(await leaf(own, { subject }))?.uid;
  assert.equal(await uidOf('O=dev,CN=jane'), undefined);
  assert.equal(await uidOf('O=dev,1.3.6.1.4.1.57683.2=uid-7,CN=jane'), 'uid-7');
  const long = 'ü'.repeat(300);
  assert.equal(await uidOf(`CN=jane,1.3.6.1.4.1.57683.2=${long}`), long);
  await assert.rejects(uidOf('1.3.6.1.4.1.57683.2=a,1.3.6.1.4.1.57683.2=b,CN=jane'), isUnauthorized);
});

test("a front proxy's headers name the user, and nobody else's do", async () => {
  const [clients, proxies] = [await authority('client-ca'), await authority('front-proxy-ca')];
  const authenticate = createAuthenticator({
    clientCa: clients.certificate.toString('pem'),
    requestHeader: { ca: proxies.certificate.toString('pem'), allowedNames: ['front-proxy'] },
    serviceAccountKeys: [],
    issuer: 'x',
    audiences: ['x'],
    reader: createFakeReader(),
    clock: createFakeClock(startMs),
  });
  const ask = async (certificate: PeerCertificate, rawHeaders: string[]) => {
    const pairs = rawHeaders.flatMap((name, at) => (at % 2 ? [] : [[name.toLowerCase(), rawHeaders[at + 1]]]));
    const request = {
      path: '/api',
      headers: Object.fromEntries(pairs),
      rawHeaders,
      peer: { address: 'x', certificate },
    };
    return authenticate(request as unknown as Request);
  };
  const proxy = await leaf(proxies, { subject: 'CN=front-proxy' });
  const groups = ['X-Remote-Group', 'a, system:masters', 'X-Remote-Group', 'b'];
  const extra = ['X-Remote-Extra-Example.com%2fTeam', 'blue', 'X-Remote-Uid', '7'];
  assert.deepEqual(await ask(proxy, ['X-Remote-User', 'jane', ...groups, ...extra]), {
    name: 'jane',
    uid: '7',
    groups: ['a, system:masters', 'b', 'system:authenticated'],
    extra: { 'example.com/team': ['blue'] },
  });
  await assert.rejects(ask(proxy, ['X-Remote-Group', 'system:masters']), isUnauthorized);
  const other = await leaf(proxies, { subject: 'CN=somebody' });
  await assert.rejects(ask(other, ['X-Remote-User', 'jane']), isUnauthorized);
  const client = await leaf(clients, { subject: 'CN=joe' });
  assert.equal((await ask(client, ['X-Remote-User', 'jane']))?.name, 'joe');
});

test('certificates that are expired, foreign, not yet valid or not for clients are refused', async () => {
  const [own, other] = [await authority('client-ca'), await authority('client-ca')];
  const clock = createFakeClock(startMs);
  const authenticate = createCertificateAuthenticator({ authorities: own.certificate.toString('pem'), clock });
  const foreign = await leaf(other);
  const server = await leaf(own, { usage: x509.ExtendedKeyUsage.serverAuth });
  const brief = await leaf(own, { hours: 2 });
  assert.throws(() => authenticate(foreign), isUnauthorized);
  assert.throws(() => authenticate(server), isUnauthorized);
  assert.throws(() => authenticate({ ...foreign, raw: Buffer.from('junk'), fingerprint256: 'x' }), isUnauthorized);
  assert.equal(authenticate(brief)?.name, 'jane');
  await clock.advance(3 * hourMs);
  assert.throws(() => authenticate(brief), isUnauthorized, 'known, but expired since');
});

test('an intermediate that the client sends leads to the authority', async () => {
  const own = await authority('client-ca');
  const middle = await authority('middle', own);
  const certificate = await leaf(middle);
  const clock = createFakeClock(startMs);
  const authenticate = createCertificateAuthenticator({ authorities: own.certificate.toString('pem'), clock });
  assert.throws(() => authenticate({ ...certificate, fingerprint256: 'alone' }), isUnauthorized);
  const issuerCertificate = toPeer(middle.certificate);
  const chained = { ...certificate, issuerCertificate } as unknown as PeerCertificate;
  assert.equal(authenticate(chained)?.name, 'jane');
});

test('a good token counts beside a certificate that is none of ours', async () => {
  const [own, other] = [await authority('client-ca'), await authority('other-ca')];
  const authenticate = createAuthenticator({
    clientCa: own.certificate.toString('pem'),
    serviceAccountKeys: [],
    issuer: 'x',
    audiences: ['x'],
    reader: createFakeReader(),
    clock: createFakeClock(startMs),
    tokens: [async token => (token === 'good' ? { user: { name: 'agent', groups: [] }, audiences: ['x'] } : undefined)],
  });
  const certificate = await leaf(other);
  const ask = async (authorization?: string) =>
    authenticate({
      path: '/api',
      headers: { authorization },
      peer: { address: 'x', certificate },
    } as unknown as Request);
  assert.equal((await ask('Bearer good'))?.name, 'agent');
  await assert.rejects(ask('Bearer bad'), isUnauthorized);
  await assert.rejects(ask(), isUnauthorized);
});
