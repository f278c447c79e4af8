/** Every kind that is kept, through every verb of kubectl: one smallest manifest each, one body for all. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as resources from '../../src/api/resources.ts';
import { columnsOf, headerOf } from './columns.ts';
import { type Server, startServer } from './fixture.ts';
import { type Manifest, readManifests } from './manifests.ts';

let server: Server;
let kubectlMinor = 0;
before(async () => {
  server = await startServer();
  server.kubectl('create', 'namespace', 'kinds');
  kubectlMinor = Number.parseInt(JSON.parse(server.kubectl('version', '-o', 'json')).clientVersion.minor, 10);
  server.kubectl('get', 'configmaps'); // fills kubectl's cache of discovery before many read it together
});
after(() => server[Symbol.asyncDispose]());

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const { status, stdout, stderr } = await server.runKubectl(['-n', 'kinds', ...args], input);
  assert.equal(status, 0, `kubectl ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** Kinds that are questions, not objects. */
const questions = /^(bindings|componentstatuses|.*reviews)$/;
const manifests = readManifests();

describe('every kind through every verb', { concurrency: 3 }, () => {
  for (const [index, { resource, group, version, kind }] of Object.values(resources).entries()) {
    if (questions.test(resource)) continue;
    const apiVersion = group ? `${group}/${version}` : version;
    const manifest = manifests.find(one => one.apiVersion === apiVersion && one.kind === kind);
    test(`${kind} of ${apiVersion}`, async () => {
      assert.ok(manifest, `manifests/ has no ${kind} of ${apiVersion}`);
      const { name } = manifest.metadata;
      const subject: Subject = {
        ...{ manifest, name, plural: resource, fullName: group ? `${resource}.${group}` : resource },
        typed: group ? `${resource}.${version}.${group}` : resource,
        said: group ? `${kind.toLowerCase()}.${group}/${name}` : `${kind.toLowerCase()}/${name}`,
        label: `sample=number-${index}`,
      };
      await isCreated(subject);
      await isShown(subject);
      await isPatched(subject);
      await isApplied(subject);
      await isReplaced(subject);
      await isDeleted(subject);
    });
  }
});

interface Subject {
  manifest: Manifest;
  name: string;
  /** `deployments` */
  plural: string;
  /** `deployments.apps` */
  fullName: string;
  /** What kubectl takes, with the version, as a kind may have two: `deployments.v1.apps`. */
  typed: string;
  /** What kubectl prints: `deployment.apps/sample`. */
  said: string;
  /** A label that nothing else in the cluster has. */
  label: string;
}

const read = async ({ typed, name }: Subject) =>
  JSON.parse(await kubectl(['get', typed, name, '-o', 'json'])) as Manifest;

async function isCreated(subject: Subject): Promise<void> {
  const { manifest, name, said } = subject;
  const json = JSON.stringify(manifest);
  assert.equal(await kubectl(['create', '-f', '-', '--dry-run=server'], json), `${said} created (server dry run)\n`);
  assert.equal(await kubectl(['create', '-f', '-', '--save-config'], json), `${said} created\n`);
  assertHas(await read(subject), manifest, name);
}

async function isShown({ manifest, name, plural, fullName, typed, said }: Subject): Promise<void> {
  const columns = columnsOf(fullName);
  assert.deepEqual(headerOf(await kubectl(['get', typed, name])), columns.plain);
  assert.deepEqual(headerOf(await kubectl(['get', typed, name, '-o', 'wide'])), columns.wide);
  assert.match(await kubectl(['get', '-A', typed, '-o', 'name']), new RegExp(`^${said}$`, 'm'));
  if (isDescribed(fullName)) {
    assert.match(await kubectl(['describe', typed, name]), new RegExp(`^Name: +${name}`, 'm'));
  }
  const explained = await kubectl(['explain', '--recursive', plural, `--api-version=${manifest.apiVersion}`]);
  assert.match(explained, /^ {2}metadata\t<ObjectMeta>/m);
  for (const field of Object.keys(manifest)) assert.match(explained, new RegExp(`^ {2}${field}\t<`, 'm'));
}

