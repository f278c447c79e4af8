import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRandom } from '#base';
import { createFakeClock } from '#base/testing';
import { openCertificateFolder } from './certificates.ts';

const spec = {
  name: 'serving',
  authority: 'server-ca',
  request: { commonName: 'kube-apiserver', usage: 'server', names: ['localhost', '127.0.0.1'] },
} as const;

async function folderAt(startMs?: number) {
  const path = mkdtempSync(join(tmpdir(), 'wherry-certificates-'));
  const clock = createFakeClock(startMs);
  const folder = openCertificateFolder(path, { clock, random: createRandom() });
  await folder.ensureAuthorities();
  return { path, clock, folder, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test('a leaf is signed by its authority, names its hosts, and its key is for the owner only', async () => {
  using at = await folderAt();
  const pair = await at.folder.ensure(spec);
  const leaf = new X509Certificate(pair.certificate);
  assert.ok(leaf.verify(new X509Certificate(at.folder.authority('server-ca').certificate).publicKey));
  assert.equal(leaf.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1');
  assert.equal(statSync(join(at.path, 'serving.key')).mode & 0o777, 0o600);
});

test('a client certificate carries user and groups', async () => {
  using at = await folderAt();
  const request = { commonName: 'system:admin', organizations: ['system:masters'], usage: 'client' } as const;
  const pair = await at.folder.ensure({ name: 'admin', authority: 'client-ca', request });
  assert.equal(new X509Certificate(pair.certificate).subject, 'O=system:masters\nCN=system:admin');
});

test('asking again gives the same certificate until 120 days are left', async () => {
  using at = await folderAt();
  const first = await at.folder.ensure(spec);
  await at.clock.advance(240 * 86_400_000);
  assert.deepEqual(await at.folder.ensure(spec), first);
  await at.clock.advance(10 * 86_400_000);
  assert.notDeepEqual(await at.folder.ensure(spec), first);
});

test('an IPv6 address of a certificate is known again in its short spelling', async () => {
  using at = await folderAt();
  const short = { ...spec, request: { ...spec.request, names: ['localhost', '::1'] } };
  const first = await at.folder.ensure(short);
  assert.deepEqual(await at.folder.ensure(short), first);
});

test('a new name makes a new certificate', async () => {
  using at = await folderAt();
  const first = await at.folder.ensure(spec);
  const wider = { ...spec, request: { ...spec.request, names: ['localhost', '127.0.0.1', 'edge-1'] } };
  const second = await at.folder.ensure(wider);
  assert.notEqual(second.certificate, first.certificate);
  assert.equal(readFileSync(join(at.path, 'serving.crt'), 'utf8'), second.certificate);
});

test('expiries tell the days that are left', async () => {
  using at = await folderAt();
  await at.folder.ensure(spec);
  assert.deepEqual(
    at.folder.expiries(['serving', 'absent']).map(({ name, daysLeft }) => ({ name, daysLeft })),
    [{ name: 'serving', daysLeft: 365 }],
  );
});
