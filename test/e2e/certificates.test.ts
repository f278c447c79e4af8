/** Certificates that users and nodes ask the cluster for, by openssl and kubectl. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, type Server, startServer } from './fixture.ts';

let server: Server;
before(async () => {
  server = await startServer();
});
after(() => server[Symbol.asyncDispose]());

interface Asked {
  name: string;
  subject: string;
  usages: string[];
  signer?: string;
  extensions?: string[];
}

const fileOf = (name: string, ending: string) => join(server.dataFolder, `${name}.${ending}`);

/** Applies a request made by openssl; its key stays in the data folder. */
function ask({ name, subject, usages, signer = 'kube-apiserver-client', extensions = [] }: Asked, ...args: string[]) {
  const { status, stderr } = spawnSync('openssl', [
    ...['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-subj', subject],
    ...['-keyout', fileOf(name, 'key'), '-out', fileOf(name, 'csr'), ...extensions],
  ]);
  assert.equal(status, 0, String(stderr));
  const request = readFileSync(fileOf(name, 'csr')).toString('base64');
  const spec = { request, signerName: `kubernetes.io/${signer}`, usages, expirationSeconds: 3600 };
  const kind = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' };
  const text = JSON.stringify({ ...kind, metadata: { name }, spec });
  return server.tryKubectl(['apply', '-f', '-', ...args], text);
}

const field = (name: string, path: string) => server.kubectl('get', 'csr', name, '-o', `jsonpath=${path}`);
const condition = (name: string) => server.kubectl('get', 'csr', name, '--no-headers').trim().split(/\s+/).at(-1);
const issued = (name: string) =>
  eventually(`a certificate for ${name}`, () => field(name, '{.status.certificate}') || undefined);

test('a user gets a certificate after approval, and is known by it', async () => {
  assert.equal(ask({ name: 'jane', subject: '/CN=jane/O=devs', usages: ['client auth'] }).stderr, '');
  assert.equal(condition('jane'), 'Pending');
  assert.match(server.kubectl('certificate', 'approve', 'jane'), /jane approved/);
  const pem = Buffer.from(await issued('jane'), 'base64').toString();
  assert.equal(condition('jane'), 'Approved,Issued');
  const certificate = new X509Certificate(pem);
  assert.equal(certificate.validToDate.getTime() - certificate.validFromDate.getTime(), 3600_000 + 300_000);
  writeFileSync(fileOf('jane', 'crt'), pem);
  const authority = server.kubectl(
    ...['config', 'view', '--raw', '-o', 'jsonpath={.clusters[0].cluster.certificate-authority-data}'],
  );
  writeFileSync(fileOf('ca', 'crt'), Buffer.from(authority, 'base64'));
  // A second --kubeconfig wins over the fixture's.
  const who = server.kubectl(
    ...['--kubeconfig=/dev/null', `--server=${server.url}`, `--certificate-authority=${fileOf('ca', 'crt')}`],
    ...[`--client-certificate=${fileOf('jane', 'crt')}`, `--client-key=${fileOf('jane', 'key')}`, 'auth', 'whoami'],
  );
  assert.match(who, /Username +jane\n/);
  assert.match(who, /Groups +\[devs system:authenticated\]/);
});

test('a denied request stays without a certificate', async () => {
  ask({ name: 'denied', subject: '/CN=eve', usages: ['client auth'] });
  assert.match(server.kubectl('certificate', 'deny', 'denied'), /denied denied/);
  assert.equal(condition('denied'), 'Denied');
});

test('what the signer does not sign fails with its words', async () => {
  ask({ name: 'wrong', subject: '/CN=eve', usages: ['server auth'] });
  server.kubectl('certificate', 'approve', 'wrong');
  await eventually('a failure', () => condition('wrong') === 'Approved,Failed');
  const message = field('wrong', '{.status.conditions[?(@.type=="Failed")].message}');
  assert.equal(message, 'invalid usage for client certificate: server auth');
});

test('nobody becomes an administrator by a request', () => {
  const { status, stderr } = ask({ name: 'root', subject: '/CN=root/O=system:masters', usages: ['client auth'] });
  assert.equal(status, 1);
  assert.match(stderr, /use of kubernetes\.io\/kube-apiserver-client signer with system:masters group is not allowed/);
});

test('a node renews its own client certificate without anybody, a stranger does not get one for it', async () => {
  const node = { subject: '/O=system:nodes/CN=system:node:n1', usages: ['client auth', 'digital signature'] };
  const signer = 'kube-apiserver-client-kubelet';
  const asNode = ['--as=system:node:n1', '--as-group=system:nodes', '--as-group=system:authenticated'];
  // As kubeadm binds it; nothing is bound by itself.
  const role = 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient';
  server.kubectl('create', 'clusterrolebinding', 'renewal', `--clusterrole=${role}`, '--group=system:nodes');
  assert.equal(ask({ name: 'renewal', signer, ...node }, ...asNode).stderr, '');
  await issued('renewal');
  assert.equal(
    field('renewal', '{.status.conditions[0].message}'),
    'Auto approving self kubelet client certificate after SubjectAccessReview.',
  );
  server.kubectl('create', 'clusterrole', 'asks', '--verb=create,get,patch', '--resource=certificatesigningrequests');
  server.kubectl('create', 'clusterrolebinding', 'asks', '--clusterrole=asks', '--user=mallory');
  assert.equal(ask({ name: 'stranger', signer, ...node }, '--as=mallory').stderr, '');
  assert.equal(condition('stranger'), 'Pending');
});

test('a serving certificate of a node carries its names', async () => {
  const extensions = ['-addext', 'subjectAltName=DNS:n1.example,IP:10.1.2.3'];
  const subject = '/O=system:nodes/CN=system:node:n1';
  ask({
    name: 'serving',
    subject,
    usages: ['server auth', 'digital signature'],
    signer: 'kubelet-serving',
    extensions,
  });
  server.kubectl('certificate', 'approve', 'serving');
  const certificate = new X509Certificate(Buffer.from(await issued('serving'), 'base64'));
  assert.equal(certificate.subjectAltName, 'DNS:n1.example, IP Address:10.1.2.3');
});