async function isPatched({ typed, name, said, label }: Subject): Promise<void> {
  const patch = (...args: string[]) => kubectl(['patch', typed, name, '-o', 'json', ...args]);
  assert.equal(await kubectl(['label', typed, name, label]), `${said} labeled\n`);
  assert.equal(await kubectl(['get', typed, '-l', label, '-o', 'name']), `${said}\n`);
  assert.equal(await kubectl(['annotate', typed, name, 'by=annotate']), `${said} annotated\n`);
  const operations = [
    { op: 'test', path: '/metadata/annotations/by', value: 'annotate' },
    { op: 'replace', path: '/metadata/annotations/by', value: 'json' },
  ];
  await patch('--type=json', '-p', JSON.stringify(operations));
  await patch('--type=merge', '-p', '{"metadata":{"annotations":{"merge":"1","gone":"1"}}}');
  const patched = JSON.parse(await patch('-p', '{"metadata":{"annotations":{"gone":null}}}')) as Manifest;
  assert.deepEqual(ownAnnotations(patched), { by: 'json', merge: '1' });
}

async function isApplied({ manifest, said }: Subject): Promise<void> {
  // A field with the patch strategy `replace` (its selector) is in every patch that kubectl makes.
  const unchanged = manifest.kind === 'PodDisruptionBudget' ? 'configured' : 'unchanged';
  assert.equal(await kubectl(['apply', '-f', '-'], JSON.stringify(manifest)), `${said} ${unchanged}\n`);
  const more = JSON.stringify({ ...manifest, metadata: { ...manifest.metadata, annotations: { by: 'apply' } } });
  const serverSide = ['--server-side', '--force-conflicts', '-f', '-'];
  assert.equal(await kubectl(['apply', ...serverSide], more), `${said} serverside-applied\n`);
  assert.equal(await kubectl(['diff', ...serverSide], more), '');
}

async function isReplaced(subject: Subject): Promise<void> {
  const { manifest, name, said } = subject;
  const replacement = await read(subject);
  assert.equal(replacement.metadata.annotations?.['by'], 'apply');
  delete replacement.metadata.resourceVersion; // whatever a controller wrote meanwhile
  replacement.metadata.annotations = { by: 'replace' };
  assert.equal(await kubectl(['replace', '-f', '-'], JSON.stringify(replacement)), `${said} replaced\n`);
  const replaced = await read(subject);
  assert.deepEqual(ownAnnotations(replaced), { by: 'replace' });
  assertHas(replaced, { ...manifest, metadata: { name } }, name);
}

async function isDeleted({ typed, name }: Subject): Promise<void> {
  assert.match(await kubectl(['delete', typed, name, '--timeout=20s']), / deleted/);
  const gone = await server.runKubectl(['-n', 'kinds', 'get', typed, name]);
  assert.match(gone.stderr, /^Error from server \(NotFound\): .* not found$/m);
}

/** Older versions of kubectl ask for an alpha or beta version of these when they describe them. */
const describedSince: Record<string, number> = {
  'servicecidrs.networking.k8s.io': 34,
  'ipaddresses.networking.k8s.io': 34,
  'volumeattributesclasses.storage.k8s.io': 35,
};
const isDescribed = (fullName: string) => kubectlMinor >= (describedSince[fullName] ?? 0);

function ownAnnotations({ metadata }: Manifest): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key]) => ['by', 'merge', 'gone'].includes(key)),
  );
}

/** Everything that `wanted` says is in `object`, which may say more. */
function assertHas(object: unknown, wanted: unknown, path: string): void {
  if (Array.isArray(wanted)) {
    assert.equal((object as unknown[])?.length, wanted.length, `length of ${path}`);
    for (const [i, item] of wanted.entries()) assertHas((object as unknown[])[i], item, `${path}[${i}]`);
  } else if (typeof wanted === 'object' && wanted !== null) {
    for (const [key, value] of Object.entries(wanted)) {
      assertHas((object as Record<string, unknown>)?.[key], value, `${path}.${key}`);
    }
  } else assert.deepEqual(object, wanted, path);
}
