/** A manifest as operators ship it, applied twice in each of the two ways: the second time changes nothing. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Server, startServer } from './fixture.ts';
import { parseManifests } from './manifests.ts';

let server: Server;
before(async () => {
  server = await startServer();
});
after(() => server[Symbol.asyncDispose]());

const path = join(import.meta.dirname, 'bundle.yaml');
const count = parseManifests(readFileSync(path, 'utf8')).length;
const lines = (text: string) => text.trim().split('\n');

/** What the writers of the bundle own, which no controller touches: everything but status, and what the server counts. */
function specs(): Map<string, unknown> {
  const { items } = JSON.parse(server.kubectl('get', '-f', path, '-o', 'json')) as { items: Record<string, unknown>[] };
  return new Map(
    items.map(({ kind, metadata, status: _status, ...rest }) => {
      const { name, uid, generation, labels, annotations } = metadata as Record<string, unknown>;
      return [`${kind}/${name}`, { ...rest, uid, generation, labels, annotations }];
    }),
  );
}

/** Of these kubectl makes a patch each time, also upstream; the server finds nothing new in it. */
const alwaysSent = [
  'secret/beacon-keys', // stringData is never there to compare with
  'deployment.apps/beacon-controller', // 0.1 cpu is kept as 100m
  'statefulset.apps/beacon-store', // the claim templates, a list without a key, get defaults
  'poddisruptionbudget.policy/beacon', // the selector has the patch strategy `replace`
  'priorityclass.scheduling.k8s.io/beacon', // globalDefault: false is left out by the server
];

test('applied by the client, the second time everything is unchanged', () => {
  const first = lines(server.kubectl('apply', '-f', path));
  assert.equal(first.length, count);
  assert.deepEqual(
    first.filter(line => !line.endsWith(' created')),
    [],
  );
  const before = specs();
  const second = lines(server.kubectl('apply', '-f', path));
  assert.deepEqual(
    second.filter(line => !line.endsWith(' unchanged')),
    alwaysSent.map(name => `${name} configured`),
  );
  assert.deepEqual(specs(), before);
  assert.equal(server.kubectl('diff', '-f', path), '');
});

test('applied by the server, the second time no object gets a new version', () => {
  const apply = () =>
    server.kubectl('apply', '--server-side', '--field-manager=installer', '--force-conflicts', '-f', path);
  assert.equal(lines(apply()).length, count);
  const before = specs();
  const versions = () => {
    const { items } = JSON.parse(server.kubectl('get', '-f', path, '-o', 'json', '--show-managed-fields'));
    return items.map((item: { kind: string; metadata: { managedFields: { manager: string }[] } }) => [
      item.kind,
      item.metadata.managedFields.filter(({ manager }) => manager === 'installer'),
    ]);
  };
  const owned = versions();
  assert.deepEqual(
    lines(apply()).filter(line => !line.endsWith(' serverside-applied')),
    [],
  );
  assert.deepEqual(specs(), before);
  // An entry's time moves with the object's version: a write that changes nothing leaves both.
  assert.deepEqual(versions(), owned);
});

test('of objects that no controller writes, not even the version moves', () => {
  const still = 'configmap,secret,serviceaccount,role,rolebinding,lease,ingress,networkpolicy,limitrange';
  const versions = () =>
    server.kubectl(
      '-n',
      'beacon-system',
      'get',
      still,
      '-o',
      'jsonpath={range .items[*]}{.kind}/{.metadata.name}={.metadata.resourceVersion} {end}',
    );
  // kubectl takes its annotation away when it goes over to the server's way of applying, and puts it back when it returns.
  server.kubectl('apply', '-f', path);
  const byClient = versions();
  server.kubectl('apply', '-f', path);
  assert.equal(versions(), byClient);
  const byServer = ['apply', '--server-side', '--field-manager=installer', '--force-conflicts', '-f', path];
  server.kubectl(...byServer);
  const before = versions();
  server.kubectl(...byServer);
  assert.equal(versions(), before);
});

test('the claim of the StatefulSet is made, and all goes when the namespace goes', () => {
  const claim = ['-n', 'beacon-system', 'get', 'pvc', 'data-beacon-store-0', '-o', 'name'];
  server.kubectl('-n', 'beacon-system', 'wait', '--for=create', 'pvc/data-beacon-store-0', '--timeout=20s');
  assert.equal(server.kubectl(...claim), 'persistentvolumeclaim/data-beacon-store-0\n');
  // The namespace goes first and takes what is in it: that may be gone when its turn comes.
  server.kubectl('delete', '-f', path, '--ignore-not-found', '--timeout=60s');
  assert.equal(server.kubectl('get', '-f', path, '--ignore-not-found'), '');
  assert.match(server.tryKubectl(['get', 'namespace', 'beacon-system']).stderr, /NotFound/);
});
