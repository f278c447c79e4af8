import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildImage } from './build.ts';
import { fullImageName, writeOciArchive } from './oci-archive.ts';
import { pauseImage, pauseProgram } from './pause.ts';
import { parseImageSpec } from './spec.ts';

function temporaryFolder() {
  const path = mkdtempSync(join(tmpdir(), 'wherry-image-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

const read = (archive: string, file: string) => execFileSync('tar', ['xOf', archive, file]);

test('an archive carries the index, and every blob under the digest that the manifest names', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'pause.tar');
  const { digest } = await writeOciArchive(path, pauseImage('amd64'));
  const index = JSON.parse(read(path, 'index.json').toString());
  assert.equal(index.manifests[0].digest, digest);
  assert.equal(index.manifests[0].annotations['io.containerd.image.name'], 'docker.io/wherry/pause:1');
  const manifest = JSON.parse(read(path, `blobs/${digest.replace(':', '/')}`).toString());
  const layer = read(path, `blobs/${manifest.layers[0].digest.replace(':', '/')}`);
  assert.equal(layer.length, manifest.layers[0].size);
  const listing = execFileSync('tar', ['tzv'], { input: layer }).toString();
  assert.match(listing, /-rwxr-xr-x .* pause\n/);
});

test('the same source gives the same digest', async () => {
  using folder = temporaryFolder();
  const first = await writeOciArchive(join(folder.path, 'a.tar'), pauseImage('arm64'));
  const second = await writeOciArchive(join(folder.path, 'b.tar'), pauseImage('arm64'));
  assert.equal(first.digest, second.digest);
});

for (const [short, full] of [
  ['busybox', 'docker.io/library/busybox:latest'],
  ['shop/web:1', 'docker.io/shop/web:1'],
  ['localhost:5000/web', 'localhost:5000/web:latest'],
  ['registry.example.org/a/b:c', 'registry.example.org/a/b:c'],
] as const) {
  test(`the image name ${short} means ${full}`, () => assert.equal(fullImageName(short), full));
}

test('the pause program sleeps, and has the kernel reap its children', {
  skip: process.arch !== 'x64' && 'the program for this machine is not amd64',
}, async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'pause');
  writeFileSync(path, pauseProgram('amd64'));
  chmodSync(path, 0o755);
  const child = spawn(path);
  await once(child, 'spawn');
  const ignored = () => /SigIgn:\s*([0-9a-f]+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  const sigchld = 1n << 16n;
  while ((BigInt(`0x${ignored()}`) & sigchld) === 0n) await new Promise(resolve => setImmediate(resolve));
  assert.equal(child.exitCode, null);
  child.kill('SIGKILL');
  const [, signal] = await once(child, 'exit');
  assert.equal(signal, 'SIGKILL');
});

test('an image without packages holds its own files, folders and links', async () => {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, 'site'));
  writeFileSync(join(folder.path, 'site', 'index.html'), 'hello');
  writeFileSync(
    join(folder.path, 'image.yaml'),
    'name: test/site:1\nfiles: { /srv/site: site }\nlinks: { /srv/now: site }\nfolders: { /data: "1777" }\n',
  );
  const output = join(folder.path, 'out.tar');
  const options = { folder: folder.path, output, cacheFolder: join(folder.path, 'cache'), architecture: 'amd64' };
  const { digest } = await buildImage({ ...options, onProgress() {} });
  const manifest = JSON.parse(read(output, `blobs/${digest.replace(':', '/')}`).toString());
  const layer = read(output, `blobs/${manifest.layers[0].digest.replace(':', '/')}`);
  const listing = execFileSync('tar', ['tzv', '--numeric-owner'], { input: layer }).toString();
  assert.match(listing, /drwxrwxrwt 0\/0 .* data/);
  assert.match(listing, /srv\/site\/index.html/);
  assert.match(listing, /srv\/now -> site/);
});

for (const [spec, message] of [
  [null, 'the specification must be a map with at least a name'],
  [{ name: 'Bad Name' }, 'name: "Bad Name" is not an image name like shop/web:1'],
  [{ name: 'a', package: [] }, /^package: no such field; there are name, packages/],
  [{ name: 'a', packages: 'redis' }, 'packages: must be a list of texts'],
  [{ name: 'a', files: { 'etc/x': 'y' } }, 'etc/x: must be an absolute path without .. in it'],
  [{ name: 'a', links: { '/a/../b': 'y' } }, '/a/../b: must be an absolute path without .. in it'],
] as const) {
  test(`a bad specification says: ${message}`, () => {
    assert.throws(() => parseImageSpec(spec), { name: 'ImageSpecError', message });
  });
}
