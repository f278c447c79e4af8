/** Installations of the shape and size of well-known operators: taken unmodified in both ways of applying, kept whole, and changed by nobody the second time. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Server, startServer } from './fixture.ts';
import type { Manifest } from './manifests.ts';
import type { Sample } from './operators/platform.ts';
import { platforms } from './operators/platforms.ts';

let server: Server;
before(async () => {
  server = await startServer();
  server.kubectl('create', 'namespace', 'unchecked');
  server.kubectl('label', 'namespace', 'unchecked', 'unchecked=true');
  mkdirSync(join(server.dataFolder, 'manifests'));
});
after(() => server?.[Symbol.asyncDispose]());

const lines = (text: string) => text.trim().split('\n');
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value));
/** kubectl keeps what it applied in an annotation, and all annotations together may have this size. */
const maxAnnotations = 262_144;
const isLarge = (manifest: Manifest) => JSON.stringify(manifest).length >= maxAnnotations - 1000;

function write(name: string, items: readonly Manifest[]): string {
  const path = join(server.dataFolder, 'manifests', `${name}.json`);
  writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return path;
}

/** Everything of `sent` is in `got`, wherever it stands; the server may have added more. kubectl's apply leaves nulls out. */
function assertKept(sent: unknown, got: unknown, path: string): void {
  if (sent === null) assert.equal(got ?? null, null, path);
  else if (typeof sent !== 'object') assert.deepEqual(got, sent, path);
  else if (Array.isArray(sent)) {
    assert.ok(Array.isArray(got) && got.length === sent.length, `${path}: ${JSON.stringify(got)}`);
    for (const [index, item] of sent.entries()) assertKept(item, got[index], `${path}[${index}]`);
  } else {
    // What is empty is kept or left out, as Go's omitempty has it for each field.
    if (got === undefined && Object.keys(sent).length === 0) return;
    assert.ok(typeof got === 'object' && got !== null, `${path} is ${got}`);
    for (const [key, value] of Object.entries(sent))
      assertKept(value, (got as Record<string, unknown>)[key], `${path}.${key}`);
  }
}

function assertAllKept(sent: readonly Manifest[], got: readonly Manifest[]): void {
  for (const [index, item] of sent.entries()) assertKept(item, got[index], `${item.kind}/${item.metadata.name}`);
}

function readBack(path: string): Manifest[] {
  return JSON.parse(server.kubectl('get', '-f', path, '-o', 'json', '--show-managed-fields')).items;
}

function establish(items: readonly Manifest[]): void {
  const names = items
    .filter(({ kind }) => kind === 'CustomResourceDefinition')
    .map(({ metadata }) => `crd/${metadata.name}`);
  server.kubectl('wait', '--for=condition=Established', ...names, '--timeout=30s');
}

/** Of these kubectl makes a patch each time, also upstream: the selector is replaced as a whole. The server finds nothing new in it. */
const alwaysSent = /^poddisruptionbudget\.policy\//;

/** Controllers write status, and the rules of an aggregated role; a definition counts as it was applied. */
const versionsOf = (items: readonly Manifest[]) =>
  items
    .filter(({ kind }) => kind !== 'Namespace' && kind !== 'Deployment' && kind !== 'HorizontalPodAutoscaler')
    .map(({ kind, metadata }) => `${kind}/${metadata.name} ${metadata.resourceVersion}`);

