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

/** Runs kubectl while the other platforms go on: much of its time it waits, as it asks but five times a second when it deletes. */
async function kubectl(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await server.runKubectl(args);
  assert.equal(status, 0, `kubectl ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

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
    assert.ok(typeof got === 'object' && got !== null, `${path} is ${got}`);
    for (const [key, value] of Object.entries(sent))
      assertKept(value, (got as Record<string, unknown>)[key], `${path}.${key}`);
  }
}

function assertAllKept(sent: readonly Manifest[], got: readonly Manifest[]): void {
  for (const [index, item] of sent.entries()) assertKept(item, got[index], `${item.kind}/${item.metadata.name}`);
}

async function readBack(path: string): Promise<Manifest[]> {
  return JSON.parse(await kubectl('get', '-f', path, '-o', 'json', '--show-managed-fields')).items;
}

async function remove(path: string): Promise<void> {
  await kubectl('delete', '-f', path, '--ignore-not-found', '--timeout=60s');
  assert.equal(await kubectl('get', '-f', path, '--ignore-not-found'), '');
}

const isAggregated = (item: Manifest) => item['aggregationRule'] !== undefined;

/** Whether the rules of `item` become those of `role`. */
function gives(item: Manifest, role: Manifest): boolean {
  const { clusterRoleSelectors } = role['aggregationRule'] as { clusterRoleSelectors: { matchLabels: object }[] };
  const { labels = {} } = item.metadata as { labels?: Record<string, string> };
  const isGiving = item.kind === 'ClusterRole' && !isAggregated(item);
  return (
    isGiving &&
    clusterRoleSelectors.some(({ matchLabels }) =>
      Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
    )
  );
}

async function establish(items: readonly Manifest[]): Promise<void> {
  const names = items
    .filter(({ kind }) => kind === 'CustomResourceDefinition')
    .map(({ metadata }) => `crd/${metadata.name}`);
  await kubectl('wait', '--for=condition=Established', ...names, '--timeout=30s');
  for (const role of items.filter(isAggregated)) {
    const rules = items.filter(item => gives(item, role)).flatMap(item => item['rules'] as unknown[]);
    assert.notEqual(rules.length, 0);
    const last = `--for=jsonpath={.rules[${rules.length - 1}]}`;
    await kubectl('wait', last, `clusterrole/${role.metadata.name}`, '--timeout=30s');
  }
}

/** Of these kubectl makes a patch each time, also upstream: the selector is replaced as a whole. The server finds nothing new in it. */
const alwaysSent = /^poddisruptionbudget\.policy\//;

/** Controllers write the status of these whenever they like: only what counts changes of the spec is compared. */
const hasBusyStatus =
  /^(Namespace|Deployment|HorizontalPodAutoscaler|PodDisruptionBudget|FlowSchema|PriorityLevelConfiguration)$/;

const versionsOf = (items: readonly Manifest[]) =>
  items.map(({ kind, metadata }) => {
    const { name, generation, resourceVersion } = metadata as Record<string, unknown>;
    return `${kind}/${name} ${hasBusyStatus.test(kind) ? generation : resourceVersion}`;
  });

describe('operators', { concurrency: 3 }, () => {
  for (const platform of platforms) {
    describe(`${platform.name}, like ${platform.like}`, { concurrency: 1 }, () => {
      test('applied by the client', async () => {
        const items = plain(platform.manifests('client'));
        const large = write(`${platform.name}-large`, items.filter(isLarge));
        const all = write(`${platform.name}-client`, items);
        if (items.some(isLarge)) {
          // Upstream cannot keep these in an annotation either, and says so.
          assert.match(
            (await server.runKubectl(['apply', '-f', large])).stderr,
            /metadata\.annotations: Too long: may not be more than 262144 bytes/,
          );
          await kubectl('create', '-f', large);
        }
        const small = write(
          `${platform.name}-small`,
          items.filter(item => !isLarge(item)),
        );
        const first = lines(await kubectl('apply', '-f', small));
        assert.deepEqual(
          first.filter(line => !/ created$/.test(line)),
          [],
        );
        await establish(items);
        const kept = await readBack(all);
        assertAllKept(items, kept);
        const second = lines(await kubectl('apply', '-f', small));
        assert.deepEqual(
          second.filter(line => !/ unchanged$/.test(line) && !alwaysSent.test(line)),
          [],
        );
        assert.deepEqual(versionsOf(await readBack(all)), versionsOf(kept));
        await remove(all);
      });

      test('applied by the server', async () => {
        const items = plain(platform.manifests('server'));
        const path = write(`${platform.name}-server`, items);
        const apply = async () => lines(await kubectl('apply', '--server-side', '-f', path));
        assert.deepEqual(
          (await apply()).filter(line => !line.endsWith(' serverside-applied')),
          [],
        );
        await establish(items);
        const kept = await readBack(path);
        assertAllKept(items, kept);
        await apply();
        assert.deepEqual(versionsOf(await readBack(path)), versionsOf(kept));
      });

      for (const [index, sample] of platform.samples('server').entries()) {
        test(`object ${index}: ${sample.manifest.kind} ${sample.manifest.metadata.name}`, () =>
          trySample(plain(sample.manifest), sample));
      }

      test('explained, and gone when it is deleted', async () => {
        for (const { path, says } of platform.explain) {
          const [plural, ...fields] = path.split('.');
          const what = [`${plural}.${platform.name}-server.example.com`, ...fields].join('.');
          assert.match(await kubectl('explain', what), says);
        }
        await remove(write(`${platform.name}-server`, plain(platform.manifests('server'))));
      });
    });
  }
});

async function trySample(manifest: Manifest, sample: Sample): Promise<void> {
  const apply = () => server.runKubectl(['apply', '-f', '-'], JSON.stringify(manifest));
  const { status, stderr } = await apply();
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
  const get = (...more: string[]) => kubectl(where, inside, 'get', kind, name, ...more);
  const kept = JSON.parse(await get('-o', 'json'));
  assertKept(manifest, kept, name);
  if (sample.defaulted) assertSome(sample.defaulted, kept, name);
  // kubectl may send a patch, as it does not know the defaults in lists of custom resources; it changes nothing.
  assert.match((await apply()).stdout, / (unchanged|configured)\n$/);
  assert.equal(JSON.parse(await get('-o', 'json')).metadata.resourceVersion, kept.metadata.resourceVersion);
  for (const { patch, refused } of sample.patches ?? []) {
    const change = ['--type=merge', '-p', JSON.stringify(patch)];
    const answer = await server.runKubectl([where, inside, 'patch', kind, name, ...change]);
    if (refused) assert.match(answer.stderr, refused);
    assert.equal(answer.status, refused ? 1 : 0, answer.stderr);
  }
  if (sample.scaled) {
    await kubectl(where, inside, 'scale', kind, name, '--replicas=4');
    const found = sample.scaled.reduce((value, field) => value[field], JSON.parse(await get('-o', 'json')));
    assert.equal(found, 4);
  }
  if (sample.row) assert.match(await get(), sample.row);
  if (sample.selector) {
    assert.match(
      await kubectl(where, inside, 'get', kind, '--field-selector', sample.selector, '-o', 'name'),
      new RegExp(`/${name}\n`),
    );
  }
  await kubectl(where, inside, 'delete', kind, name);
}

/** As assertKept; a list may be longer, and its items are compared in turn. */
function assertSome(wanted: unknown, got: unknown, path: string): void {
  if (typeof wanted !== 'object' || wanted === null) assert.deepEqual(got, wanted, path);
  else
    for (const [key, value] of Object.entries(wanted))
      assertSome(value, (got as Record<string, unknown>)?.[key], `${path}.${key}`);
}
