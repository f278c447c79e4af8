/** An extension API server behind ours, used by kubectl as if it were ours. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ExtensionServer, ownAddress, startExtensionServer } from './extension-server.ts';
import { type Server, startServer } from './fixture.ts';

const address = ownAddress();
const skip = address ? false : 'this machine has no address but loopback, which endpoints may not have';

let server: Server;
let extension: ExtensionServer;
before(async () => {
  if (!address) return;
  server = await startServer();
  const trust = JSON.parse(
    await k('get', '-n', 'kube-system', 'cm', 'extension-apiserver-authentication', '-o', 'json'),
  ).data;
  const names = JSON.parse(trust['requestheader-allowed-names']);
  extension = await startExtensionServer(address, { ca: trust['requestheader-client-ca-file'], names });
});
after(async () => {
  await extension?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** Never holding up this process: the other server lives in it. */
const k = async (...args: string[]) => {
  const { status, stdout, stderr } = await server.runKubectl(args);
  assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};
const apply = (object: unknown) => server.runKubectl(['apply', '-f', '-'], JSON.stringify(object));
const fails = async (...args: string[]) => {
  const { status, stdout, stderr } = await server.runKubectl(args);
  assert.notEqual(status, 0, `kubectl ${args.join(' ')} should fail, but printed ${stdout}`);
  return stderr;
};
const apiService = 'v1.fruit.example.com';
const apple = (name: string) =>
  JSON.stringify({ apiVersion: 'fruit.example.com/v1', kind: 'Apple', metadata: { name }, color: 'red' });

async function available(): Promise<string> {
  const path = '{.status.conditions[?(@.type=="Available")]}';
  const text = await k('get', 'apiservice', apiService, '-o', `jsonpath=${path}`);
  const { status, reason } = text ? JSON.parse(text) : { status: '', reason: '' };
  return `${status} ${reason}`;
}
const until = (wanted: string) => untilTrue(`${apiService} is ${wanted}`, async () => (await available()) === wanted);

/** `eventually` for a question that takes its time. */
async function untilTrue(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + 60_000;
  while (!(await isTrue())) {
    if (performance.now() > untilMs) throw new Error(`${what}: not within 60 s`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}

test('an APIService says step by step what its server lacks', { skip }, async () => {
  const spec = { group: 'fruit.example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15 };
  const service = { namespace: 'default', name: 'fruit' };
  const caBundle = Buffer.from(extension.ca).toString('base64');
  const kind = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: apiService } };
  const created = await apply({ ...kind, spec: { ...spec, service, caBundle } });
  assert.equal(created.stderr, '', 'no warning');
  await until('False ServiceNotFound');
  const ports = [{ name: 'other', port: 80 }];
  const object = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'fruit' }, spec: { ports } };
  await apply(object);
  await until('False ServicePortError');
  const right = [{ name: 'https', port: 443, targetPort: extension.port }];
  await apply({ ...object, spec: { ports: right } });
  await until('False EndpointsNotFound');
  const subsets = [{ addresses: [{ ip: address }], ports: [{ name: 'https', port: extension.port }] }];
  await apply({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'fruit' }, subsets });
  await until('True Passed');
  assert.match(await k('get', 'apiservice', apiService), /default\/fruit +True/);
});

test('kubectl finds, makes, reads and watches objects of the other server', { skip }, async () => {
  const row = /^apples +ap +fruit\.example\.com\/v1 +true +Apple$/m;
  await untilTrue('apples are discovered', async () => row.test(await k('api-resources')));
  const watch = spawn('kubectl', ['--kubeconfig', server.kubeconfig, 'get', 'apples', '--watch', '-o', 'name'], {
    env: { ...process.env, KUBECACHEDIR: join(server.dataFolder, 'kubectl-cache') },
  });
  const first = once(watch.stdout, 'data');
  const made = await server.runKubectl(['create', '-f', '-'], apple('jonagold'));
  assert.equal(made.stdout, 'apple.fruit.example.com/jonagold created\n', made.stderr);
  assert.equal(String((await first)[0]).trim(), 'apple.fruit.example.com/jonagold');
  const ended = once(watch, 'close');
  watch.kill();
  await ended;
  assert.match(await k('get', 'ap'), /jonagold/);
  assert.equal(await k('get', 'apple', 'jonagold', '-o', 'jsonpath={.createdBy.name}'), 'system:admin');
  assert.match(await fails('get', 'apple', 'braeburn'), /\(NotFound\): apples "braeburn" not found/);
  assert.equal(extension.refused, 0);
});

test('rights on the other server are ours to give, and it hears who asks', { skip }, async () => {
  const as = ['--as', 'jane', '--as-group', 'gardeners'];
  assert.match(
    await fails('get', 'apples', ...as),
    /apples\.fruit\.example\.com is forbidden: User "jane" cannot list/,
  );
  await k('create', 'role', 'gardener', '--verb=get,list,create', '--resource=apples.fruit.example.com');
  await k('create', 'rolebinding', 'gardeners', '--role=gardener', '--group=gardeners');
  const { status, stderr } = await server.runKubectl(['create', '-f', '-', ...as], apple('elstar'));
  assert.equal(status, 0, stderr);
  const by = JSON.parse(await k('get', 'apple', 'elstar', '-o', 'jsonpath={.createdBy}'));
  assert.equal(by.name, 'jane');
  assert.match(by.groups, /gardeners/);
});

test('a stream goes through to the other server', { skip }, async () => {
  const token = (await k('create', 'token', 'default')).trim();
  await k('create', 'clusterrole', 'apple-exec', '--verb=create', '--resource=apples.fruit.example.com/exec');
  await k('create', 'clusterrolebinding', 'apple-exec', '--clusterrole=apple-exec', '--serviceaccount=default:default');
  const call = request(`${server.url}/apis/fruit.example.com/v1/namespaces/default/apples/elstar/exec`, {
    method: 'POST',
    rejectUnauthorized: false,
    headers: { authorization: `Bearer ${token}`, connection: 'Upgrade', upgrade: 'echo' },
  });
  call.end();
  const [answer, socket] = await once(call, 'upgrade');
  assert.equal(answer.statusCode, 101);
  socket.write('hello');
  assert.equal(String((await once(socket, 'data'))[0]), 'hello');
  socket.destroy();
});

test('a dead server is told as such, and everything else works on', { skip }, async () => {
  await extension[Symbol.asyncDispose]();
  assert.match(await fails('get', 'apples'), /the server is currently unable to handle the request/);
  await k('annotate', 'service', 'fruit', 'look=again');
  await until('False FailedDiscoveryCheck');
  assert.match(await k('get', 'apiservice', apiService), /default\/fruit +False \(FailedDiscoveryCheck\)/);
  assert.match(await k('get', 'namespaces'), /default/);
  assert.match(await k('get', '--raw', '/apis'), /fruit\.example\.com/);
  await k('delete', 'apiservice', apiService);
  await untilTrue('apples are gone', async () => !(await k('api-resources')).includes('apples'));
  assert.match(await fails('get', '--raw', '/apis/fruit.example.com/v1'), /NotFound/);
});