for (const platform of platforms) {
  describe(`${platform.name}, like ${platform.like}`, () => {
    test('applied by the client', () => {
      const items = plain(platform.manifests('client'));
      const large = write(`${platform.name}-large`, items.filter(isLarge));
      const all = write(`${platform.name}-client`, items);
      if (items.some(isLarge)) {
        // Upstream cannot keep these in an annotation either, and says so.
        assert.match(
          server.tryKubectl(['apply', '-f', large]).stderr,
          /metadata\.annotations: Too long: may not be more than 262144 bytes/,
        );
        server.kubectl('create', '-f', large);
      }
      const small = write(
        `${platform.name}-small`,
        items.filter(item => !isLarge(item)),
      );
      const first = lines(server.kubectl('apply', '-f', small));
      assert.deepEqual(
        first.filter(line => !/ created$/.test(line)),
        [],
      );
      establish(items);
      const kept = readBack(all);
      assertAllKept(items, kept);
      const second = lines(server.kubectl('apply', '-f', small));
      assert.deepEqual(
        second.filter(line => !/ unchanged$/.test(line) && !alwaysSent.test(line)),
        [],
      );
      assert.deepEqual(versionsOf(readBack(all)), versionsOf(kept));
      server.kubectl('delete', '-f', all, '--ignore-not-found', '--timeout=60s');
      assert.equal(server.kubectl('get', '-f', all, '--ignore-not-found'), '');
    });

    test('applied by the server', () => {
      const items = plain(platform.manifests('server'));
      const path = write(`${platform.name}-server`, items);
      const apply = () => lines(server.kubectl('apply', '--server-side', '-f', path));
      assert.deepEqual(
        apply().filter(line => !line.endsWith(' serverside-applied')),
        [],
      );
      establish(items);
      const kept = readBack(path);
      assertAllKept(items, kept);
      apply();
      assert.deepEqual(versionsOf(readBack(path)), versionsOf(kept));
    });

    for (const [index, sample] of platform.samples('server').entries()) {
      test(`object ${index}: ${sample.manifest.kind} ${sample.manifest.metadata.name}`, () =>
        trySample(plain(sample.manifest), sample));
    }

    test('explained, and gone when it is deleted', () => {
      for (const { path, says } of platform.explain) {
        const [plural, ...fields] = path.split('.');
        const what = [`${plural}.${platform.name}-server.example.com`, ...fields].join('.');
        assert.match(server.kubectl('explain', what), says);
      }
      const path = write(`${platform.name}-server`, plain(platform.manifests('server')));
      server.kubectl('delete', '-f', path, '--ignore-not-found', '--timeout=60s');
      assert.equal(server.kubectl('get', '-f', path, '--ignore-not-found'), '');
    });
  });
}

function trySample(manifest: Manifest, sample: Sample): void {
  const { status, stderr } = server.tryKubectl(['apply', '-f', '-'], JSON.stringify(manifest));
  if (sample.refused) {
    assert.match(stderr, sample.refused);
    assert.equal(status, 1);
    return;
  }
  assert.equal(status, 0, stderr);
  if (sample.warned) assert.match(stderr, sample.warned);
  const [group, version] = manifest.apiVersion.split('/');
  const namespace = (manifest.metadata as { namespace?: string }).namespace;
  const at = ['-n', namespace ?? 'default', `${manifest.kind}.${version}.${group}`, manifest.metadata.name] as const;
  const [where, inside, kind, name] = at;
  const get = (...more: string[]) => server.kubectl(where, inside, 'get', kind, name, ...more);
  const kept = JSON.parse(get('-o', 'json'));
  assertKept(manifest, kept, name);
  if (sample.defaulted) assertSome(sample.defaulted, kept, name);
  // kubectl may send a patch, as it does not know the defaults in lists of custom resources; it changes nothing.
  assert.match(server.tryKubectl(['apply', '-f', '-'], JSON.stringify(manifest)).stdout, / (unchanged|configured)\n$/);
  assert.equal(JSON.parse(get('-o', 'json')).metadata.resourceVersion, kept.metadata.resourceVersion);
  for (const { patch, refused } of sample.patches ?? []) {
    const answer = server.tryKubectl([where, inside, 'patch', kind, name, '--type=merge', '-p', JSON.stringify(patch)]);
    if (refused) assert.match(answer.stderr, refused);
    assert.equal(answer.status, refused ? 1 : 0, answer.stderr);
  }
  if (sample.scaled) {
    server.kubectl(where, inside, 'scale', kind, name, '--replicas=4');
    const found = sample.scaled.reduce((value, field) => value[field], JSON.parse(get('-o', 'json')));
    assert.equal(found, 4);
  }
  if (sample.row) assert.match(get(), sample.row);
  if (sample.selector) {
    assert.match(
      server.kubectl(where, inside, 'get', kind, '--field-selector', sample.selector, '-o', 'name'),
      new RegExp(`/${name}\n`),
    );
  }
  server.kubectl(where, inside, 'delete', kind, name);
}

/** As assertKept; a list may be longer, and its items are compared in turn. */
function assertSome(wanted: unknown, got: unknown, path: string): void {
  if (typeof wanted !== 'object' || wanted === null) assert.deepEqual(got, wanted, path);
  else
    for (const [key, value] of Object.entries(wanted))
      assertSome(value, (got as Record<string, unknown>)?.[key], `${path}.${key}`);
}
