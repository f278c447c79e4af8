import assert from 'node:assert/strict';
import { chmod, link, mkdir, mkdtemp, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Mounts } from '#host';
import { createFakeMounts } from '#host/testing';
import { bindSubPath } from './sub-path.ts';

let root: string;
let volume: string;
let target: string;
/** What each bind showed, with links resolved while they stood. */
let bound: string[];
let mounts: Mounts;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'sub-path-')));
  [volume, target, bound] = [join(root, 'volume'), join(root, 'target', '0'), []];
  await mkdir(volume);
  await chmod(volume, 0o777);
  const fake = createFakeMounts();
  mounts = {
    ...fake,
    async bind(source, path) {
      bound.push(await realpath(source));
      await fake.bind(source, path);
    },
  };
});
afterEach(() => rm(root, { recursive: true, force: true }));
const bind = (subPath: string) => bindSubPath(mounts, { volume, subPath, target });

test('a folder of the volume is bound to a folder', async () => {
  await mkdir(join(volume, 'a/b'), { recursive: true });
  assert.equal(await bind('a/b'), target);
  assert.deepEqual(bound, [join(volume, 'a/b')]);
  assert.equal((await stat(target)).isDirectory(), true);
});

test('a file of the volume is bound to a file', async () => {
  await writeFile(join(volume, 'f'), 'x');
  await bind('f');
  assert.deepEqual(bound, [join(volume, 'f')]);
  assert.equal((await stat(target)).isFile(), true);
});

test('missing folders are made with the rights of the volume', async () => {
  await bind('new/deep');
  assert.deepEqual(bound, [join(volume, 'new/deep')]);
  assert.equal((await stat(join(volume, 'new/deep'))).mode & 0o777, 0o777);
});

test('links within the volume are followed', async () => {
  await mkdir(join(volume, '..data'));
  await writeFile(join(volume, '..data/key'), 'x');
  await symlink('..data/key', join(volume, 'key'));
  await bind('key');
  assert.deepEqual(bound, [join(volume, '..data/key')]);
});

test('links that lead out of the volume are refused, also for what would have to be made', async () => {
  await mkdir(join(root, 'secret'));
  await symlink(join(root, 'secret'), join(volume, 'out'));
  await assert.rejects(bind('out'), /not within volume path/);
  await assert.rejects(bind('out/new'), /not within volume path/);
  await assert.rejects(stat(join(root, 'secret/new')), { code: 'ENOENT' });
  assert.deepEqual(bound, []);
});

test('paths that are absolute or lead up are refused', async () => {
  for (const path of ['/etc', '../x', 'a/../../x']) await assert.rejects(bind(path), /must be a relative path/, path);
  assert.deepEqual(bound, []);
});

test('what is bound already stays, unless the name means another file by now', async () => {
  const file = join(volume, 'f');
  await writeFile(file, 'old');
  await bind('f');
  // As the mount shows it: the same file under another name.
  await rm(target);
  await link(file, target);
  await bind('f');
  assert.equal(bound.length, 1);
  await mkdir(dirname(file), { recursive: true });
  await rm(file);
  await writeFile(file, 'new');
  await bind('f');
  assert.equal(bound.length, 2);
});
